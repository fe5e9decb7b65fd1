"""Train a small network on scikit-learn's handwritten digits with MMEngine's Runner.

A training like any other: Adam with a schedule, a validation after each epoch with two metrics, and
MMEngine's own ``CheckpointHook``, whose arguments come from a ``checkpoint_hook.json``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from mmengine.runner import Runner
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

EPOCHS = 10
SEED = 2
BATCH_SIZE = 40
TRAINING_IMAGES = 1000
"""The first thousand images; the others, from other writers, validate."""

ITERATIONS_PER_EPOCH = TRAINING_IMAGES // BATCH_SIZE
DEFAULT_ARGUMENTS = Path(__file__).with_name("checkpoint_hook.json")


@DATASETS.register_module()
class Digits(Dataset):
    """The 8 x 8 digit images that scikit-learn ships, split by position.

    Args:
        training: The images to train on, else those to validate on.
    """

    metainfo = dict(classes=tuple("0123456789"))

    def __init__(self, training: bool) -> None:
        images, labels = load_digits(return_X_y=True)
        part = slice(None, TRAINING_IMAGES) if training else slice(TRAINING_IMAGES, None)
        scaled = images[part].astype(np.float32) / 16
        self.images = torch.from_numpy(scaled).reshape(-1, 1, 8, 8)
        self.labels = torch.from_numpy(labels[part])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return dict(images=self.images[index], labels=self.labels[index])


@MODELS.register_module()
class DigitsNet(BaseModel):
    """Two convolutions and a linear layer: 3,866 parameters, 15 KB."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, kernel_size=3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
        )
        self.head = nn.Linear(16 * 4 * 4, 10)

    def forward(
        self, images: Tensor, labels: Tensor, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list[dict[str, Tensor]]:
        """Return logits, the losses to train on, or one prediction an image, as ``mode`` asks."""
        logits = self.head(self.backbone(images).flatten(1))
        if mode == "loss":
            return dict(loss=functional.cross_entropy(logits, labels))
        if mode == "predict":
            return [dict(logits=one, label=label) for one, label in zip(logits, labels)]
        return logits


@METRICS.register_module()
class Classification(BaseMetric):
    """``accuracy`` in per cent and ``val_loss``, the mean cross entropy; in this order."""

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Tensor]]) -> None:
        """Keep what one batch predicted."""
        self.results.extend(data_samples)

    def compute_metrics(self, results: list[dict[str, Tensor]]) -> dict[str, float]:
        """Reduce the predictions of a whole validation to the two metrics."""
        logits = torch.stack([result["logits"] for result in results]).double()
        labels = torch.stack([result["label"] for result in results])
        correct = int((logits.argmax(1) == labels).sum())
        return dict(
            accuracy=100 * correct / len(labels),
            val_loss=float(functional.cross_entropy(logits, labels)),
        )


def config(arguments: dict[str, Any], work_dir: str, seed: int) -> Config:
    """Describe the training to MMEngine.

    Args:
        arguments: What ``CheckpointHook`` is called with.
        work_dir: The folder that logs and checkpoints go to.
        seed: Of the initial weights and the order of the images.
    """
    return Config(
        dict(
            model=dict(type="DigitsNet"),
            work_dir=work_dir,
            experiment_name="digits",
            train_dataloader=dict(
                batch_size=BATCH_SIZE,
                dataset=dict(type="Digits", training=True),
                sampler=dict(type="DefaultSampler", shuffle=True),
                collate_fn=dict(type="default_collate"),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=EPOCHS, val_interval=1),
            optim_wrapper=dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=0.02)),
            param_scheduler=dict(type="MultiStepLR", milestones=[4, 7], gamma=0.3),
            val_dataloader=dict(
                batch_size=200,
                dataset=dict(type="Digits", training=False),
                sampler=dict(type="DefaultSampler", shuffle=False),
                collate_fn=dict(type="default_collate"),
            ),
            val_cfg=dict(),
            val_evaluator=dict(type="Classification"),
            default_hooks=dict(
                logger=dict(type="LoggerHook", interval=10),
                checkpoint=dict(type="CheckpointHook", **arguments),
            ),
            # MMEngine logs a running mean of whatever has "loss" in its name, validation metrics
            # included. Smooth the training's loss alone: the log then says what the hook compares.
            log_processor=dict(mean_pattern=r"^(loss|time|data_time)$"),
            randomness=dict(seed=seed, deterministic=True),
        )
    )


def build_runner(cfg: Config, runner_class: type[Runner] = Runner) -> Runner:
    """Build the runner of a training that computes the same however many cores there are."""
    # The hook publishes by loading what it saved, MMEngine's own classes included, which torch
    # refuses from 2.6 on unless told that the file is trusted.
    os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.set_num_threads(1)
    return runner_class.from_cfg(cfg)


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work-dir",
        default="work_dirs/digits",
        help="where checkpoints and logs go (default: %(default)s)",
    )
    parser.add_argument(
        "--checkpoint-hook",
        type=Path,
        default=DEFAULT_ARGUMENTS,
        metavar="FILE",
        help="a JSON file with CheckpointHook's arguments (default: the one beside this script)",
    )
    parser.add_argument("--seed", type=int, default=SEED, help="default: %(default)s")
    options = parser.parse_args()
    arguments = json.loads(options.checkpoint_hook.read_text())
    build_runner(config(arguments, options.work_dir, options.seed)).train()


if __name__ == "__main__":
    main()
