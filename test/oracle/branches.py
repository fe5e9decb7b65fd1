"""Counts how often each branch of the hook's source was taken, by Python's own tracing."""

from __future__ import annotations

import ast
import collections
import inspect
import sys
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Iterator

from mmengine.hooks import CheckpointHook

OUTSIDE = 0


class BranchCounter:
    """Knows every ``if``, ``while`` and ``for`` of the hook, and counts the ways out of each."""

    def __init__(self) -> None:
        source, first = inspect.getsourcelines(CheckpointHook)
        self.file = inspect.getsourcefile(CheckpointHook)
        text = "".join(source)
        tree = ast.parse(text)
        self.tests: dict[int, int] = {}
        self.branches: dict[int, tuple[str, int]] = {}
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, (ast.If, ast.While, ast.For)):
                    self._learn(function.name, node, text, first - 1)
        self.arcs: collections.Counter[tuple[int, bool]] = collections.Counter()
        self.codes: dict[CodeType, bool] = {}

    def _learn(
        self, function: str, node: ast.If | ast.While | ast.For, text: str, offset: int
    ) -> None:
        """Note where the test of a branch begins and ends, and where its body does."""
        test = node.iter if isinstance(node, ast.For) else node.test
        start = node.lineno + offset
        for line in range(start, (test.end_lineno or node.lineno) + offset + 1):
            self.tests[line] = start
        shown = " ".join((ast.get_source_segment(text, test) or "").split())
        kind = type(node).__name__.lower()
        self.branches[start] = f"{function}: {kind} {shown}", node.body[0].lineno + offset

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what runs meanwhile."""
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        known = self.codes.get(code)
        if known is None:
            own = code.co_filename == self.file and not code.co_name.startswith("<")
            known = self.codes[code] = own
        if not known:
            return None
        previous = OUTSIDE

        def follow(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal previous
            if event not in ("line", "return"):
                previous = OUTSIDE  # an exception is no way out of a test
                return follow
            test = self.tests.get(previous, OUTSIDE)
            line = frame.f_lineno if event == "line" else OUTSIDE
            if test != OUTSIDE and self.tests.get(line) != test:
                self.arcs[test, line == self.branches[test][1]] += 1
            previous = line
            return follow

        return follow

    def table(self) -> list[dict[str, Any]]:
        """Every branch with how often it was taken and how often not."""
        return [
            dict(branch=name, taken=self.arcs[start, True], not_taken=self.arcs[start, False])
            for start, (name, _) in sorted(self.branches.items())
        ]
