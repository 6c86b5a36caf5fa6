"""The thread-local variables of a program.

The object files' symbol tables say where a variable is (aarch64 compilers, for one, often
leave its DWARF without a location); the debugger's symbols say what it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.errors import BadArgument, TlsError, reason
from gdb_tls.program.interposed import Asking, unused
from gdb_tls.program.lookup import Found, Lookup
from gdb_tls.program.module_symbols import Candidate, candidates_of, is_described, modules_of
from gdb_tls.program.names import RUST_UNIT, is_glob, is_helper, source_name
from gdb_tls.program.places import BY_OFFSET, nameless, nameless_in
from gdb_tls.target.model import Module, Variable
from gdb_tls.target.protocol import Target, UnreadableMemory


class Symbols:
    """The thread-local variables of all modules."""

    def __init__(
        self,
        target: Target,
        modules: Sequence[Module],
        pattern: str | None = None,
        copies: bool = False,
        others: Callable[[], Iterable[Asking]] = lambda: (),
        is_guard: Callable[[Module, int], bool] = lambda module, offset: False,
    ) -> None:
        """Takes the modules, or those of them that a --module pattern means.

        Args:
            target: the debugger.
            modules: all of them.
            pattern: a --module pattern; None for all.
            copies: whether definitions that no code uses are wanted, too.
            others: gives all loaded objects.
            is_guard: says of an offset in a module's block, where no symbol is, whether a guard is there.

        Raises:
            BadArgument: where the pattern means none.
        """
        self._target = target
        self._all_modules = modules
        self._copies = copies
        self._others = others
        self._is_guard = is_guard
        self._described: dict[int, bool] = {}
        self.modules = list(modules) if pattern is None else modules_of(modules, pattern)
        if pattern is not None and not self.modules:
            names = ", ".join(f"{module.name} ({module.id})" for module in modules if not module.emulated)
            raise BadArgument(f"No module with thread-local storage matches {pattern}", f"There are: {names}.")

    def find(self, text: str) -> Found:
        """See `Lookup.find`."""
        return self._lookup.find(text)

    def copies_of(self, found: Found) -> list[Found]:
        """The other definitions of a variable, which no code uses, with the same path into them."""
        return self._lookup.copies_of(found)

    def meaning(self, text: str) -> Found | None:
        """See `Lookup.meaning`."""
        return self._lookup.meaning(text)

    def exact_text(self, variable: Variable) -> str:
        """What to type so that just this variable is meant; its name, where it has no symbol."""
        for one in self.every:
            if (one.module.id, one.symbol.value) == (variable.module.id, variable.offset):
                return self._lookup.exact_text(one)
        return variable.name

    def matching(self, glob: str) -> list[Variable]:
        """All variables in use that a glob (`pool_*`) matches, by place."""
        return [self.variable(one) for one in self._lookup.matching(glob)]

    def find_some(self, text: str) -> list[Variable]:
        """Finds the variable that a name means, or all that a glob (`pool_*`) matches.

        Raises:
            UnknownName, NotThreadLocal, AmbiguousName, MissingFile: where there is none, or a name is not exact.
        """
        return (self.matching(text) if is_glob(text) else []) or [self.find(text).variable]

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self._target, self._all_modules, self.every, self.unused, self.variable)

    @cached_property
    def every(self) -> list[Candidate]:
        """Every TLS symbol of every module, the definitions too that no code uses."""
        found: list[Candidate] = []
        for index, module in enumerate(self.modules):
            try:
                found += candidates_of([module], self._target.debug)
            except Exception as error:  # one bad module is one bad row
                self.modules[index] = module._replace(problem=f"{module.name}: {reason(error)}")
        return found

    @cached_property
    def unused(self) -> Mapping[Candidate, Candidate]:
        """Definition that no code uses -> the one that is used instead of it; see `interposed`."""
        if len(self.modules) == len(self._all_modules):
            return unused(self._target, self.every, self._others)
        return unused(self._target, Symbols(self._target, self._all_modules).every, self._others)

    @cached_property
    def hidden(self) -> list[Candidate]:
        """The definitions that no code uses, and that are not shown."""
        return [] if self._copies else [one for one in self.every if one in self.unused]

    @cached_property
    def nameless_places(self) -> list[Candidate]:
        """What the code of modules without symbols uses; see `places.nameless_in`."""
        found: list[Candidate] = []
        for module in self.modules:
            known = [one for one in self.every if one.module.id == module.id]
            with suppress(TlsError, NotElf, OSError):  # then these places are not known
                found += nameless_in(module, known, self._target.architecture.pointer_size)
        return found

    def candidates(self) -> list[Candidate]:
        """Every TLS symbol of every module that code uses, and what it uses without one.

        Two names of one place come both.
        """
        hidden = frozenset(self.hidden)
        used = [one for one in self.every if one not in hidden] if hidden else self.every
        return used + self.nameless_places if self.nameless_places else used

    def variables(self, wanted: Callable[[str, str], bool] | None = None) -> list[Variable]:
        """Every variable of every module, by module and offset; aliases of one place come once.

        Args:
            wanted: says of a linkage name and a demangled name whether it is wanted; None for all.
        """
        by_place: dict[tuple[int, int], Candidate] = {}
        candidates = self.candidates()
        if wanted:
            names = self._target.debug.demangle([candidate.symbol.name for candidate in candidates])
            candidates = [one for one, name in zip(candidates, names) if wanted(one.symbol.name, name)]
        for candidate in candidates:
            by_place.setdefault((candidate.module.id, candidate.symbol.value), candidate)
        ordered = sorted(by_place.items())
        return [self.variable(candidate) for _, candidate in ordered]

    def names(self) -> list[str]:
        """All names that can be typed, for completion."""
        linkages = [one.symbol.name for one in self.candidates() if not self.is_helper(one)]
        return sorted({source_name(*names) for names in zip(linkages, self._target.debug.demangle(linkages))})

    def is_helper(self, candidate: Candidate) -> bool:
        """Whether something is the compiler's own: by its name, or without one by the code that uses it."""
        module, symbol = candidate
        if symbol.source == BY_OFFSET:
            return self._is_guard(module, symbol.value)
        return is_helper(symbol.name)

    def is_described(self, module: Module) -> bool:
        """Whether there is debug information of the module."""
        if module.id not in self._described:
            self._described[module.id] = is_described(module, self._target.debug)
        return self._described[module.id]

    def variable(self, candidate: Candidate) -> Variable:
        """Joins what the symbol table and the debugger say of one symbol; where they fail, why."""
        module, symbol = candidate
        name, described, initial, problem = symbol.name, None, None, ""
        size, piece_of = symbol.size, 0
        try:
            name = self._target.debug.demangle([symbol.name])[0]
            if module.path and symbol.source != BY_OFFSET:
                described = self._target.debug.describe(symbol, name, module.path)
            if described and described.type and 0 < symbol.size < described.type.size:
                # LLVM's GlobalOpt makes variables of an object's members that are used, and drops the others: what lies
                # behind this one is not the object's.
                piece_of = described.type.size
                described = described._replace(type=None, symbol=None)
            size = symbol.size or (described.type.size if described and described.type else 0)
            initial = self.initial_image(module, symbol.value, size)
        except Exception as error:  # one bad variable is one bad row
            problem = reason(error)
        file = described.file if described else "" if RUST_UNIT.search(symbol.file) else symbol.file
        return Variable(
            name=described.name if described else name,
            linkage_name=symbol.name,
            module=module,
            offset=symbol.value,
            size=size,
            type=described.type if described else None,
            exported=symbol.exported,
            source=self._target.debug.source if described else symbol.source,
            is_static=symbol.is_local,
            file=os.path.basename(file),
            line=described.line if described else 0,
            initial=initial,
            problem=problem,
            debugger_symbol=described.symbol if described else None,
            is_helper=self.is_helper(candidate),
            piece_of=piece_of,
        )

    def at(self, module: int, offset: int) -> Candidate | None:
        """The variable that has an offset in the block of the module of that id; None where none is known to."""
        before = [one for one in self.every if one.module.id == module and one.symbol.value <= offset]
        nearest = max(before, key=lambda one: one.symbol.value, default=None)
        is_inside = nearest is not None and offset < nearest.symbol.value + max(nearest.symbol.size, 1)
        return nearest if is_inside else None

    def nameless(self, module: Module, offset: int, width: int | None = None) -> Variable:
        """A variable without a symbol, by its place; see `places.nameless`."""
        return self.variable(nameless(module, offset, self._target.architecture.pointer_size, width))

    def initial_image(self, module: Module, offset: int, size: int) -> bytes | None:
        """The bytes that a new block holds at an offset: `.tdata`, then zeros."""
        segment = module.segment
        if segment is None or not size or offset + size > segment.size:
            return None
        in_image = max(0, min(size, segment.image_size - offset))
        if not in_image:
            return bytes(size)
        # The image of emulated TLS is ordinary data: where it may be written to, the file has it before relocation.
        constant = bool(module.emulated)
        file = open_elf(module.path) if module.path else None
        head = file.at_address(segment.address + offset, in_image, constant=constant) if file else None
        if head is None:
            try:
                head = self._target.memory.read(module.load_base + segment.address + offset, in_image)
            except UnreadableMemory:
                return None
        return head + bytes(size - in_image)
