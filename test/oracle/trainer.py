"""A trainer with MMEngine's own ``CheckpointHook``: the loop around it."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Iterator

from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub

from runner import LOGGER, PUBLISHED, Memory, Runner, named_in, read, resumed, written_in


class Life:
    """One process of a trainer: the hook is made, told what happens, and left.

    Args:
        told: The life as the schedule tells it.
        work_dir: The run's folder.
        memory: What the run remembers.
        place: Its place among the lives.
        layout: Which steps are saved as directories.
    """

    def __init__(
        self,
        told: dict[str, Any],
        work_dir: str,
        memory: Memory,
        place: int,
        layout: str,
    ) -> None:
        self.told = told
        self.work_dir = work_dir
        self.memory = memory
        self.place = place
        self.layout = layout
        self.error: dict[str, Any] | None = None
        self.start = dict(epoch=0, iter=0, resumed_from=None)
        self.hub: dict[str, Any] = {}
        self.saved: list[int] = []
        self.saved_again: list[int] = []
        self.records: set[str] = set()
        self.bests: list[tuple[str, int]] = []
        self.last: str | None = None
        self.published: dict[str, list[str]] = {}
        self.at = "construction"

    def run(self) -> None:
        """Train, until the end or an error."""
        try:
            self._train()
        except Exception as error:  # noqa: BLE001 - what the hook raises is the answer
            self.error = dict(at=self.at, type=type(error).__name__, message=str(error))

    def _train(self) -> None:
        self.hook = hook = CheckpointHook(**named_in(self.told, self.work_dir))
        hub = MessageHub(name="oracle")
        self._resume(hub)
        length, more = self.told["epochLength"], self.told["more"]
        by_epoch = self.told["loop"] == "epoch"
        epoch, iteration = self.start["epoch"], self.start["iter"]
        max_epochs = epoch + more if by_epoch else 1
        max_iters = max_epochs * length if by_epoch else iteration + more
        runner = Runner(
            self.work_dir, max_epochs, max_iters, epoch, iteration, hub, LOGGER, self._is_directory
        )
        self.runner = runner
        self.at = "before_train"
        hook.before_train(runner)
        try:
            done = self._loop(by_epoch, length)
            if done:
                self.at = "after_train"
                self.last = hook.last_ckpt
                self._end()
        finally:
            self.hub = dict(hub.runtime_info)
            self.last = self.last or hook.last_ckpt
            self._remember()

    def _loop(self, by_epoch: bool, length: int) -> bool:
        """Go through the training as MMEngine's loops do; false where the process is killed."""
        hook, runner = self.hook, self.runner
        validations = {at: json.loads(text) for at, text in self.told["validations"]}
        first = runner.epoch if by_epoch else runner.iter
        last = runner.max_epochs if by_epoch else runner.max_iters
        while (runner.epoch if by_epoch else runner.iter) < last:
            self.at = "train"
            if by_epoch:
                while runner.iter < (runner.epoch + 1) * length:
                    self._iterate()
                self._spy(lambda: hook.after_train_epoch(runner), runner.epoch + 1)
                runner.epoch += 1
                now = runner.epoch
            else:
                self._iterate()
                now = runner.iter
            done = now - first
            if done in validations:
                self.at = "validation"
                step = runner.epoch if hook.by_epoch else runner.iter
                self._validate(validations[done], step)
            if self.told["stop"] is not None and done >= self.told["stop"]:
                if self.told["killed"]:
                    return False
                break
        return True

    def _end(self) -> None:
        """Let the hook publish; where it is told to, without the bests that were never set."""
        self._spare_the_hook()
        root = os.path.dirname(self.work_dir)
        before = written_in(root)
        self.hook.after_train(self.runner)
        # What it writes again, an earlier life had published already.
        for path, when in written_in(root).items():
            if before.get(path) != when:
                self.published[PUBLISHED.sub("", path)] = list(read(os.path.join(root, path)))

    def _spare_the_hook(self) -> None:
        """Where it is told so, take from the hook what its publishing fails on."""
        hook = self.hook
        if "directories" in self.told["remember"]:
            if hook.last_ckpt is not None and os.path.isdir(hook.last_ckpt):
                hook.last_ckpt = None
            if os.path.isdir(getattr(hook, "best_ckpt_path", None) or ""):
                hook.best_ckpt_path = None
        for metric, path in list(getattr(hook, "best_ckpt_path_dict", {}).items()):
            is_unset = path is None and "unset" in self.told["remember"]
            is_directory = os.path.isdir(path or "") and "directories" in self.told["remember"]
            if is_unset or is_directory:
                del hook.best_ckpt_path_dict[metric]

    def _iterate(self) -> None:
        self._spy(lambda: self.hook.after_train_iter(self.runner, 0), self.runner.iter + 1)
        self.runner.iter += 1

    def _validate(self, metrics: dict[str, float | None], step: int) -> None:
        before, count = self._bests(), len(self.saved)
        self._spy(lambda: self.hook.after_val_epoch(self.runner, metrics), step)
        self.saved_again += self.saved[count:]
        bests = self._bests().items()
        self.records |= {key for key, value in bests if before.get(key) != value}

    def _spy(self, call: Any, step: int) -> None:
        """Call the hook and note whether it saved a checkpoint of the series."""
        saves: list[str] = []
        save = self.runner.save_checkpoint

        def spying(out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
            save(out_dir, filename, *args, **kwargs)
            saves.append(filename)

        self.runner.save_checkpoint = spying  # type: ignore[method-assign]
        try:
            call()
        finally:
            del self.runner.save_checkpoint
        if self.hook.filename_tmpl.format(step) not in saves:
            return
        self.saved.append(step)

    def _bests(self) -> dict[str, Any]:
        """Every best of the hub: its score and its path, by the suffix of their keys."""
        info = self.runner.message_hub.runtime_info
        suffixes = [key[len("best_ckpt") :] for key in info if key.startswith("best_ckpt")]
        return {suffix: (info[f"best_score{suffix}"], info[f"best_ckpt{suffix}"]) for suffix in suffixes}

    def _is_directory(self, filename: str) -> bool:
        """Whether a checkpoint of the series, or the best file of one, is to be a directory."""
        template = re.escape(self.hook.filename_tmpl).replace(r"\{\}", r"(\d+)")
        match = re.search(f"{template}$", filename)
        if self.layout == "files" or match is None:
            return False
        return self.layout == "directories" or int(match[1]) % 2 == 0

    def _resume(self, hub: MessageHub) -> None:
        """Take up what a checkpoint holds, as ``Runner.resume`` does."""
        name = self._resumed_name()
        if name is not None:
            checkpoint = resumed(name)
            hub.load_state_dict(checkpoint["message_hub"])
            meta = checkpoint["meta"]
            self.start = dict(
                epoch=meta["epoch"], iter=meta["iter"], resumed_from=os.path.basename(name)
            )
            if self.told["loop"] == "epoch":
                self.start["epoch"] = meta["iter"] // self.told["epochLength"]
        if "best" in self.told["remember"]:
            self._recall_best(hub)
        if "ids" in self.told["remember"]:
            self._recall_ids(hub)

    def _resumed_name(self) -> str | None:
        how = self.told["resume"]
        pointer = os.path.join(self.work_dir, "last_checkpoint")
        if how in (None, "fresh") or not os.path.exists(pointer):
            return None
        with open(pointer) as file:
            newest = file.read()
        if how == "last":
            return newest
        folder = os.path.dirname(newest)
        template = re.escape(self.hook.filename_tmpl).replace(r"\{\}", r"(\d+)")
        names = [(re.fullmatch(template, name), name) for name in os.listdir(folder)]
        steps = sorted((int(match[1]), name) for match, name in names if match)
        return os.path.join(folder, steps[max(0, len(steps) - 1 - how["back"])][1])

    def _tracked(self) -> Iterator[tuple[str, str, str]]:
        """Metric, rule and suffix of the hub's keys."""
        if not self.hook.save_best:
            return
        several = len(self.hook.key_indicators) > 1
        for metric, rule in zip(self.hook.key_indicators, self.hook.rules):
            yield metric, rule, f"_{metric}" if several else ""

    def _remember(self) -> None:
        info = self.runner.message_hub.runtime_info
        for metric, rule, suffix in self._tracked():
            if metric != "auto" and f"best_ckpt{suffix}" in info:
                score, path = info[f"best_score{suffix}"], info[f"best_ckpt{suffix}"]
                known = self.memory.best.get((metric, rule))
                is_older = known is not None and suffix not in self.records
                life = known[2] if known is not None and is_older else self.place
                self.memory.best[metric, rule] = score, path, life
                self.bests.append((path, life))
        for step in self.saved:
            if step in self.memory.saved:
                self.memory.saved.remove(step)
            self.memory.saved.append(step)

    def _recall_best(self, hub: MessageHub) -> None:
        """The hub as it were if the run had never forgotten a score, nor mixed up two metrics."""
        info = hub.runtime_info
        for key in [key for key in info if re.match(r"best_(score|ckpt)", key)]:
            del info[key]
        for metric, rule, suffix in self._tracked():
            if (metric, rule) in self.memory.best:
                score, ckpt, _ = self.memory.best[metric, rule]
                hub.update_info(f"best_score{suffix}", score)
                hub.update_info(f"best_ckpt{suffix}", ckpt)

    def _recall_ids(self, hub: MessageHub) -> None:
        """The hub as it were if the run had kept the steps of its checkpoints under every limit."""
        folder = self.work_dir
        if self.hook.out_dir is not None:
            folder = os.path.join(self.hook.out_dir, os.path.basename(folder))
        there = [
            step
            for step in self.memory.saved
            if os.path.exists(os.path.join(folder, self.hook.filename_tmpl.format(step)))
        ]
        hub.runtime_info.pop("keep_ckpt_ids", None)
        if there:
            hub.update_info("keep_ckpt_ids", there)
