"""All variables of the chosen modules in all threads, held as columns of bytes.

A module's blocks are found once for all threads, and each block is read once for all of its
variables.  Nothing here is an object for each instance: six hundred thousand of them (60 variables in 10,000
threads) are lists of bytes, which `map`, `Counter` and `set` go through at the speed of C.
`Column.instances` makes the model's instances of the cells that somebody wants to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from gdb_tls.errors import reason
from gdb_tls.program.blocks import Blocks
from gdb_tls.program.containers import invalid
from gdb_tls.program.instances import Instances, Judgement
from gdb_tls.program.module_symbols import Candidate
from gdb_tls.program.names import is_rust_value
from gdb_tls.program.presence import have_values
from gdb_tls.program.program import Program
from gdb_tls.program.symbols import Symbols
from gdb_tls.program.value import read_instances, untyped
from gdb_tls.target.model import Flag, Instance, Kind, Module, Place, State, Thread, Type, Variable
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    from gdb_tls.program.lifetimes import Lifetime

# Of a longer variable (a buffer) only the beginning is kept, unless all of it is asked for.
LONGEST_KEPT = 256
VIA = "passive"


class Gap(NamedTuple):
    """Where nothing could be looked at.

    Attributes:
        reason: why.
        threads: in which threads, as positions in `Survey.threads`.
        modules: of which modules.
    """

    reason: str
    threads: Sequence[int]
    modules: Sequence[Module]


class Column:
    """One variable in all threads.

    Attributes:
        candidate: its module and symbol.
        name: demangled; `variable.name` is what the debug information calls it.
        offset: in the module's block.
        size: in bytes; where the symbol does not say, what is there up to the next variable.
        blocks: the module's blocks.
        survey: whose it is.
    """

    def __init__(self, survey: Survey, candidate: Candidate, name: str, size: int, blocks: Blocks) -> None:
        """Reads nothing yet."""
        self.candidate = candidate
        self.name = name
        self.offset = candidate.symbol.value
        self.size = size
        self.blocks = blocks
        self.survey = survey

    @property
    def module(self) -> Module:
        """The variable's module."""
        return self.candidate.module

    @cached_property
    def variable(self) -> Variable:
        """The variable as the debugger describes it.  The first use may cost the debugger a while."""
        return self.survey.symbols.variable(self.candidate)

    @property
    def is_helper(self) -> bool:
        """Whether it is the compiler's own, and no variable of the program."""
        return self.survey.symbols.is_helper(self.candidate)

    @property
    def is_described(self) -> bool:
        """Whether the debugger has been asked for it."""
        return "variable" in self.__dict__

    @property
    def problem(self) -> str:
        """Why not all is known of it; empty where it is."""
        return self.variable.problem or self.blocks.problem

    @cached_property
    def judged_as(self) -> tuple[Type, tuple[Flag, ...]]:
        """The type by which the bytes are read, and the flags that follow from not knowing a better one."""
        kind = self.variable.type
        return (kind, ()) if kind else untyped(self.size, self.survey.pointer_size, self.candidate.symbol.name)

    def _held(self, at: int) -> list[bytes]:
        """The pointers at an offset in the objects that are alive."""
        words = self.words(at)
        return [word for index, word in enumerate(words) if index not in self.dead] if self.dead else words

    @property
    def pointer_offset(self) -> int | None:
        """Where in the variable the pointer is that it is, or owns; None for a variable without one."""
        kind = self.judged_as[0]
        at = 0 if kind.kind is Kind.POINTER else kind.owner
        return None if at is None else at + kind.inside

    def raws(self) -> list[bytes]:
        """Its bytes in each thread, the first `Survey.longest` of them; empty where there are none."""
        return self.blocks.raws(self.offset, min(self.size, self.survey.longest))

    def different(self) -> frozenset[bytes]:
        """The bytes that are somewhere, each once."""
        return self.blocks.different(self.offset, min(self.size, self.survey.longest))

    @property
    def is_known_anywhere(self) -> bool:
        """Whether it could be read in one thread at least, or is known to have no storage there yet."""
        absences = self.blocks.absences.values()
        return any(self.raws()) or any(absence.state is State.UNALLOCATED for absence in absences)

    def words(self, offset: int = 0) -> list[bytes]:
        """The pointer-sized word at an offset in the variable, in each thread; empty where there is none."""
        return self.blocks.raws(self.offset + offset, self.survey.pointer_size)

    def numbers(self, offset: int = 0) -> list[int | None]:
        """The same as numbers; None where there is none."""
        return self.blocks.numbers(self.offset + offset)

    def have_values(self) -> dict[int, bool]:
        """Thread -> whether the object there has a value, of a class whose objects may have none."""
        kind, target = self.judged_as[0], self.survey.program.target
        presence = kind.presence
        if presence is None:
            return {}
        places = [place + kind.inside if isinstance(place, int) else place for place in self.places()]
        start = kind.inside + presence.offset
        raws: Sequence[bytes | None]
        if start + presence.size <= min(self.size, self.survey.longest):
            raws = self.blocks.raws(self.offset + start, presence.size)
        else:
            here = {index: place for index, place in enumerate(places) if isinstance(place, int)}
            starts = [place + presence.offset for place in here.values()]
            read = dict(zip(here, target.memory.read_many(starts, presence.size)))
            raws = [read.get(index) for index in range(len(places))]
        found = enumerate(have_values(target, presence, places, raws))
        return {index: has for index, has in found if has is not None}

    def states(self) -> list[State]:
        """Its state in each thread."""
        at, witness = self.pointer_offset, self.judged_as[0].witness
        if at is None:
            at = witness
        raws = self.words(at) if at is not None else self.raws()
        null = bytes(self.survey.pointer_size)
        meaning = dict.fromkeys(set(raws), State.SET)
        if at is not None and null in meaning:
            meaning[null] = State.NULL if witness is None else State.UNREADABLE
        meaning[b""] = State.UNREADABLE
        found = [meaning[raw] for raw in raws]
        if witness is not None and null in meaning:  # zero-filled: never constructed
            for index, raw in enumerate(self.raws()):
                if raw and not any(raw):
                    found[index] = State.NOT_CONSTRUCTED
        for index, has_value in self.have_values().items():
            found[index] = found[index] if has_value else State.NO_VALUE
        container = self.judged_as[0].container
        if container is not None:
            target = self.survey.program.target
            for index, (place, raw) in enumerate(zip(self.places(), self.raws())):
                if isinstance(place, int) and raw and invalid(container, raw, place, target):
                    found[index] = State.UNREADABLE
        for index, life in enumerate(self.lives or ()):
            if life is not None and life.state is not None:
                found[index] = life.state
        for index, absence in self.blocks.absences.items():
            found[index] = absence.state
        return found

    @cached_property
    def lives(self) -> list[Lifetime | None] | None:
        """What is known of the object's life in each thread; None for nothing."""
        lifetimes = self.survey.program.lifetimes
        if is_rust_value(self.candidate.symbol.name):
            linkage, blocks = self.candidate.symbol.name, self.blocks.places
            return lifetimes.of_rust(self.module, linkage, self.variable.type, self.places(), blocks)
        guard = lifetimes.guard(self.module, self.offset, patient=False)
        if guard is None:
            return None
        raws, threads = self.blocks.raws(guard.offset, 1), self.survey.threads
        return lifetimes.of(self.module, self.offset, self.size, threads, self.blocks.places, raws, patient=False)

    @cached_property
    def dead(self) -> frozenset[int]:
        """The threads in which the object is not constructed, or destroyed: its bytes are no value there."""
        return frozenset(
            index for index, life in enumerate(self.lives or ()) if life is not None and life.state is not None
        )

    def places(self) -> list[Place]:
        """Its address in each thread, or why it has none."""
        offset = self.offset
        return [place + offset if isinstance(place, int) else place for place in self.blocks.places]

    def instances(self, indices: Iterable[int] | None = None) -> Instances:
        """Its instances in the threads at these positions in `Survey.threads`; in all where none are given."""
        chosen = range(len(self.blocks.places)) if indices is None else list(indices)
        try:
            return self._instances(chosen)
        except Exception as error:  # one bad variable is one bad row
            why = reason(error)
            threads = [self.survey.threads[index] for index in chosen]
            judgements = [Judgement(State.UNREADABLE, (), why)] * len(threads)
            return Instances(
                threads,
                judgements,
                [None] * len(threads),
                lambda index: Instance(threads[index], State.UNREADABLE, (), None, None, "", VIA, why),
            )

    def _instances(self, chosen: Sequence[int]) -> Instances:
        kind, assumed = self.judged_as
        at = self.pointer_offset
        order = self.survey.program.target.architecture.byte_order
        holders = None
        if at is not None:
            holders = {
                int.from_bytes(raw, "little" if order == "little" else "big"): count
                for raw, count in Counter(self._held(at)).items()
                if raw
            }
        threads = [self.survey.threads[index] for index in chosen]
        places = [place + kind.inside if isinstance(place, int) else place for place in self.places()]
        return read_instances(
            self.survey.program.target,
            kind,
            assumed,
            threads,
            [places[index] for index in chosen],
            VIA,
            holders,
            self.survey.program.constants.among,
            [self.lives[index] for index in chosen] if self.lives else None,
        )


