"""Load published files by their signed URLs, as people do who know nothing of the hub.

Usage: load_by_url.py FOLDER < JSON list of URLs. A `.pth` goes through torch.hub, which checks that the
file's SHA-256 begins as its name says; a `.safetensors` through the package of that name. Prints, as JSON,
the SHA-256 of every tensor by its name, of each file.
"""

import contextlib
import hashlib
import json
import sys
import urllib.request
from urllib.parse import urlparse

import torch
from safetensors.torch import load


def tensors_of(url, folder):
    if urlparse(url).path.endswith(".safetensors"):
        with urllib.request.urlopen(url) as answer:
            return load(answer.read())
    # It says on standard output what it downloads.
    with contextlib.redirect_stdout(sys.stderr):
        checkpoint = torch.hub.load_state_dict_from_url(
            url, model_dir=folder, check_hash=True, progress=False
        )
    return checkpoint["state_dict"]


def main():
    folder = sys.argv[1]
    found = []
    for url in json.load(sys.stdin):
        tensors = tensors_of(url, folder)
        found.append(
            {
                name: hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()
                for name, tensor in tensors.items()
            }
        )
    print(json.dumps(found))


main()
