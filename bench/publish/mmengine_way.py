"""Publishes as MMEngine's hook does: `mmengine_way.py ENDPOINT BUCKET KEY OUT_KEY WORK_FOLDER`.

Download, `torch.load`, drop keys, `pickle.dumps` and its SHA-256 for the name, `torch.save`, upload: what
`CheckpointHook._publish_model` does, with boto3 for the bucket, which MMEngine has no backend for. Prints
what it cost as JSON.
"""

import hashlib
import json
import pickle
import resource
import sys
import time
from pathlib import Path

import boto3
import torch
from botocore.config import Config

PUBLISHED_KEYS = ("meta", "state_dict")
KIB = 1024


def counted(client):
    """Counts requests by their names, and the bytes of their bodies."""
    requests, moved = {}, {"in": 0, "out": 0}

    def on_call(model, **_):
        requests[model.name] = requests.get(model.name, 0) + 1

    def on_sent(request, **_):
        length = request.headers.get("X-Amz-Decoded-Content-Length") or request.headers.get(
            "Content-Length", 0
        )
        moved["out"] += int(length)

    def on_answer(http_response, model, **_):
        # An answer to HEAD tells the length of a body that does not come.
        if model.name != "HeadObject":
            moved["in"] += int(http_response.headers.get("Content-Length", 0))

    events = client.meta.events
    events.register("before-call.s3", on_call)
    events.register("before-send.s3", on_sent)
    events.register("after-call.s3", on_answer)
    return requests, moved


def publish(client, bucket, key, out_key, folder):
    """Tells where the seconds went."""
    started = time.monotonic()
    source = Path(folder) / "source.pth"
    client.download_file(bucket, key, str(source))
    downloaded = time.monotonic()
    checkpoint = torch.load(source, map_location="cpu", weights_only=False)
    for name in list(checkpoint.keys()):
        if name not in PUBLISHED_KEYS:
            checkpoint.pop(name)
    sha = hashlib.sha256(pickle.dumps(checkpoint)).hexdigest()
    target = Path(folder) / f"published-{sha[:8]}.pth"
    torch.save(checkpoint, target)
    saved = time.monotonic()
    client.upload_file(str(target), bucket, out_key)
    uploaded = time.monotonic()
    source.unlink()
    target.unlink()
    return {
        "download": downloaded - started,
        "processor": saved - downloaded,
        "upload": uploaded - saved,
    }


def main():
    endpoint, bucket, key, out_key, folder = sys.argv[1:]
    config = Config(s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=endpoint, config=config)
    requests, moved = counted(client)
    started = time.monotonic()
    spent = publish(client, bucket, key, out_key, folder)
    seconds = time.monotonic() - started
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    figures = {
        "seconds": seconds,
        "processorSeconds": spent["processor"],
        "spent": spent,
        "peakBytes": peak_bytes,
        "readBytes": moved["in"],
        "sentBytes": moved["out"],
        "hashedBytes": 0,
        "partCopiedBytes": 0,
        "partCopies": 0,
        "requests": requests,
    }
    print(json.dumps(figures))


main()
