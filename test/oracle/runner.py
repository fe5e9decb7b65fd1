"""As much of MMEngine's runner as the hook looks at, and the small files that it saves."""

from __future__ import annotations

import logging
import os
import pickle
import re
from dataclasses import dataclass, field
from contextlib import contextmanager
from typing import Any, Callable, Iterator
from unittest import mock

from mmengine.dist import master_only
from mmengine.logging import MessageHub

LOGGER = logging.Logger("oracle", logging.CRITICAL)
PUBLISHED = re.compile(r"-[0-9a-f]{8}\.pth$")
STATES = "mp_rank_00_model_states.pt"
"""What DeepSpeed calls the file of a directory that holds the model."""


@dataclass
class Memory:
    """What a run remembers over its lives, where a resume is to know all of it."""

    best: dict[tuple[str, str], tuple[Any, str, int]] = field(default_factory=dict)
    """By metric and rule: the score, the path, and the life that saved it."""
    saved: list[int] = field(default_factory=list)


@dataclass
class Runner:
    """As much of a runner as the hook looks at."""

    work_dir: str
    max_epochs: int
    max_iters: int
    epoch: int
    iter: int
    message_hub: MessageHub
    logger: logging.Logger
    is_directory: Callable[[str], bool]

    @master_only
    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict[str, Any] | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict[str, Any] | None = None,
        by_epoch: bool = True,
        backend_args: dict[str, Any] | None = None,
    ) -> None:
        """Write the keys that ``Runner.save_checkpoint`` writes, with next to nothing in them."""
        checkpoint: dict[str, Any] = dict(
            meta=dict(meta or {}), state_dict={}, message_hub=self.message_hub.state_dict()
        )
        if save_optimizer:
            checkpoint["optimizer"] = {}
        if save_param_scheduler:
            checkpoint["param_schedulers"] = []
        path = os.path.join(out_dir, filename)
        write(checkpoint, os.path.join(path, STATES) if self.is_directory(filename) else path)


def write(checkpoint: dict[str, Any], filename: str, *args: Any, **kwargs: Any) -> None:
    """Stand in for ``mmengine.runner.save_checkpoint``."""
    os.makedirs(os.path.dirname(filename), exist_ok=True)
    with open(filename, "wb") as file:
        pickle.dump(checkpoint, file)


def read(filename: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Stand in for ``mmengine.runner.checkpoint._load_checkpoint``."""
    with open(filename, "rb") as file:  # of a directory this fails, as torch.load does
        return pickle.load(file)


def resumed(path: str) -> dict[str, Any]:
    """Read a checkpoint as the strategy that saved it does."""
    return read(os.path.join(path, STATES) if os.path.isdir(path) else path)


@contextmanager
def as_rank(rank: int) -> Iterator[None]:
    """Let MMEngine take this process for another one of its group."""
    with mock.patch("mmengine.dist.utils.get_rank", lambda group=None: rank):
        yield


def paths_in(folder: str) -> Iterator[str]:
    """All files below a folder, relative to it; a directory checkpoint is one, with a slash."""
    for parent, _, names in os.walk(folder):
        if STATES in names:
            yield f"{os.path.relpath(parent, folder)}/"
            continue
        for name in names:
            yield os.path.relpath(os.path.join(parent, name), folder)


def written_in(folder: str) -> dict[str, int]:
    """When each of them was written last."""
    return {path: os.stat(os.path.join(folder, path)).st_mtime_ns for path in paths_in(folder)}


def named_in(told: dict[str, Any], work_dir: str) -> dict[str, Any]:
    """The arguments of a life, with the bucket's root as that of ``out_dir``."""
    arguments = dict(told["arguments"])
    arguments.pop("type", None)
    if isinstance(arguments.get("out_dir"), str):
        arguments["out_dir"] = os.path.join(os.path.dirname(work_dir), arguments["out_dir"])
    return arguments
