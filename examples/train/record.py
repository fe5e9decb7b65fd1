"""Run the training and record what a trainer uploads and what MMEngine's own hook leaves.

The training is real and the hook is MMEngine's, unchanged. Two things are fixed so that recording
again gives the same files: the clock, which a hook moves on by a constant for each iteration, and
the paths, which name no folder of the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import re
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator
from unittest import mock

import mmengine
import torch
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner

import train

WORK_DIR = "work_dirs/digits"
START = 1767225600
"""The recorded clock begins with 2026 (UTC)."""

TIMESTAMP = "20260101_000000"
SCALARS = f"{TIMESTAMP}/vis_data/scalars.json"
ARGUMENTS: dict[str, Any] = json.loads(train.DEFAULT_ARGUMENTS.read_text())
EPOCH = train.ITERATIONS_PER_EPOCH

VARIANTS: dict[str, dict[str, Any]] = {
    "keep one": dict(max_keep_ckpts=1),
    "keep all": dict(max_keep_ckpts=-1),
    "every third, auto": dict(interval=3, max_keep_ckpts=2, save_best="auto", rule=None),
    "begin at three": dict(
        interval=2, save_begin=3, max_keep_ckpts=2, save_best="accuracy", rule=None
    ),
    "every fourth and the last": dict(
        interval=4, max_keep_ckpts=1, save_best=["val_loss"], rule=None
    ),
    "every fourth without the last": dict(
        interval=4, save_last=False, max_keep_ckpts=2, save_best="accuracy", rule="greater"
    ),
    "only best": dict(interval=-1, save_last=False),
    "no best": dict(interval=2, max_keep_ckpts=2, save_best=None, rule=None),
    "wrong way round": dict(save_best="accuracy", rule="less"),
    "unpublished, another name, weights only": dict(
        published_keys=None,
        filename_tmpl="digits-{}.pth",
        save_optimizer=False,
        save_param_scheduler=False,
    ),
    "by iteration, at the end of epochs": dict(by_epoch=False, interval=EPOCH),
    "by iteration, between validations": dict(
        by_epoch=False, interval=40, max_keep_ckpts=2, save_best=["val_loss"], rule=None
    ),
    "by iteration, begin late": dict(
        by_epoch=False, interval=60, save_begin=70, max_keep_ckpts=2, save_last=False
    ),
}
"""What the same training is run with besides: arguments that replace those of the recording."""

LOGS: dict[str, dict[str, Any]] = {
    "defaults": {"log_processor": dict(_delete_=True)},
    "hierarchy": {"log_processor.log_with_hierarchy": True},
    "by_iteration": {"default_hooks.logger.log_metric_by_epoch": False},
    "iteration_loop": {
        "train_cfg": dict(
            _delete_=True, by_epoch=False, max_iters=train.EPOCHS * EPOCH, val_interval=EPOCH
        ),
        "train_dataloader.sampler": dict(_delete_=True, type="InfiniteSampler", shuffle=True),
        "param_scheduler": dict(
            _delete_=True, type="MultiStepLR", by_epoch=False, milestones=[4 * EPOCH, 7 * EPOCH]
        ),
        "log_processor.by_epoch": False,
        "default_hooks.logger.log_metric_by_epoch": False,
        "default_hooks.checkpoint": dict(by_epoch=False, interval=EPOCH),
    },
}
"""How else MMEngine may write its log: what changes in the configuration."""


class Clock:
    """The time of a recording, which passes only as it is told to."""

    def __init__(self) -> None:
        self.now = float(START)

    def time(self) -> float:
        """Stand in for ``time.time``."""
        return self.now

    def localtime(self, seconds: float | None = None) -> time.struct_time:
        """Stand in for ``time.localtime``, in UTC."""
        return time.gmtime(self.now if seconds is None else seconds)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Be the clock of this process meanwhile."""
        with mock.patch.multiple(time, time=self.time, localtime=self.localtime):
            yield


class ClockHook(Hook):
    """Lets time pass: for loading a batch, for computing with it, and between epochs."""

    priority = "VERY_HIGH"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def before_train_epoch(self, runner: Runner) -> None:
        """Let half a minute pass."""
        self.clock.now += 30

    def _before_iter(self, *args: Any, **kwargs: Any) -> None:
        self.clock.now += 0.0005

    def _after_iter(self, *args: Any, **kwargs: Any) -> None:
        self.clock.now += 0.002


@dataclass
class Upload:
    """One object as a trainer puts it.

    Args:
        key: Below the run's prefix.
        after: The hook point after which it goes.
        epoch: How many epochs were done.
        bytes: Its size then: a log grows, and this is how much of the recorded one was there.
    """

    key: str
    after: str
    epoch: int
    bytes: int


