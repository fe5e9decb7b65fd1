"""Load checkpoints with torch and print what is in them, as JSON.

Usage: describe_checkpoints.py FOLDER NAME...

Only torch is needed. Classes of packages that are not installed (MMEngine's in a plain torch) load as
stand-ins, and numpy's modules are found under the names that the installed numpy has.
"""

import hashlib
import importlib
import json
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

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


class MissingPackages(MetaPathFinder, Loader):
    """Finds MMEngine where it is not installed, and numpy 2's modules in numpy 1."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == "mmengine" or name.startswith("numpy._core"):
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        if spec.name.startswith("numpy._core"):
            return importlib.import_module(spec.name.replace("_core", "core"))
        return StandInModule(spec.name)

    def exec_module(self, module):
        pass


# Last in line: what is installed is found before.
sys.meta_path.append(MissingPackages())


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
    print(json.dumps({name: describe(load(Path(folder) / name)) for name in names}))


if __name__ == "__main__":
    main()
