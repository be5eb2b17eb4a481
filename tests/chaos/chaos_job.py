"""What a task of a chaos run does: ``python -I -S chaos_job.py RECORD ROOT``, standard library only.

Writes that it begins, works for its `seconds`, fails while its attempt is not above its input `fails`, and gives its
inputs `text` and `data` as outputs. With the input `real` it becomes the block's own runner, notebook and all.
"""

import json
import os
import sys
import time


def main(record: str, root: str) -> int:
    line = f"{os.environ['CHAOS_JOB']} {time.time():.6f}\n"
    file = os.open(record, os.O_WRONLY | os.O_APPEND)
    # One write of a short line is whole, whoever else writes; it is there before anything else happens.
    os.write(file, line.encode())
    os.close(file)
    inputs = json.loads(os.environ["LENTIQ_INPUTS"])
    if inputs["real"]:
        runner = os.path.join(root, "runner", "bin", "python")
        # Those that the notebook has.
        os.environ["LENTIQ_INPUTS"] = json.dumps({name: inputs[name] for name in ("text", "data")})
        os.execv(runner, [runner, "-m", "lentiq_jupyter.runner"])
    time.sleep(float(inputs["seconds"]))
    if int(os.environ["CHAOS_ATTEMPT"]) <= int(inputs["fails"]):
        return 7
    results = os.environ["LENTIQ_RESULTS"]
    with open(os.path.join(results, ".outputs"), "w", encoding="utf-8") as file:
        json.dump({"text": inputs["text"], "data": inputs["data"]}, file)
    os.replace(os.path.join(results, ".outputs"), os.path.join(results, "outputs.json"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
