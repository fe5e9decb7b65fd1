"""Load checkpoints with torch and print what is in them, as JSON.

Usage: describe_checkpoints.py FOLDER NAME...

Only torch and numpy are needed. Classes of packages that are not installed (MMEngine's in a plain torch) load as
stand-ins, and numpy's modules are found under the names that the installed numpy has.
"""

import hashlib
import json
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy
import torch


class StandIn:
    """Takes the place of a class whose package is not installed."""

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        pass

    @classmethod
    def min(cls):
        pass

    max = current = mean = min


class StandInModule(ModuleType):
    """A module in which every class is a stand-in."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn


class MissingMMEngine(MetaPathFinder, Loader):
    """Finds MMEngine where it is not installed."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == "mmengine":
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return StandInModule(spec.name)

    def exec_module(self, module):
        pass


def find_what_is_missing():
    """Give numpy 1 the names of numpy 2's modules, and stand-ins for MMEngine."""
    # Last in line: what is installed is found before.
    sys.meta_path.append(MissingMMEngine())
    if numpy.__version__.startswith("1."):
        modules = [name for name in sys.modules if name.split(".")[:2] == ["numpy", "core"]]
        for name in modules:
            sys.modules[name.replace("core", "_core", 1)] = sys.modules[name]


def load(path):
    """Load a checkpoint, whatever it holds: these files are our own."""
    return torch.load(path, map_location="cpu", weights_only=False)


def describe(checkpoint):
    """Tell a checkpoint's keys, its epoch, and the bytes of each of its tensors."""
    return {
        "keys": list(checkpoint),
        "epoch": checkpoint["meta"]["epoch"],
        "state_dict": {
            name: {
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "shape": list(tensor.shape),
                "sha256": hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest(),
            }
            for name, tensor in checkpoint["state_dict"].items()
        },
    }


def main():
    folder, *names = sys.argv[1:]
    find_what_is_missing()
    print(json.dumps({name: describe(load(Path(folder) / name)) for name in names}))


if __name__ == "__main__":
    main()
