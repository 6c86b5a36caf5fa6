"""Where a thread is: the first frame of the program's own code, and what it waits in or crashed in there.

An idle thread's innermost frames are all the same (`__syscall_cancel_arch`), and a crash is often in a member function
of the C++ library; the programmer's own function tells the threads apart.  Frames cost the debugger a lot, so no more
are unwound than are needed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

from gdb_tls.objects.loaded import KERNEL_OBJECTS, LoadedObject, LoadedObjects
from gdb_tls.program.runtimes import is_runtime
from gdb_tls.target.facts import Frame
from gdb_tls.tuples import NamedTuple

# A wait in a condition variable of C++ is seven frames deep in glibc.
DEEPEST = 12
# Enough to see a name.
FEWEST = 4
# Inlined or instantiated in the program, but written by others.
OTHERS_NAMES = ("std::", "__gnu_cxx::", "__")
NAMELESS = "(anonymous namespace)"


class Where(NamedTuple):
    """A thread's place.

    Attributes:
        innermost: the innermost frame that has a name; else the innermost one.
        own: the first frame of the program's own code; None where there is none among those that were unwound.
        called: the frame that `own` has called, which is not the program's own; None where there is none.
    """

    innermost: Frame
    own: Frame | None = None
    called: Frame | None = None


class Ownership:
    """Tells the program's own code from that of the system's libraries."""

    def __init__(self, objects: LoadedObjects) -> None:
        """Reads nothing yet."""
        self._all = objects

    @cached_property
    def _system_folders(self) -> set[str]:
        """Where the C library lies, and so the distribution's libraries do."""
        return {_folder(one.target_path) for one in self._all.all if one.name.startswith(("libc.so", "libc-2"))}

    def is_own(self, frame: Frame) -> bool:
        """Whether a frame is of the program's own code."""
        loaded = self._all.at(frame.pc)
        if loaded is None or self._is_system(loaded):
            return False
        return not without_return_type(frame.function).startswith(OTHERS_NAMES)

    def named(self, frame: Frame) -> Frame:
        """A frame that has a name: where there are no symbols, the file's and the place in it."""
        return frame if frame.function else frame._replace(function=self._all.place_name(frame.pc))

    def _is_system(self, loaded: LoadedObject) -> bool:
        if not loaded.target_path:
            return False  # the executable
        if is_runtime(loaded.name) or loaded.name in KERNEL_OBJECTS:
            return True
        return _folder(loaded.target_path) in self._system_folders


def where_of(frames: Sequence[Frame], ownership: Ownership) -> Where | None:
    """What frames say that end with the first one of the program's own, or go so deep; None where there are none."""
    if not frames:
        return None
    innermost = next((frame for frame in frames[:FEWEST] if frame.function), frames[0])
    if not ownership.is_own(frames[-1]):
        return Where(innermost)
    return Where(innermost, ownership.named(frames[-1]), frames[-2] if len(frames) > 1 else None)


def without_return_type(function: str) -> str:
    """A demangled name without what a template function returns: `void std::invoke<f>(f)` is `std::invoke<f>(f)`."""
    depth, start = 0, 0
    for at, character in enumerate(function):
        if character == "(" and depth == 0 and not function.startswith(NAMELESS, at):
            break
        depth += (character in "<({") - (character in ">)}")
        if character == " " and depth == 0 and not function[start:at].endswith("operator"):
            start = at + 1
    return function[start:]


def _folder(path: str) -> str:
    # /lib is /usr/lib on systems with a merged /usr.
    return os.path.dirname(path).removeprefix("/usr")
