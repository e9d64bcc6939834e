"""Runs command lines, each of which reads what the one before it writes: ``timed.py JOB``, a file of JSON.

A process of its own, and a small one: what a process is measured to have had in memory is never less than what the one
that started it had.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main(path: str) -> None:
    """Run them, and put into the file how each ended and what all of them took."""
    with open(path, "r+", encoding="utf-8") as file:  # noqa: PTH123  # pathlib would double the memory
        job = json.load(file)
        start = time.perf_counter()
        with open(job["log"], "wb") as log:  # noqa: PTH123
            processes: list[subprocess.Popen[bytes]] = []
            for command in job["commands"]:
                before = processes[-1].stdout if processes else None
                output = subprocess.PIPE if len(processes) + 1 < len(job["commands"]) else None
                processes.append(subprocess.Popen(command, stdin=before, stdout=output, stderr=log))
                if before:
                    before.close()  # the next one has it: only so does the tap see it go away
        ended = [os.wait4(process.pid, 0) for process in processes]
        taken = {
            "seconds": time.perf_counter() - start,
            "codes": [os.waitstatus_to_exitcode(status) for _, status, _ in ended],
            "cpu": sum(usage.ru_utime + usage.ru_stime for *_, usage in ended),
            "peak": sum(usage.ru_maxrss for *_, usage in ended),
        }
        file.seek(0)
        file.truncate()
        json.dump(taken, file)


if __name__ == "__main__":
    main(sys.argv[1])
