"""python -m tests.demo MELTANO TAP [PICTURE], from anywhere."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from tests.demo.runs import OUTPUT
from tests.demo.story import HELD, Story
from tests.demo.terminal import Terminal
from tests.sandbox import Sandbox


def main(meltano: str, tap: str, picture: str = "") -> None:
    """Run the story, and draw what was shown if there is a file for it."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    terminal = Terminal()
    with Sandbox(HELD, metadata="total") as api:
        Story(terminal, api, meltano, str(Path(tap).absolute())).tell()
    if picture:
        Path(picture).write_text(terminal.draw("make demo"), "utf-8", newline="\n")


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent.parent)
    # The sandbox lives in this process and ends with it in any case; this ends the pipeline, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
