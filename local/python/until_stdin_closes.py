"""Runs an emulator, `ministack` or `moto`, until standard input closes, and takes everything it started with it.

The process that starts this holds the other end of the pipe. However that process ends, killed hard
too, the system closes its end, and this one is told. So no emulator outlives what it was started for.

Called by local/emulator.ts, as the leader of a process group of its own, with TMPDIR set to a
folder that is private to this one emulator; the folder is removed at the end.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
import time

# Function workers end when their own pipes close; what has not by then is killed.
GRACE_SECONDS = 2.0


def end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    leave()


def leave() -> None:
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def run(emulator: str, arguments: list[str]) -> None:
    if emulator == "ministack":
        from ministack.app import main as run_ministack

        sys.argv = [emulator, *arguments]
        run_ministack()
    elif emulator == "moto":
        from moto.server import main as run_moto

        run_moto(arguments)
    else:
        sys.exit(f"ministack or moto, not {emulator}")


def main() -> None:
    if os.getpgid(0) != os.getpid():
        sys.exit("this ends its whole process group: start it as the leader of one")
    threading.Thread(target=end_with_stdin, daemon=True).start()
    try:
        run(sys.argv[1], sys.argv[2:])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        leave()


main()
