"""The TLS modules: what each is, and in how many threads it has a block."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.libc.abi import AbiOnly
from gdb_tls.program.program import Program
from gdb_tls.program.static_tls import Budget, budget_or_reason
from gdb_tls.program.would_load import Room, room_for
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Module, State, TargetInfo, Thread
from gdb_tls.tuples import NamedTuple


class ModuleReport(NamedTuple):
    """One module over all threads.

    Attributes:
        module: the module.
        blocks: threads that have a block.
        unallocated: threads that have none yet.
        unresolved: threads of which that is not known.
        variables: how many thread-local variables its symbols name; None where its file is missing.
    """

    module: Module
    blocks: int
    unallocated: int
    unresolved: int
    variables: int | None

    @property
    def bytes_used(self) -> int | None:
        """The size of all its blocks together; None where the size of one is not known."""
        return self.module.segment.size * self.blocks if self.module.segment else None


class ModulesReport(NamedTuple):
    """The answer of `tls-modules`.

    Attributes:
        target: the program.
        modules: by id.
        threads: how many threads were looked at.
        emulated: the variables of emulated TLS, which are in no module's block.
        budget: who has the static TLS; None where that cannot be said.
        budget_problem: why not; empty where this C library keeps none for later.
        room: whether the file of --would-load would still be loaded; None where nobody asked.
        problem: why there may be more modules than these, and what can be done, as a clause; empty where all are known.
    """

    target: TargetInfo
    modules: Sequence[ModuleReport]
    threads: int
    emulated: Sequence[Module] = ()
    budget: Budget | None = None
    budget_problem: str = ""
    room: Room | None = None
    problem: str = ""


def read_modules(program: Program, threads: Sequence[Thread], pattern: str | None) -> ModulesReport:
    """Counts each module's blocks in these threads."""
    symbols = program.symbols(pattern)
    modules = [module for module in symbols.modules if not module.emulated]
    emulated = [module for module in symbols.modules if module.emulated]
    names: dict[int, set[int]] = {module.id: set() for module in symbols.modules}
    for candidate in symbols.candidates():
        names[candidate.module.id].add(candidate.symbol.value)
    found = []
    for module in modules:
        places = program.blocks(module, threads)
        blocks = sum(isinstance(place, int) for place in places)
        unallocated = sum(not isinstance(place, int) and place.state is State.UNALLOCATED for place in places)
        variables = len(names[module.id]) if module.path else None
        found.append(ModuleReport(module, blocks, unallocated, len(places) - blocks - unallocated, variables))
    budget, problem = budget_or_reason(program)
    # A static program could load something, but hardly any does.
    libc, is_static = program.libc, not program.objects.interpreter
    lost = libc.problem if isinstance(libc, AbiOnly) and not is_static else ""
    return ModulesReport(program.info, found, len(threads), emulated, budget, problem, problem=lost)


def query(request: Request) -> ModulesReport:
    """Reads the modules, and their blocks in the threads that are wanted."""
    program = request.program()
    wanted = request.arguments.would_load
    room = None if wanted is None else room_for(program, wanted)
    threads = request.chosen(program) or program.threads
    return read_modules(program, threads, request.arguments.module)._replace(room=room)


def flagged(report: ModulesReport) -> bool:
    """Whether the file that was asked for would not be loaded."""
    return report.room is not None and report.room.fits is False
