"""Standard output: how much it takes at once without a wait that a signal could not break off."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from collections import deque
from contextlib import suppress
from mmap import PAGESIZE
from typing import Final

from typing_extensions import override

from tap_interviewflow.shutdown import POLL_INTERVAL

if sys.platform == "linux":
    import fcntl
    import termios

_MAX_PIPE: Final = 2**20


class OutputError(Exception):
    """Standard output takes no more."""


class TargetGoneError(OutputError):
    """The target takes no more, and there is nobody to tell."""


def output_error(error: OSError) -> OutputError:
    """Say what an error of the system means for the run."""
    # Windows calls it an invalid argument.
    if isinstance(error, BrokenPipeError | ConnectionResetError) or (os.name == "nt" and error.errno == errno.EINVAL):
        return TargetGoneError("the target has closed the pipe")
    return OutputError(f"standard output can't be written: {error.strerror}")


class Output:
    """A file or a device, which takes any number of bytes; on Windows, everything.

    Attributes:
        capacity: The longest line that it takes whole or not at all.
    """

    capacity = sys.maxsize

    def __init__(self, number: int) -> None:
        """Take the number of an open file."""
        self._number = number

    def room(self) -> int:
        """Wait a moment for room, and say how many bytes may be written without another wait."""
        return self.capacity

    def write(self, lines: bytes | bytearray) -> int:
        """Write, and give how many bytes were taken."""
        return os.write(self._number, lines)

    def cut(self, count: int) -> None:
        """Take the beginning of a line off the end of a file."""
        if count and stat.S_ISREG(os.fstat(self._number).st_mode):
            os.ftruncate(self._number, os.lseek(self._number, 0, os.SEEK_CUR) - count)


class _Channel(Output):
    """A socket, a terminal, or a pipe of a system that does not say how full it is."""

    capacity = getattr(select, "PIPE_BUF", 512)

    @override
    def room(self) -> int:
        return self.capacity if select.select((), (self._number,), (), POLL_INTERVAL)[1] else 0


def output_of(number: int) -> Output:
    """Give what stands behind the number of an open file."""
    mode = os.fstat(number).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number)):
        return Output(number)
    if sys.platform == "linux" and stat.S_ISFIFO(mode):
        with suppress(OSError):  # not every Linux is one: it may be another system's imitation
            return _Pipe(number)
    return _Channel(number)


if sys.platform == "linux":

    class _Pipe(_Channel):
        """A pipe that says how much nobody has read yet.

        It consists of pages, and a write takes as many as it would alone, at most: where they are known to be free,
        more than ``PIPE_BUF`` bytes go in at once, which is cheaper and keeps longer lines whole.
        """

        def __init__(self, number: int) -> None:
            super().__init__(number)
            self.capacity = fcntl.fcntl(number, fcntl.F_GETPIPE_SZ)
            if self.capacity < _MAX_PIPE:
                with suppress(OSError):  # a user may have only so many pages in pipes
                    self.capacity = fcntl.fcntl(number, fcntl.F_SETPIPE_SZ, _MAX_PIPE)
            self._poll = select.poll()
            self._poll.register(number, select.POLLOUT)
            # The bytes of each write that is not read to its end, the oldest first; of all of them, and their pages.
            self._sizes: deque[int] = deque()
            self._size = self._pages = 0

        @override
        def room(self) -> int:
            for _, event in self._poll.poll(1000 * POLL_INTERVAL):
                if event & select.POLLERR:
                    return self.capacity  # nobody reads any more: the write will say so
                return max(self.capacity - PAGESIZE * self._pages_in_use(), select.PIPE_BUF)
            return 0

        @override
        def write(self, lines: bytes | bytearray) -> int:
            count = super().write(lines)
            self._sizes.append(count)
            self._add(count)
            return count

        def _add(self, size: int, sign: int = 1) -> None:
            self._size += sign * size
            self._pages += sign * -(-size // PAGESIZE)

        def _pages_in_use(self) -> int:
            unread = int.from_bytes(fcntl.ioctl(self._number, termios.FIONREAD, bytes(4)), sys.byteorder)
            while self._sizes and self._size - self._sizes[0] >= unread:
                self._add(self._sizes.popleft(), -1)
            return self._pages - (self._size - unread) // PAGESIZE
