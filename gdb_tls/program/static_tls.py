"""Who has the static TLS that every thread has, and whether a library that is not loaded yet would get its part."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.relocations import relocations
from gdb_tls.errors import BadArgument, reason
from gdb_tls.libc.static_tls import HasStaticTls, StaticTls
from gdb_tls.program.interposed import TYPES
from gdb_tls.program.program import Program
from gdb_tls.target.model import Module


class Share(NamedTuple):
    """What one module has of it.

    Attributes:
        module: which.
        size: with what is lost to alignment, in bytes.
        is_later: whether it was loaded after the program had started; None where that is not known.
    """

    module: Module
    size: int
    is_later: bool | None


class Budget(NamedTuple):
    """Static TLS, and who has it.

    Attributes:
        total: as the C library has it.
        shares: of all modules that have some, those nearest to the thread pointer first.
    """

    total: StaticTls
    shares: Sequence[Share]

    @property
    def later(self) -> Sequence[Share]:
        """The shares of what was loaded later, in the order in which they took them."""
        return [share for share in self.shares if share.is_later]


class Room(NamedTuple):
    """Whether a file's thread-local storage would still fit.

    Attributes:
        path: the file.
        size: of its block; 0 for none.
        needs_static: whether its code needs it to be static.
        fits: whether it would be loaded, as far as static TLS is concerned; None where that is not known.
        why: a sentence without its full stop.
    """

    path: str
    size: int
    needs_static: bool
    fits: bool | None
    why: str


def static_budget(program: Program) -> Budget | None:
    """Who has how much; None where the C library keeps none for later."""
    library = program.libc
    if not isinstance(library, HasStaticTls):
        return None
    total = library.static_tls
    shares, end = [], 0
    placed = [module for module in program.modules if module.static_offset is not None]
    for module in sorted(placed, key=lambda one: one.static_offset or 0):
        size = module.segment.size if module.segment else 0
        behind = (module.static_offset or 0) + (0 if total.below else size)
        later = None if total.at_start is None else module.id > total.at_start
        # A module may lie in the gap that another one's alignment has left.
        shares.append(Share(module, max(behind - end, 0) if behind > end else size, later))
        end = max(end, behind)
    return Budget(total, shares)


def room_for(program: Program, path: str) -> Room:
    """Whether a file could still be loaded.

    Raises:
        BadArgument: where it is no file that this program could load.
    """
    try:
        file = open_elf(os.path.expanduser(path))
    except NotElf as error:
        raise BadArgument(f"{path} cannot be loaded: {error}", "Give a shared library's file.") from error
    segment, own = file.tls_segment, program.target.architecture
    if (file.pointer_size, file.byte_order) != (own.pointer_size, own.byte_order):
        raise BadArgument(f"{path} is of another architecture than the program ({own.name})", "")
    name = os.path.basename(path)
    if segment is None:
        return Room(path, 0, False, True, f"{name} has no thread-local storage")
    kinds = TYPES.get(own.name)
    wanted = frozenset((kinds.distance,)) if kinds else frozenset()
    # Initial-exec code; what another file defines asks for that one's storage.
    needs = any(one.symbol is None or one.symbol.defined for one in relocations(file, wanted))
    size = segment.size
    if not needs:
        return Room(path, size, False, True, f"{name} needs no static TLS: each thread gets its block when it uses it")
    if program.libc.name == "musl":
        # ldso/dynlink.c: "initial-exec TLS resolves to dynamic definition".
        why = f"{name} has initial-exec code, and musl gives no library static TLS after the program has started"
        return Room(path, size, True, False, why)
    budget = static_budget(program)
    if budget is None:
        return Room(path, size, True, None, f"What static TLS {program.libc.name} has is not known")
    total = budget.total
    asks = f"{name} needs {size:,} bytes of static TLS, aligned to {segment.alignment:,}"
    fits = total.would_fit(segment)
    if fits is None or total.left is None or total.alignment is None:
        return Room(path, size, True, None, f"{asks}, and what is left is not known: {total.problem}")
    if segment.alignment > total.alignment:
        why = f"{asks}: it does not fit, as the threads' blocks are aligned to {total.alignment:,} only"
    else:
        why = f"{asks}: it {'fits' if fits else 'does not fit'}, as {total.left:,} are left"
    return Room(path, size, True, fits, why)


def budget_or_reason(program: Program) -> tuple[Budget | None, str]:
    """The budget, or why it cannot be read: it is only a part of an answer."""
    try:
        return static_budget(program), ""
    except Exception as error:
        return None, reason(error)
