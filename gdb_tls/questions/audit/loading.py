"""Libraries that were not loaded for want of static TLS, by what dlerror knows in each thread."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from gdb_tls.errors import TlsError, reason
from gdb_tls.libc.loader_errors import KeepsLoaderErrors, LoaderError
from gdb_tls.program.program import Program
from gdb_tls.program.static_tls import Budget, budget_or_reason
from gdb_tls.program.would_load import Room, room_for
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.modules.budget import named
from gdb_tls.target.model import Thread
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import count, who

# elf/dl-reloc.c: `_dl_allocate_static_tls`.
NO_ROOM = ": cannot allocate memory in static TLS block"
RULE = "static-tls"
# A program that goes on may do without the library.
SCORE, CRASHED_SCORE = 60, 90


class Refusal(NamedTuple):
    """A library that was not loaded.

    Attributes:
        name: the last part of its file name.
        findings: what is known of it.
        score: how much it matters.
    """

    name: str
    findings: Sequence[Finding]
    score: int


def last_errors(program: Program, threads: Sequence[Thread]) -> list[LoaderError | None]:
    """What dlopen and its kin said last in each thread; none where the C library does not keep that."""
    library = program.libc
    found: list[LoaderError | None] = [None] * len(threads)
    if not isinstance(library, KeepsLoaderErrors):
        return found
    places = [index for index, thread in enumerate(threads) if thread.thread_pointer is not None]
    try:
        errors = library.loader_errors([threads[index].thread_pointer or 0 for index in places])
    except Exception as error:  # it only adds to what memory says of the variables
        reason(error)
        return found
    for index, said in zip(places, errors):
        found[index] = said
    return found


def refusals(
    program: Program, threads: Sequence[Thread], errors: Sequence[LoaderError | None], crashed: int | None
) -> Iterator[Refusal]:
    """The libraries that got no static TLS.

    Args:
        program: the program.
        threads: all threads.
        errors: what dlopen said last in each of them.
        crashed: the position of the thread that crashed.
    """
    by_path: dict[str, list[int]] = {}
    for index, error in enumerate(errors):
        if error and error.text.endswith(NO_ROOM):
            by_path.setdefault(error.text.removesuffix(NO_ROOM), []).append(index)
    for path, where in by_path.items():
        score = CRASHED_SCORE if crashed in where else SCORE
        sentences = _sentences(program, path, [threads[index] for index in where])
        yield Refusal(
            os.path.basename(path),
            [Finding(RULE, score - 2 * n, text, where) for n, text in enumerate(sentences)],
            score,
        )


def _sentences(program: Program, path: str, threads: Sequence[Thread]) -> Iterator[str]:
    yield f"dlopen failed in {who(threads)}: {path}{NO_ROOM}."
    budget, _ = budget_or_reason(program)
    if budget is None:
        return
    room = _room(program, path)
    yield _used_up(budget, room, os.path.basename(path))
    if budget.later:
        taken = sum(share.size for share in budget.later)
        yield f"Libraries that were loaded with dlopen before it took {taken:,} bytes: {named(budget.later)}."
    if budget.total.optional is not None:
        yield (
            "A larger reserve: GLIBC_TUNABLES=glibc.rtld.optional_static_tls=BYTES. A library that the program is "
            "linked with, or that LD_PRELOAD names, needs none of it; nor does one without initial-exec variables."
        )


def _used_up(budget: Budget, room: Room | None, name: str) -> str:
    total = budget.total
    if total.size is None or total.left is None:
        return f"Static TLS is used up; modules have {count(total.used, 'byte')} of it in each thread."
    there = f"{total.used:,} of {total.size - total.overhead:,} bytes are used in each thread"
    if room is None:
        return f"Static TLS is used up: {there}, {total.left:,} are left, and what {name} needs is not known."
    asks = f"{name} needs {room.size:,}"
    if room.asked > room.size:
        asks = f"{name} with the libraries that would be loaded with it needs {room.asked:,}"
    if room.fits:
        return f"Static TLS was used up then: {there} now, {total.left:,} are left, and {asks}."
    return f"Static TLS is used up: {there}, {total.left:,} are left, and {asks} (initial-exec)."


def _room(program: Program, path: str) -> Room | None:
    """What the library needs; None where its file is not here."""
    folder, name = os.path.split(path)
    # A relative name is one of the program's own folder, from which others may have come, too.
    beside = [one.path for one in program.objects.all if one.path and os.path.dirname(one.target_path) == folder]
    places = [os.path.join(os.path.dirname(one), name) for one in beside[-1:]]
    with suppress(TlsError, OSError):
        places += [one.path for one in program.target.files_for(path, 0)]
    for place in places if name else []:
        with suppress(TlsError, OSError):
            return room_for(program, place)
    return None


def last_word(errors: Sequence[LoaderError | None], threads: Sequence[Thread], crashed: int | None) -> str:
    """What dlopen or dlsym said last in the thread that crashed; empty where it said nothing."""
    error = errors[crashed] if crashed is not None else None
    if error is None or crashed is None:
        return ""
    asked = "" if error.was_asked else ", which the program has not asked for"
    return f'The last error of dlopen or dlsym in thread {threads[crashed].num}, which crashed{asked}: "{error.text}"'
