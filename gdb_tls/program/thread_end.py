"""How far threads are with their end, and which destructors of their objects are still to run.

glibc stdlib/cxa_thread_atexit_impl.c, stdlib/exit.c and nptl/nptl_deallocate_tsd.c; musl
src/thread/pthread_key_create.c.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gdb_tls.errors import reason
from gdb_tls.libc.library import CLibrary
from gdb_tls.libc.thread_exit import DestructorList, KeepsDestructors
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Thread

# glibc's own calls go to an alias.
ALIAS = "__GI_"
RUNNERS = {"__call_tls_dtors": "objects", "__nptl_deallocate_tsd": "keys", "__pthread_tsd_run_dtors": "keys"}
# exit() destroys the calling thread's objects first.
AFTER_OBJECTS = "__run_exit_handlers"
DEEPEST = 64

Frames = Callable[[Thread, int], Sequence[Frame]]


def stage_of(frames: Frames, thread: Thread) -> tuple[str, str]:
    """What a thread that ends runs now ("objects", "keys", or empty where it does not end), and which destructor.

    Args:
        frames: gives the innermost frames of a thread.
        thread: the thread.
    """
    if thread.num is None or thread.running:
        return "", ""
    inner = ""
    for frame in frames(thread, DEEPEST):
        stage = RUNNERS.get(frame.function.removeprefix(ALIAS))
        if stage:
            return stage, inner
        inner = frame.function
    return "", ""


class Endings:
    """What is left of the objects of threads."""

    def __init__(self, libc: Callable[[], CLibrary], frames: Frames) -> None:
        """Reads nothing yet.

        Args:
            libc: gives the C library.
            frames: gives the innermost frames of a thread.
        """
        self._libc = libc
        self._frames = frames
        self._lists: dict[Thread, DestructorList | None] = {}
        self._ending: dict[Thread, bool] = {}
        self._places: dict[Thread, list[int]] = {}

    def destructors(self, threads: Sequence[Thread]) -> list[DestructorList | None]:
        """The destructors that are to run when each of the threads ends; None where that is not known."""
        wanted = [one for one in threads if one not in self._lists]
        if wanted:
            self._lists.update(dict.fromkeys(wanted))
            library = self._libc()
            known = [one for one in wanted if one.thread_pointer is not None]
            if isinstance(library, KeepsDestructors):
                try:
                    found = library.destructors([one.thread_pointer or 0 for one in known])
                except Exception as error:  # then it is not known
                    reason(error)
                    found = []
                self._lists.update(zip(known, found))
        return [self._lists[one] for one in threads]

    def places(self, thread: Thread) -> list[int]:
        """The code addresses of a thread's frames, innermost first."""
        if thread not in self._places:
            known = thread.num is not None and not thread.running
            self._places[thread] = [one.pc for one in self._frames(thread, DEEPEST)] if known else []
        return self._places[thread]

    def has_begun(self, thread: Thread) -> bool:
        """Whether a thread has begun to destroy its objects, or has done so."""
        if thread not in self._ending:
            stage, _ = stage_of(self._frames, thread)
            self._ending[thread] = bool(stage) or thread.exited or self._exits(thread)
        return self._ending[thread]

    def _exits(self, thread: Thread) -> bool:
        if thread.num is None or thread.running:
            return False
        return any(one.function.removeprefix(ALIAS) == AFTER_OBJECTS for one in self._frames(thread, DEEPEST))
