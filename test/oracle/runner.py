"""As much of MMEngine's runner as the hook looks at, and the small files that it saves."""

from __future__ import annotations

import logging
import os
import pickle
import re
from dataclasses import dataclass, field
from typing import Any, Iterator

from mmengine.logging import MessageHub

LOGGER = logging.Logger("oracle", logging.CRITICAL)
PUBLISHED = re.compile(r"-[0-9a-f]{8}\.pth$")


@dataclass
class Memory:
    """What a run remembers over its lives, where a resume is to know all of it."""

    best: dict[tuple[str, str], tuple[Any, str]] = field(default_factory=dict)
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
    saved: list[int] = field(default_factory=list)

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
        write(checkpoint, os.path.join(out_dir, filename))


def write(checkpoint: dict[str, Any], filename: str, *args: Any, **kwargs: Any) -> None:
    """Stand in for ``mmengine.runner.save_checkpoint``."""
    os.makedirs(os.path.dirname(filename), exist_ok=True)
    with open(filename, "wb") as file:
        pickle.dump(checkpoint, file)


def read(filename: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Stand in for ``mmengine.runner.checkpoint._load_checkpoint``."""
    with open(filename, "rb") as file:
        return pickle.load(file)


def paths_in(folder: str) -> Iterator[str]:
    """All files below a folder, relative to it."""
    for parent, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(parent, name), folder)


def named_in(told: dict[str, Any], work_dir: str) -> dict[str, Any]:
    """The arguments of a life, with the bucket's root as that of ``out_dir``."""
    arguments = dict(told["arguments"])
    arguments.pop("type", None)
    if isinstance(arguments.get("out_dir"), str):
        arguments["out_dir"] = os.path.join(os.path.dirname(work_dir), arguments["out_dir"])
    return arguments
