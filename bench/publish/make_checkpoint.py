"""Writes one checkpoint with torch: `make_checkpoint.py SHAPE ORDER BYTES PATH`.

SHAPE is `resnet` (ResNet-50: many small storages), `language-model` (few large ones, in mixed precision:
weights in bfloat16, and in the optimizer's state a copy of them in float32, as DeepSpeed and Megatron keep
one) or `language-model-float32` (all in float32). All hold the state of Adam: two more tensors of float32 as
long as each parameter. They are repeated until the file has about BYTES bytes. ORDER is `newer`, storages in order of first use as torch writes them now, or `older`, sorted
as texts, as torch did up to 1.13 or so.
"""

import sys

import torch
from torch import serialization

# What torch of that time did not write.
NEWER_RECORDS = (".format_version", ".storage_alignment", "byteorder", ".data/serialization_id")
FLOAT_BYTES = 4
# The averages of the gradient and of its square.
ADAM_FLOATS = 2


def resnet50():
    """Names, shapes and dtypes, as torchvision's ResNet-50 has them."""
    yield "conv1.weight", (64, 3, 7, 7), True
    yield from batch_norm("bn1", 64)
    channels = 64
    for layer, (width, blocks) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], start=1):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            yield f"{name}.conv1.weight", (width, channels, 1, 1), True
            yield from batch_norm(f"{name}.bn1", width)
            yield f"{name}.conv2.weight", (width, width, 3, 3), True
            yield from batch_norm(f"{name}.bn2", width)
            yield f"{name}.conv3.weight", (width * 4, width, 1, 1), True
            yield from batch_norm(f"{name}.bn3", width * 4)
            if block == 0:
                yield f"{name}.downsample.0.weight", (width * 4, channels, 1, 1), True
                yield from batch_norm(f"{name}.downsample.1", width * 4)
            channels = width * 4
    yield "fc.weight", (1000, 2048), True
    yield "fc.bias", (1000,), True


def batch_norm(name, width):
    yield f"{name}.weight", (width,), True
    yield f"{name}.bias", (width,), True
    yield f"{name}.running_mean", (width,), False
    yield f"{name}.running_var", (width,), False
    yield f"{name}.num_batches_tracked", (), False


def language_model_layer(width):
    """One layer of a decoder."""
    yield "attention.qkv.weight", (3 * width, width), True
    yield "attention.out.weight", (width, width), True
    yield "mlp.up.weight", (4 * width, width), True
    yield "mlp.down.weight", (width, 4 * width), True
    yield "norm.weight", (width,), True


def members(shape, size_bytes):
    """Tensors until the file is as large as it is to be."""
    width = 1024 if size_bytes < 2**30 else 2048
    is_resnet = shape == "resnet"
    part = list(resnet50() if is_resnet else language_model_layer(width))
    cost = sum(bytes_of(shape, sizes, trained) for _, sizes, trained in part)
    count = max(1, round(size_bytes / cost) if is_resnet else int(size_bytes * 0.8 / cost))
    if not is_resnet:
        rows = (size_bytes - count * cost) // bytes_of(shape, (width,), True)
        yield "embedding.weight", (rows, width), True
    for number in range(count):
        for name, sizes, trained in part:
            yield f"member{number}.{name}", sizes, trained


def is_mixed(shape):
    return shape == "language-model"


def bytes_of(shape, sizes, trained):
    """With what the optimizer keeps of it."""
    weight = FLOAT_BYTES / 2 if is_mixed(shape) else FLOAT_BYTES
    floats = ADAM_FLOATS + (1 if is_mixed(shape) else 0) if trained else 0
    return int(torch.Size(sizes).numel() * (weight + floats * FLOAT_BYTES))


def checkpoint_of(shape, size_bytes):
    state_dict, state = {}, {}
    dtype = torch.bfloat16 if is_mixed(shape) else torch.float32
    for at, (name, sizes, trained) in enumerate(members(shape, size_bytes)):
        state_dict[name] = torch.full(sizes, float(at), dtype=dtype)
        if trained:
            state[len(state)] = {
                "step": torch.tensor(1000.0),
                "exp_avg": torch.full(sizes, at + 0.25),
                "exp_avg_sq": torch.full(sizes, at + 0.5),
                **({"master": torch.full(sizes, float(at))} if is_mixed(shape) else {}),
            }
    return {
        "meta": {"epoch": 12, "iter": 90000, "experiment_name": shape},
        "state_dict": state_dict,
        "optimizer": {"state": state, "param_groups": [{"lr": 1e-4, "params": list(state)}]},
    }


class InOlderOrder:
    """Torch's own writer, which gets the storages last and sorted as texts."""

    def __init__(self, writer):
        self.writer = writer
        self.storages = []

    def write_record(self, name, *content):
        if name.startswith("data/"):
            self.storages.append((name, content))
        elif name not in NEWER_RECORDS:
            self.writer.write_record(name, *content)

    def __getattr__(self, name):
        return getattr(self.writer, name)


def save_in_older_order(checkpoint, path):
    with serialization._open_zipfile_writer(path) as writer:
        held = InOlderOrder(writer)
        protocol = serialization.DEFAULT_PROTOCOL
        serialization._save(checkpoint, held, serialization.pickle, protocol, False)
        for name, content in sorted(held.storages, key=lambda record: record[0]):
            writer.write_record(name, *content)


def main():
    shape, order, size_bytes, path = sys.argv[1:]
    checkpoint = checkpoint_of(shape, int(size_bytes))
    if order == "newer":
        torch.save(checkpoint, path)
    else:
        save_in_older_order(checkpoint, path)


main()
