"""Writing to standard output so that no line is cut, even where a run has to end in the middle of a write."""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from contextlib import suppress
from typing import Final

if sys.platform == "linux":
    import fcntl
    import termios

_STDOUT: Final = 1
_WIDEST: Final = 2**20
_PAGE: Final = 2**12
_NAP: Final = 0.001


def write(lines: bytes) -> None:
    """Write whole lines.

    What a blocking write has put into a pipe when its target stops reading ends anywhere. So on Linux, where
    a pipe tells how full it is, it gets only as many lines at a time as it takes at once.

    Raises:
        OSError: If standard output takes no more. A file then ends with the last line that it took whole.
    """
    pipe = _Pipe.of_stdout()
    done = 0
    try:
        while done < len(lines):
            end = len(lines) if pipe is None else pipe.end_of_what_fits(lines, done)
            try:
                done += os.write(_STDOUT, memoryview(lines)[done:end])
            except BlockingIOError:
                time.sleep(_NAP)  # whoever started the tap has made its output non-blocking
    except OSError:
        _cut(done - lines.rfind(b"\n", 0, done) - 1)
        raise


def _cut(count: int) -> None:
    """Take the beginning of a line off the end of a file."""
    if count and stat.S_ISREG(os.fstat(_STDOUT).st_mode):
        os.ftruncate(_STDOUT, os.lseek(_STDOUT, 0, os.SEEK_CUR) - count)


class _Pipe:
    """A pipe as the writing end sees it."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity

    if sys.platform == "linux":

        @classmethod
        def of_stdout(cls) -> _Pipe | None:
            """Give the pipe at standard output, as wide as the system lets it be; None if there is no pipe."""
            try:
                capacity = fcntl.fcntl(_STDOUT, fcntl.F_GETPIPE_SZ)
            except OSError:
                return None
            if capacity < _WIDEST:
                with suppress(OSError):
                    capacity = fcntl.fcntl(_STDOUT, fcntl.F_SETPIPE_SZ, _WIDEST)
            return cls(capacity)

        def _unread(self) -> int:
            answer = fcntl.ioctl(_STDOUT, termios.FIONREAD, bytes(4))
            return int.from_bytes(answer, sys.byteorder)

    else:

        @classmethod
        def of_stdout(cls) -> _Pipe | None:
            return None

        def _unread(self) -> int:
            return 0

    def end_of_what_fits(self, lines: bytes, start: int) -> int:
        """Wait until at least one more line fits, and say where the last one ends that does.

        A line that is longer than the whole pipe has to go in pieces, once the pipe is empty.
        """
        target = select.poll()
        target.register(_STDOUT, 0)
        wanted = min(len(lines) - start, self._capacity // 4)
        while True:
            unread = self._unread()
            # A page of the pipe may be half full, one for each write and one for each read.
            room = self._capacity - unread - unread // 4 - 2 * _PAGE if unread else self._capacity
            end = lines.rfind(b"\n", start, start + max(room, 0)) + 1
            if end > start and (room >= wanted or not unread):
                return end
            if not unread:
                return lines.find(b"\n", start) + 1 or len(lines)
            if target.poll(1000 * _NAP):
                return len(lines)  # nobody reads any more: the write will say so
