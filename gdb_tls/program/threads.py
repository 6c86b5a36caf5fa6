"""Every thread: those that the debugger lists, with their thread pointers, then those that only libc lists.

libc's own lists give all thread pointers without reading a register, and name each thread by the kernel's id as
the program sees it.  In a container that is another id than the debugger's, and may be that of another thread:
so the ids are compared with care.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gdb_tls.errors import reason
from gdb_tls.libc.library import CLibrary, KnowsEndings
from gdb_tls.target.model import Life, Thread
from gdb_tls.target.protocol import Target
from gdb_tls.target.regions import region_at
from gdb_tls.tuples import NamedTuple

# Of many threads, so many are asked for their registers before the ids are believed.
SAMPLES = 8


def find_threads(target: Target, libc: CLibrary) -> list[Thread]:
    """Every thread, without names; each has its thread pointer, or says why it has none."""
    return _Finder(target, libc).threads()


class _Unlisted(NamedTuple):
    """A thread on libc's lists that the debugger does not list."""

    pointer: int
    lwp: int


class _Finder:
    def __init__(self, target: Target, libc: CLibrary) -> None:
        self._target = target
        self._libc = libc
        self._listed = libc.threads()

    def threads(self) -> list[Thread]:
        by_lwp = dict(zip(self._listed.lwps, self._listed.thread_pointers))
        by_lwp.pop(0, None)
        outer = self._target.outer_ids()
        if outer:
            by_lwp = {outer[own]: pointer for own, pointer in by_lwp.items() if own in outer}
        threads = self._target.threads(by_lwp)
        if by_lwp and not self._is_believed(by_lwp, threads):
            by_lwp = {}
            threads = self._target.threads(by_lwp)
        shown = {thread.thread_pointer for thread in threads}
        if None in shown:
            threads = [one if one.thread_pointer is not None else self._by_registers(one) for one in threads]
            threads = self._by_stacks(threads)
            shown = {thread.thread_pointer for thread in threads}
        others = [
            _Unlisted(pointer, lwp)
            for pointer, lwp in zip(self._listed.thread_pointers, self._listed.lwps)
            if pointer not in shown and not self._libc.check_thread_pointer(pointer)
        ]
        return threads + self._unlisted(others, threads, bool(by_lwp))

    def _is_believed(self, by_lwp: Mapping[int, int], threads: Sequence[Thread]) -> bool:
        """Whether the program's ids (id -> thread pointer) are those of the debugger, whose threads these are.

        They are where all of them fit: the main thread's is the process id, and each is one that the debugger lists.
        Else (a thread has ended and left its id, or a container has ids of its own) some threads' registers tell. A
        stub that gives neither these nor the process id (QEMU's) lists the very threads that libc does.
        """
        own_stacks = self._listed.on_own_stacks
        known = {thread.lwp for thread in threads}
        main = by_lwp.get(self._target.pid or 0)
        main_fits = bool(main) and (main in own_stacks or not own_stacks)
        if main_fits and known.issuperset(by_lwp):
            return True
        found = [thread for thread in threads if thread.thread_pointer is not None]
        fitting = [thread for thread in found if not thread.running]
        step = max(len(fitting) // SAMPLES, 1)
        read = [(one, self._target.thread_pointer(one)) for one in fitting[::step]]
        said = [one.thread_pointer == pointer for one, pointer in read if pointer]
        if read and not said and known == by_lwp.keys():
            return True  # no register tells (Valgrind's cores have none of these), but each id is a thread's
        # Threads that run (while a breakpoint's condition is tested, all do) cannot be asked.
        return all(said) and (bool(said) or (bool(found) and main_fits) or known == by_lwp.keys())

    def _by_registers(self, thread: Thread) -> Thread:
        """A thread that libc does not list, with its thread pointer or why it has none."""
        if thread.running:
            return thread._replace(
                problem="the thread is running and libc does not list it: its registers cannot be read"
            )
        try:
            pointer = self._target.thread_pointer(thread)
            problem = self._libc.check_thread_pointer(pointer) if pointer else ""
        except Exception as error:  # one bad thread is one bad row
            return thread._replace(problem=f"its thread pointer is not known: {reason(error)}")
        if pointer is None:
            goes_on = self._target.kind == "live" and self._target.engine == "direct"
            how = " while it goes on (--stop stops it)" if goes_on else ""
            return thread._replace(problem=f"its thread pointer is not known: its registers cannot be read{how}")
        if not pointer:
            where = "is not in this core" if self._target.kind == "core" else "is 0: its TLS is not set up yet"
            return thread._replace(problem=f"its thread pointer {where}")
        return thread._replace(problem=problem) if problem else thread._replace(thread_pointer=pointer)

    def _by_stacks(self, threads: list[Thread]) -> list[Thread]:
        """Where registers do not tell: libc puts a thread's control block at the upper end of its stack.

        (glibc nptl/allocatestack.c, musl src/thread/pthread_create.c.)  The main thread's lies elsewhere: it is the one
        that is left.
        """
        lost = [thread for thread in threads if thread.thread_pointer is None and not thread.running]
        shown = {thread.thread_pointer for thread in threads}
        free = sorted(pointer for pointer in self._listed.thread_pointers if pointer not in shown)
        if not lost or not free:
            return threads
        regions = self._target.regions()
        found: dict[int, int] = {}
        for thread in lost:
            stack = self._target.stack_pointer(thread)
            region = region_at(stack, regions) if stack else None
            above = [pointer for pointer in free if region and stack and stack < pointer < region.end]
            if above and thread.num is not None:
                found[thread.num] = above[0]
        if len(set(found.values())) < len(found):
            return threads  # stacks that lie in one region tell nothing
        left = [pointer for pointer in free if pointer not in found.values()]
        main = [thread for thread in lost if thread.num not in found and thread.lwp == self._target.pid]
        if len(left) == 1 and len(main) == 1 and main[0].num is not None:
            found[main[0].num] = left[0]
        return [
            thread._replace(thread_pointer=found[thread.num], problem="") if thread.num in found else thread
            for thread in threads
        ]

    def _unlisted(self, others: Sequence[_Unlisted], threads: Sequence[Thread], comparable: bool) -> list[Thread]:
        ended: Sequence[bool | None] = [None] * len(others)
        if isinstance(self._libc, KnowsEndings):
            ended = self._libc.have_ended([one.pointer for one in others])
        is_whole = comparable or all(thread.thread_pointer is not None for thread in threads)
        found = []
        for one, has_ended in zip(others, ended):
            if has_ended is None:
                # Older libcs say no more than this: an ended thread has no id.
                has_ended = not one.lwp or (comparable and not self._target.has_task(one.lwp))
            if not has_ended and not is_whole:
                continue  # it may be one of those whose thread pointers are not known
            life = Life.EXITED if has_ended else Life.NOT_ATTACHED if one.lwp else Life.BEING_CREATED
            if not self._target.is_steady(one.pointer, one.lwp):
                life = Life.CHANGING
            found.append(Thread(None, (one.lwp or None) if comparable else None, "", one.pointer, life))
        return found