@dataclass
class Recorder(Hook):
    """Watches a training after every other hook and keeps what a trainer uploads.

    Args:
        folder: Where the uploads go; without one nothing is copied.
    """

    folder: Path | None = None
    validations: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    order: list[Upload] = field(default_factory=list)

    priority = "LOWEST"

    def before_train(self, runner: Runner) -> None:
        """Upload the hook's arguments, which the run begins with."""
        self._put_json("checkpoint_hook.json", ARGUMENTS, "before_train", 0)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Note a checkpoint saved by iteration."""
        self._note_saved(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Note a checkpoint saved by epoch."""
        self._note_saved(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Upload the checkpoint as it is after its validation, its metrics and the log so far."""
        hook = checkpoint_hook(runner)
        step = runner.epoch if hook.by_epoch else runner.iter
        self._note(hook.filename_tmpl.format(step))
        event = dict(epoch=runner.epoch, iter=runner.iter, metrics=dict(metrics or {}))
        self.validations.append(event)

        name = f"epoch_{runner.epoch}"
        self._put_file(runner, f"{name}.pth", "after_val_epoch")
        self._put_json(f"metrics/{name}.json", event, "after_val_epoch", runner.epoch)
        self._put_file(runner, SCALARS, "after_val_epoch")

    def after_train(self, runner: Runner) -> None:
        """Upload the end, which names the last checkpoint."""
        last = {"last": f"epoch_{runner.epoch}.pth"}
        self._put_json("after_train.json", last, "after_train", runner.epoch)

    def _note_saved(self, runner: Runner) -> None:
        saved = checkpoint_hook(runner).last_ckpt
        if saved is not None:
            self._note(os.path.basename(saved))

    def _note(self, name: str) -> None:
        if name not in self.names:
            self.names.append(name)

    def _put_file(self, runner: Runner, key: str, after: str) -> None:
        if self.folder is None:
            return
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(runner.work_dir) / key, target)
        self.order.append(Upload(key, after, runner.epoch, target.stat().st_size))

    def _put_json(self, key: str, value: Any, after: str, epoch: int) -> None:
        if self.folder is None:
            return
        target = self.folder / key
        write_json(target, value, indent=None)
        self.order.append(Upload(key, after, epoch, target.stat().st_size))


class RelativeRunner(Runner):
    """A Runner whose work dir stays relative, so that what it saves names no machine's folder."""

    @property
    def work_dir(self) -> str:
        """The work dir, as it was given."""
        return os.path.relpath(self._work_dir)


@dataclass(frozen=True)
class Job:
    """One run of the training.

    Args:
        arguments: What ``CheckpointHook`` is called with.
        changes: What else differs in the configuration, by dotted name.
        uploads: Where to keep what a trainer uploads, if anywhere.
        details: Whether to look into the files that the hook leaves.
    """

    arguments: dict[str, Any]
    changes: dict[str, Any] = field(default_factory=dict)
    uploads: Path | None = None
    details: bool = False


def checkpoint_hook(runner: Runner) -> CheckpointHook:
    """Find MMEngine's hook in a runner."""
    return next(hook for hook in runner.hooks if isinstance(hook, CheckpointHook))


def perform(job: Job) -> dict[str, Any]:
    """Train once, in a folder of its own, and tell what came of it.

    MMEngine keeps its message hub in the process, so that each job needs a new process.
    """
    clock, recorder = Clock(), Recorder(job.uploads)
    cfg = train.config(job.arguments, WORK_DIR, train.SEED)
    cfg.merge_from_dict(job.changes)
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with clock.running(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            runner = train.build_runner(cfg, RelativeRunner)
            runner.register_hook(ClockHook(clock))
            runner.register_hook(recorder)
            runner.train()
        result = dict(
            validations=recorder.validations,
            uploads=recorder.names,
            order=[vars(upload) for upload in recorder.order],
            left=what_is_left(runner),
            log=(Path(WORK_DIR) / SCALARS).read_text(),
        )
        if job.details:
            result["files"] = describe_files(runner)
        os.chdir("/")  # out of the folder that goes
    return result


def what_is_left(runner: Runner) -> dict[str, Any]:
    """Tell what the hook left in the work dir and in the message hub, with paths below the run."""
    work_dir = Path(WORK_DIR)
    last = work_dir / "last_checkpoint"
    names = checkpoint_names(work_dir)
    published = [name for name in names if stem_of_published(name)]
    best = [name for name in names if name.startswith("best_") and name not in published]
    return dict(
        checkpoints=[name for name in names if name not in (*published, *best)],
        best=best,
        published=[stem_of_published(name) for name in published],
        last_checkpoint=below_run(last.read_text()) if last.exists() else None,
        runtime_info={
            key: below_run(value) if "ckpt" in key and isinstance(value, str) else value
            for key, value in runner.message_hub.runtime_info.items()
            if re.match(r"best_(score|ckpt)|last_ckpt$|keep_ckpt_ids$", key)
        },
    )


def describe_files(runner: Runner) -> dict[str, Any]:
    """Look into each file that the hook left; a published one goes by its stem."""
    work_dir = Path(WORK_DIR)
    return {
        stem_of_published(name) or name: describe(work_dir / name)
        for name in checkpoint_names(work_dir)
    }


def describe(path: Path) -> dict[str, Any]:
    """Name a checkpoint's top-level keys, and its weights by the SHA-256 of their raw bytes."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    return dict(
        keys=list(checkpoint),
        epoch=checkpoint["meta"]["epoch"],
        iter=checkpoint["meta"]["iter"],
        state_dict={
            name: dict(
                dtype=str(tensor.dtype).removeprefix("torch."),
                shape=list(tensor.shape),
                sha256=hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest(),
            )
            for name, tensor in checkpoint["state_dict"].items()
        },
    )


def stem_of_published(name: str) -> str | None:
    """Strip the hash off a published file's name; ``None`` for another file.

    MMEngine's hash differs from process to process, so that the recording has stems alone.
    """
    match = re.fullmatch(r"(.+)-[0-9a-f]{8}\.pth", name)
    return match.group(1) if match else None


def below_run(path: str) -> str:
    """Make a path of the hook's relative to the work dir."""
    return os.path.relpath(path, WORK_DIR)


def checkpoint_names(work_dir: Path) -> list[str]:
    """List the files by what they hold, so that a published one's hash moves none."""
    names = (path.name for path in work_dir.glob("*.pth"))
    return sorted(names, key=lambda name: by_number(stem_of_published(name) or name))


def by_number(name: str) -> list[tuple[int, str]]:
    """Sort ``epoch_10`` after ``epoch_9``."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D+)(\d*)", name)]


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write a JSON file that ends with a newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=indent) + "\n")


def refuse_machine_names(folder: Path) -> None:
    """Fail where a recorded file names this machine or a folder of it."""
    names = {tempfile.gettempdir(), str(Path.home()), str(Path.cwd()), socket.gethostname()}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found = [name for name in names if len(name) > 3 and name.encode() in content]
            if found:
                raise SystemExit(f"{path} names this machine: {', '.join(found)}")


def record(folder: Path) -> None:
    """Run every job and write the recording anew."""
    shutil.rmtree(folder, ignore_errors=True)
    jobs = {
        "recording": Job(ARGUMENTS, uploads=(folder / "uploads").resolve(), details=True),
        **{f"variant: {name}": Job(ARGUMENTS | change) for name, change in VARIANTS.items()},
        **{f"log: {name}": Job(ARGUMENTS, change) for name, change in LOGS.items()},
    }
    with multiprocessing.get_context("spawn").Pool(maxtasksperchild=1) as pool:
        results = {}
        for name, result in zip(jobs, pool.imap(perform, jobs.values(), chunksize=1)):
            print(f"  {name}: {', '.join(result['left']['checkpoints'] + result['left']['best'])}")
            results[name] = result

    main = results["recording"]
    write_json(folder / "order.json", main["order"])
    write_json(
        folder / "expected.json",
        dict(
            versions=dict(
                torch=torch.__version__.partition("+")[0], mmengine=mmengine.__version__
            ),
            arguments=ARGUMENTS,
            iterations_per_epoch=EPOCH,
            validations=main["validations"],
            left=main["left"],
            files=main["files"],
            uploads={
                name: describe(folder / "uploads" / name)
                for name in (f"epoch_{number + 1}.pth" for number in range(train.EPOCHS))
            },
        ),
    )
    write_json(
        folder / "expected_variants.json",
        {
            name: dict(
                arguments=ARGUMENTS | change,
                uploads=results[f"variant: {name}"]["uploads"],
                left=results[f"variant: {name}"]["left"],
            )
            for name, change in VARIANTS.items()
        },
    )
    for name in LOGS:
        path = folder / "logs" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(results[f"log: {name}"]["log"])
    same = [result["validations"] == main["validations"] for result in results.values()]
    if not all(same[: 1 + len(VARIANTS)]):
        raise SystemExit("The variants did not train alike.")
    refuse_machine_names(folder)


def main() -> None:
    """Record as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(__file__).parent.parent / "recorded",
        help="where the recording goes; what is there is replaced (default: examples/recorded)",
    )
    record(parser.parse_args().folder)


if __name__ == "__main__":
    main()
