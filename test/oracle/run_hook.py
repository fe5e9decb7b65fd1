"""Run schedules through MMEngine's own, unmodified ``CheckpointHook``.

Reads one schedule a line on standard input and writes what the hook left of each, one line a
schedule; ``{"ask": "branches"}`` is answered with how often each branch of the hook was taken. Real are the hook, its base class, the message hub, the file backends and the files. Ours
are the loop, which calls the hook where MMEngine's loops do, and the runner's way to save, which
writes a pickle of a few keys instead of tensors.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import warnings
from typing import Any

import mmengine
import mmengine.runner
import mmengine.runner.checkpoint
from mmengine.logging import MMLogger

from branches import BranchCounter
from refusals import refusals
from runner import PUBLISHED, Memory, as_rank, paths_in, read, write
from trainer import Life

VERSION = "0.10.7"
HUB_KEY = re.compile(r"best_(score|ckpt)|last_ckpt$|keep_ckpt_ids$")


def text_of(value: Any) -> Any:
    """A value of the message hub, with numbers that JSON does not know as text."""
    if isinstance(value, (bool, int, float)):
        return dict(number=repr(float(value)))
    return value


def perform(schedule: dict[str, Any], root: str) -> dict[str, Any]:
    """Run a schedule in a folder of its own and tell what is left."""
    folder = tempfile.mkdtemp(dir=root)
    work_dir = os.path.join(folder, "exp")
    os.makedirs(work_dir)
    memory, lives = Memory(), []
    of_rank_1: list[str] = []
    try:
        for place, told in enumerate(schedule["lives"]):
            life = Life(told, work_dir, memory, place, schedule["layout"])
            if schedule["ranks"] == 1:
                life.run()
            else:
                of_rank_1 += as_two_ranks(life, folder)
            lives.append(life)
        hub: dict[str, Any] = next((life.hub for life in reversed(lives) if life.hub), {})
        if lives and not lives[-1].error:
            hub = lives[-1].hub
        return dict(
            id=schedule["id"],
            lives=[
                dict(
                    error=life.error,
                    start=life.start,
                    saved=life.saved,
                    saved_again=life.saved_again,
                    last=life.last and os.path.basename(life.last),
                    published=life.published,
                    bests=[(os.path.relpath(path, folder), place) for path, place in life.bests],
                    refused=refusals(life.told["probe"]),
                )
                for life in lives
            ],
            files=files_in(folder),
            ever_best=[
                (os.path.relpath(path, folder), place) for _, path, place in memory.best.values()
            ],
            of_rank_1=of_rank_1,
            last_checkpoint=pointer_of(work_dir, folder),
            runtime_info={
                key: os.path.relpath(value, folder) if isinstance(value, str) else text_of(value)
                for key, value in hub.items()
                if HUB_KEY.match(key)
            },
        )
    finally:
        shutil.rmtree(folder)


def as_two_ranks(life: Life, folder: str) -> list[str]:
    """Run a life as rank 1, which is to change nothing on disk, then as rank 0; tell what is wrong."""
    other = copy.deepcopy(life)
    before = snapshot(folder)
    with as_rank(1):
        other.run()
    touched = sorted(path for path, _ in before ^ snapshot(folder))
    life.run()
    is_same = repr(other.hub) == repr(life.hub) and other.start == life.start
    return touched if is_same else [*touched, f"message hub {other.hub}, of rank 0 {life.hub}"]


def snapshot(folder: str) -> set[tuple[str, int]]:
    """Every file with the time at which it was written."""
    return {
        (path, os.stat(os.path.join(folder, path)).st_mtime_ns) for path in paths_in(folder)
    }


def files_in(folder: str) -> list[str]:
    """Checkpoints and best files."""
    return sorted(
        path
        for path in paths_in(folder)
        if not PUBLISHED.search(path) and os.path.basename(path) != "last_checkpoint"
    )


def pointer_of(work_dir: str, folder: str) -> str | None:
    """The text of ``last_checkpoint``, relative; nothing where there is none."""
    pointer = os.path.join(work_dir, "last_checkpoint")
    if not os.path.exists(pointer):
        return None
    with open(pointer) as file:
        return os.path.relpath(file.read(), folder)


def main() -> None:
    """Answer line by line until the input ends."""
    if mmengine.__version__ != VERSION:
        raise SystemExit(f"MMEngine {VERSION} is asked for, found {mmengine.__version__}")
    warnings.simplefilter("ignore")
    MMLogger.get_current_instance().setLevel(logging.CRITICAL)
    mmengine.runner.save_checkpoint = write
    mmengine.runner.checkpoint._load_checkpoint = read
    memory = "/dev/shm"
    base = memory if os.path.isdir(memory) else None
    counter = BranchCounter()
    with tempfile.TemporaryDirectory(dir=base) as root:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(answer(json.loads(line), root, counter)) + "\n")
            sys.stdout.flush()


def answer(asked: dict[str, Any], root: str, counter: BranchCounter) -> Any:
    """What is left of a schedule, or the table of branches."""
    if asked.get("ask") == "branches":
        return counter.table()
    if not asked["traced"]:
        return perform(asked, root)
    with counter.counting():
        return perform(asked, root)


if __name__ == "__main__":
    main()
