"""Who has the static TLS that every thread has."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.errors import reason
from gdb_tls.libc.static_tls import HasStaticTls, StaticTls
from gdb_tls.program.program import Program
from gdb_tls.target.model import Module
from gdb_tls.tuples import NamedTuple


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


def budget_or_reason(program: Program) -> tuple[Budget | None, str]:
    """The budget, or why it cannot be read: it is only a part of an answer."""
    try:
        return static_budget(program), ""
    except Exception as error:
        return None, reason(error)
