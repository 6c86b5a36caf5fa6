"""Which code uses a thread-local variable: in its own module, and in all others that ask the loader for its name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property

from gdb_tls.code.accesses import ADDRESS_TAKEN, Access
from gdb_tls.code.emulated import target_of
from gdb_tls.code.index import CodeIndex, code_index
from gdb_tls.elf.file import NotElf
from gdb_tls.errors import MissingFile
from gdb_tls.objects.loaded import KERNEL_OBJECTS, LoadedObject
from gdb_tls.objects.words import Words
from gdb_tls.program.interposed import asked_for, controls_asked_for, is_bound
from gdb_tls.program.module_symbols import Candidate, debug_file
from gdb_tls.program.names import EMULATED_CONTROL, without_parameters
from gdb_tls.program.program import Program
from gdb_tls.target.model import Module, Variable
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.target.protocol import UnreadableMemory
from gdb_tls.tuples import NamedTuple

# The Itanium C++ ABI's wrappers, 5.1.9: they give a variable's address to code that uses it by name.
WRAPPER = "_ZTW"


class CodeObject(NamedTuple):
    """A loaded object whose code may use the variable.

    Attributes:
        name: the last part of its file name.
        path: the file on this machine; None where it is missing.
        load_base: what is added to the file's addresses.
        problem: why its code was not looked at; empty where it was.
    """

    name: str
    path: str | None
    load_base: int
    problem: str = ""


class CodePlace(NamedTuple):
    """One place in the code that uses the variable.

    Attributes:
        address: of the instruction, in memory.
        access: what it does; its addresses are those of the file.
        offset: in the variable.
        file: the source file; empty where it is not known, or `with_lines` was not asked.
        line: in that file; 0 where it is not known.
    """

    address: int
    access: Access
    offset: int
    file: str = ""
    line: int = 0


class CodeFunction(NamedTuple):
    """A function that uses the variable.

    Attributes:
        name: without its parameters, or `MODULE+0xADDRESS` where it has none.
        full_name: with them.
        linkage_name: as in the symbol table; empty where it has no name.
        object: where it is.
        start: where it begins in memory; None where no table knows that.
        exported: of a wrapper: whether the loader finds it by name, so that other modules may call it.
        places: by address.
    """

    name: str
    full_name: str
    linkage_name: str
    object: CodeObject
    start: int | None
    exported: bool
    places: Sequence[CodePlace]


def with_lines(program: Program, function: CodeFunction) -> CodeFunction:
    """The function with the source lines of its places, for which GDB reads debug information of all that code."""
    places = []
    for place in function.places:
        file, line = program.line(place.address)
        places.append(place._replace(file=file, line=line))
    return function._replace(places=places)


class Users(NamedTuple):
    """All code that uses a variable, as far as it was found.

    Attributes:
        functions: by object and address.
        objects: those whose code was looked at.
        unread: those that may use it, but could not be looked at.
        undecided: how many places use a variable of that name, but it is not known which of several.
        unexplained: functions that refer to it, of which it is not known what they do with it.
        interrupted: whether the user stopped the search.
    """

    functions: Sequence[CodeFunction]
    objects: Sequence[CodeObject]
    unread: Sequence[CodeObject]
    undecided: int
    interrupted: bool
    unexplained: Sequence[str] = ()


def users_of(program: Program, variable: Variable, first: int, size: int, progress: Progress = SILENT) -> Users:
    """Finds the code that uses a variable.

    Args:
        program: the program.
        variable: which.
        first: the first offset in it that is of interest.
        size: how many bytes from there are.
        progress: shows how far it is.

    Raises:
        UnsupportedTarget: for an architecture whose code is not read.
        MissingPackage: where there is no capstone.
        MissingFile: where the file of the variable's own module is missing.
    """
    emulated = variable.module.emulated
    search = (_EmulatedSearch if emulated else _Search)(program, variable, first, size)
    others = search.others() if variable.exported else []
    functions: list[CodeFunction] = []
    looked_at: list[CodeObject] = []
    unread: list[CodeObject] = []
    with progress.task("Reading code", 1 + len(others)) as task:
        for one in (search.own, *others):
            if one.problem:
                unread.append(one)
            else:
                try:
                    functions += search.functions(one)
                    looked_at.append(one)
                except NotElf as error:
                    unread.append(one._replace(problem=str(error)))
            task.advance()
    return Users(functions, looked_at, unread, search.undecided, task.interrupted, search.unexplained)


class _Search:
    """The search for one variable's users."""

    def __init__(self, program: Program, variable: Variable, first: int, size: int) -> None:
        module = variable.module
        if module.path is None:
            raise MissingFile(f"The code of {module.name} cannot be read: {module.problem}")
        code_index(module.path)  # says at once where code of this architecture is not read
        self.own = CodeObject(module.name, module.path, module.load_base)
        self.undecided = 0
        self.unexplained: list[str] = []
        self._program = program
        self._variable = variable
        self._first, self._last = first, first + size

    def others(self) -> list[CodeObject]:
        """The other objects that ask the loader for the variable's name, and those that cannot be asked whether."""
        known: list[Module | LoadedObject] = [*self._program.modules, *self._program.objects.all]
        objects = {
            (one.load_base, one.path): CodeObject(one.name, one.path, one.load_base, one.problem)
            for one in known
            if not one.target_path.startswith(KERNEL_OBJECTS)
        }
        objects.pop((self.own.load_base, self.own.path), None)
        found = []
        for one in objects.values():
            if one.path is None:
                found.append(one._replace(problem=one.problem or "its file is missing"))
                continue
            try:
                asks = self._asks(one.path)
            except NotElf as error:
                found.append(one._replace(problem=str(error)))
                continue
            if asks:
                found.append(one)
        return found

    def _asks(self, path: str) -> bool:
        """Whether a file's code asks the loader for the variable.

        Raises:
            NotElf: where it cannot be read.
        """
        return any(asked_for(self._program.target, path, [self._variable.linkage_name]))

    def functions(self, one: CodeObject) -> Iterator[CodeFunction]:
        """The functions of an object that use it."""
        assert one.path is not None
        index = code_index(one.path)
        by_function: dict[tuple[int | None, int], list[CodePlace]] = defaultdict(list)
        for access, offset in self._accesses(index, one):
            # What belongs to no known function is a row of its own.
            key = (access.function, 0 if access.function is not None else access.address)
            address = one.load_base + access.address
            by_function[key].append(CodePlace(address, access, offset))
        for (start, _), places in sorted(by_function.items(), key=lambda item: item[1][0].address):
            yield self._named(one, index, start, places)
        self._note_unexplained(one, index)

    def _note_unexplained(self, one: CodeObject, index: CodeIndex) -> None:
        """Notes the functions that refer to the variable in a way that is not understood."""
        is_own = one == self.own
        if is_own or len(self._definitions) <= 1:
            place = self._variable.offset
            around = (place, place + self._last) if is_own else (0, 1, self._variable.linkage_name)
            for start in index.unexplained(*around):
                linkage, _ = self._linkage_name(one, index, start)
                full = self._program.target.debug.demangle([linkage])[0] if linkage else ""
                self.unexplained.append(without_parameters(full) or f"{one.name}+0x{start:x}")

    def _accesses(self, index: CodeIndex, one: CodeObject) -> Iterator[tuple[Access, int]]:
        """(access, offset in the variable) of what is surely an access to it."""
        variable = self._variable
        is_own = one == self.own
        start = variable.offset
        if is_own:
            found = index.accesses(start, start + self._last)
        else:
            found = index.accesses(0, 1, variable.linkage_name)
        slots: dict[int, bool | None] = {}
        for access in found:
            # By name, another module's definition may have come before.
            by_name = access.target.symbol == variable.linkage_name
            if by_name and len(self._definitions) > 1 and access.target.slot is not None:
                slot = access.target.slot
                if slot not in slots:
                    slots[slot] = self._leads_here(index, one, slot)
                if slots[slot] is None:
                    self.undecided += 1
                if not slots[slot]:
                    continue
            base = start if is_own else self._value_in(index) if access.target.defined else 0
            inner = index.callees.through(access) if access.kind == ADDRESS_TAKEN else None
            for each in [access] if inner is None else inner:
                if self._is_wanted(each, each.offset - base):
                    yield each, each.offset - base

    def _is_wanted(self, access: Access, offset: int) -> bool:
        """Whether it may be an access to the part of the variable that is of interest."""
        # Who has the address of a structure may write its members, and an index may be any.
        is_open = access.kind == ADDRESS_TAKEN or not access.exact
        behind = self._last if is_open else offset + max(access.width, 1)
        return offset < self._last and behind > self._first

    def _value_in(self, index: CodeIndex) -> int:
        """Where in its own block a file has its own definition, which is not the one that its code uses."""
        name = self._variable.linkage_name
        symbols = index.file.symbols([name])
        return symbols[name].value if name in symbols else 0

    def _leads_here(self, index: CodeIndex, one: CodeObject, slot: int) -> bool | None:
        """Whether an entry of the GOT leads to this variable; None where memory does not tell."""
        entries = asked_for(self._program.target, index.file.path, [self._variable.linkage_name])
        row = next((row for row in entries if row.address == slot), None)
        if row is None:
            return one == self.own
        for definition in self._definitions:
            if is_bound(self._program.target, one.load_base + slot, row.type, row.addend, definition):
                return definition.module.id == self._variable.module.id
        return None

    @cached_property
    def _definitions(self) -> list[Candidate]:
        """All that the loader could find under the variable's name; none where it does not look for it."""
        name = self._variable.linkage_name
        every = self._program.tls_symbols if self._variable.exported else ()
        return [one for one in every if one.symbol.name == name and one.symbol.exported]

    # ------------------------------------------------------------------ names

    def _named(self, one: CodeObject, index: CodeIndex, start: int | None, places: Sequence[CodePlace]) -> CodeFunction:
        ordered = sorted(places, key=lambda place: (place.address, place.offset))
        linkage, exported = self._linkage_name(one, index, start) if start is not None else ("", False)
        full = self._program.target.debug.demangle([linkage])[0] if linkage else ""
        at = start if start is not None else ordered[0].access.address
        name = without_parameters(full) or f"{one.name}+0x{at:x}"
        in_memory = None if start is None else one.load_base + start
        return CodeFunction(name, full or name, linkage, one, in_memory, exported, ordered)

    def _linkage_name(self, one: CodeObject, index: CodeIndex, start: int) -> tuple[str, bool]:
        """The name of the function that begins at an address of the file, and whether the loader finds it by that."""
        own = index.file.function_at(start)
        if own and own.value == start:
            # To look for a name takes long in a large file, and it matters of these only.
            is_wrapper = own.name.startswith(WRAPPER)
            dynamic = index.file.symbols([own.name]).get(own.name) if is_wrapper else None
            return own.name, bool(dynamic and dynamic.exported)
        separate = None
        with suppress(NotElf):
            separate = debug_file(index.file, self._program.target.debug)
        known = separate.function_at(start) if separate else None
        if known and known.value == start:
            return known.name, False
        name = self._program.symbol_at(one.load_base + start) or ""
        return ("" if " + " in name else name), False


class _EmulatedSearch(_Search):
    """The search for the users of a variable of emulated TLS: who calls the runtime with its control variable."""

    def _asks(self, path: str) -> bool:
        name = EMULATED_CONTROL + self._variable.linkage_name
        return any(controls_asked_for(self._program.target, path, [name]))

    def _note_unexplained(self, one: CodeObject, index: CodeIndex) -> None:
        pass

    def _accesses(self, index: CodeIndex, one: CodeObject) -> Iterator[tuple[Access, int]]:
        emulated = self._variable.module.emulated
        assert emulated
        direct = target_of(emulated.control - one.load_base)
        words = Words(self._program.target)
        for access in index.emulated():
            slot = access.target.slot
            is_it = access.target == direct
            if slot is not None:
                try:
                    is_it = words.read(one.load_base + slot) == emulated.control
                except UnreadableMemory:
                    self.undecided += 1
            is_open = access.kind == ADDRESS_TAKEN or not access.exact
            behind = self._last if is_open else access.offset + max(access.width, 1)
            if is_it and access.offset < self._last and behind > self._first:
                yield access, access.offset