class Survey:
    """Everything that is thread-local, in all threads.

    Attributes:
        program: whose it is.
        threads: the columns' order.
        modules: the chosen modules, by id.
        blocks: module id -> its blocks.
        columns: one for each variable, by module and offset.
        longest: how many bytes of a variable are kept.
        interrupted: whether the user stopped the survey: then the last modules are missing.
    """

    def __init__(
        self,
        program: Program,
        pattern: str | None = None,
        threads: Sequence[Thread] | None = None,
        longest: int = LONGEST_KEPT,
        progress: Progress = SILENT,
        copies: bool = False,
        with_columns: bool = True,
    ) -> None:
        """Finds the variables and the blocks; their bytes are read when a column is first used.

        Args:
            program: the program.
            pattern: a --module pattern; None for all modules.
            threads: the threads that are wanted; None for all.
            longest: how many bytes of a variable to keep.
            progress: shows how far it is.
            copies: whether definitions that no code uses are wanted, too.
            with_columns: whether the variables are wanted, and not only the blocks.

        Raises:
            TlsError: where the program cannot be read at all.
        """
        self.program = program
        self.threads = list(program.threads if threads is None else threads)
        self.symbols: Symbols = program.symbols(pattern, copies)
        self.modules: Sequence[Module] = self.symbols.modules
        self.longest = longest
        self.pointer_size = program.target.architecture.pointer_size
        self.blocks: dict[int, Blocks] = {}
        self.columns: list[Column] = []
        candidates: dict[int, dict[int, Candidate]] = {module.id: {} for module in self.modules}
        for candidate in self.symbols.candidates() if with_columns else ():
            candidates[candidate.module.id].setdefault(candidate.symbol.value, candidate)
        with progress.task("Reading thread-local storage", len(self.modules)) as task:
            for module in self.modules:
                self._add(module, [candidate for _, candidate in sorted(candidates[module.id].items())])
                task.advance()
        self.interrupted = task.interrupted
        if self.columns:
            program.target.memory.expect(*self.static_storage)

    @cached_property
    def static_storage(self) -> tuple[list[int], int]:
        """Where each thread's static TLS begins, as far as the modules' blocks tell, and its size in bytes.

        It is one piece of memory beside the thread pointer (ELF TLS, variants I and II), which the threads follow that
        have a thread pointer; empty where no module is in it.
        """
        pointers = [thread.thread_pointer for thread in self.threads]
        distances: list[tuple[int, int]] = []
        for blocks in self.blocks.values():
            module = blocks.module
            if module.segment and module.static_offset is not None:
                known = zip(pointers, blocks.places)
                here = (place - pointer for pointer, place in known if pointer and isinstance(place, int))
                distances += [(distance, distance + module.segment.size) for distance in islice(here, 1)]
        low, high = min(distances, default=(0, 0))[0], max((end for _, end in distances), default=0)
        return [pointer + low for pointer in pointers if pointer] if distances else [], high - low

    def column_of(self, variable: Variable) -> Column | None:
        """The column of a variable; None where it is none of those that were chosen."""
        place = variable.module.id, variable.offset
        return next((one for one in self.columns if (one.module.id, one.offset) == place), None)

    def gaps(self) -> list[Gap]:
        """Where no block was found, or its memory could not be read, by reason; that of the most threads first."""
        found: dict[str, tuple[set[int], list[Module]]] = {}
        for blocks in self.blocks.values():
            for why, threads in blocks.gaps().items():
                known = found.setdefault(why, (set(), []))
                known[0].update(threads)
                known[1].append(blocks.module)
        gaps = [Gap(why, sorted(threads), modules) for why, (threads, modules) in found.items()]
        return sorted(gaps, key=lambda gap: -len(gap.threads))

    def _add(self, module: Module, candidates: Sequence[Candidate]) -> None:
        places = self.program.blocks(module, self.threads)
        sizes = self._sizes(module, candidates)
        ranges = [(c.symbol.value, c.symbol.value + min(size, self.longest)) for c, size in zip(candidates, sizes)]
        blocks = Blocks(self.program.target, module, places, ranges)
        self.blocks[module.id] = blocks
        names = self.program.target.debug.demangle([candidate.symbol.name for candidate in candidates])
        self.columns += [Column(self, c, name, size, blocks) for c, name, size in zip(candidates, names, sizes)]

    def _sizes(self, module: Module, candidates: Sequence[Candidate]) -> list[int]:
        ends = [candidate.symbol.value for candidate in candidates[1:]]
        ends.append(module.segment.size if module.segment else 1 << 62)
        return [
            candidate.symbol.size or min(max(end - candidate.symbol.value, 1), self.pointer_size)
            for candidate, end in zip(candidates, ends)
        ]
