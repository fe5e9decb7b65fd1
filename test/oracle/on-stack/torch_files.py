"""Small checkpoints of a real torch: saved for a trainer to upload, and read for what came of them.

Usage: torch_files.py save FOLDER WEIGHTS < NAMES
       torch_files.py keys FOLDER < NAMES

Names come one a line. WEIGHTS is how many numbers the weight of a checkpoint has. No two checkpoints that are saved
have the same bytes. ``keys`` prints the top-level keys of each file by its name, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch


def checkpoint(number: int, weights: int) -> dict[str, Any]:
    """The keys that MMEngine's runner saves, with numbers that no other one has."""
    weight = torch.full((2, weights // 2), float(number))
    parameters = dict(state={0: dict(step=number, exp_avg=weight + 0.5)}, param_groups=[dict(lr=0.1)])
    return dict(
        meta=dict(epoch=number, iter=number),
        state_dict=OrderedDict(weight=weight, bias=weight[0]),
        message_hub=dict(log_scalars=OrderedDict(), runtime_info=OrderedDict(), resumed_keys={}),
        optimizer=parameters,
        param_schedulers=[dict(last_step=number)],
    )


def main() -> None:
    """Do what the first argument says."""
    command, folder = sys.argv[1], Path(sys.argv[2])
    names = sys.stdin.read().splitlines()
    if command == "save":
        for number, name in enumerate(names):
            torch.save(checkpoint(number, int(sys.argv[3])), folder / name)
    else:
        print(
            json.dumps(
                {name: list(torch.load(folder / name, weights_only=True)) for name in names}
            )
        )


if __name__ == "__main__":
    main()
