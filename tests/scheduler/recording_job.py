"""What `RecordingExecutor` starts: does what its inputs say, and writes what a runner would write.

The exclusive creation of ``started`` is the moment of the start: a second process of one name finds the
file and leaves, so a name is started once whoever dies when.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def write(path: Path, value: object) -> None:
    half = path.with_suffix(".half")
    half.write_text(json.dumps(value))
    half.replace(path)


def main(folder: Path) -> int:
    try:
        os.close(os.open(folder / "started", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    (folder / "pid").write_text(str(os.getpid()))
    with (folder.parent / "starts.log").open("a") as starts:
        starts.write(f"{folder.name}\n")
    inputs = json.loads((folder / "inputs.json").read_text())
    code = 1
    try:
        print("works")
        write(folder / "progress.json", {"done": 1, "total": 2, "cell": 1})
        time.sleep(inputs["seconds"])
        if inputs["fail"]:
            write(folder / "error.json", {"ename": "ValueError", "evalue": inputs["fail"], "cell": 2})
        else:
            write(folder / "progress.json", {"done": 2, "total": 2, "cell": None})
            write(folder / "outputs.json", {"value": inputs["give"]})
            code = 0
    except SystemExit as stopped:
        code = stopped.code
    write(folder / "exit.json", code)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
