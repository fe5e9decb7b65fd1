"""Which arguments the hook's constructor refuses: all of them, not only the first."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import CheckpointHook

NAMED_BY_MESSAGE = (
    ('"file_client_args" and "backend_args"', "file_client_args"),
    ('Number of "rule"', "rule"),
    ('"save_best"', "save_best"),
    ('"rule" should', "rule"),
    ("rule must be", "rule"),
    ("Cannot infer the rule", "rule"),
    ('"published_keys"', "published_keys"),
    ("save_begin should", "save_begin"),
    ("'<' not supported", "save_begin"),
    ("has no len()", "rule"),
)
"""What a message of the constructor says, and the argument that it is about."""


def refusals(arguments: dict[str, Any]) -> list[dict[str, str]]:
    """Construct the hook again without what it refused, until it refuses nothing."""
    left = dict(arguments)
    left.pop("type", None)
    found: list[dict[str, str]] = []
    while True:
        try:
            CheckpointHook(**left)
            return found
        except Exception as error:  # noqa: BLE001 - what the hook raises is the answer
            field = refused(str(error), left)
            found.append(dict(field=field, type=type(error).__name__, message=str(error)))
            # A metric whose rule cannot be inferred is refused for a rule that nobody named.
            del left[field if field in left else "save_best"]


def refused(message: str, arguments: dict[str, Any]) -> str:
    """The argument that an error is about; the two without a message are about key lists."""
    for text, field in NAMED_BY_MESSAGE:
        if text in message:
            return field
    for field in ("greater_keys", "less_keys"):
        if message == "" and not is_key_list(arguments.get(field)):
            return field
    raise ValueError(f"no argument is known for the error {message!r}")


def is_key_list(value: Any) -> bool:
    """Whether the hook takes a value as ``greater_keys`` or ``less_keys``."""
    if value is None or isinstance(value, str):
        return True
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
