"""The machine code of the program: which file's code lies at an address, and what a call leads to."""

from __future__ import annotations

from contextlib import suppress

from gdb_tls.code.flow import FunctionFlow
from gdb_tls.code.index import CodeIndex, code_index
from gdb_tls.code.instructions import Instruction, Register
from gdb_tls.code.state import State
from gdb_tls.code.values import Loaded, Number
from gdb_tls.elf.file import NotElf
from gdb_tls.errors import UnsupportedTarget
from gdb_tls.objects.loaded import LoadedObject
from gdb_tls.program.program import Program
from gdb_tls.target.protocol import UnreadableMemory
from gdb_tls.tuples import NamedTuple

# Stubs that jump to stubs.
MOST_JUMPS = 4


class Spot(NamedTuple):
    """A place in the code of a loaded object.

    Attributes:
        file_index: the index of its file.
        base: what is added to the file's addresses.
        address: as the file is linked.
        loaded: the object.
    """

    file_index: CodeIndex
    base: int
    address: int
    loaded: LoadedObject

    @property
    def pc(self) -> int:
        """The address in the process."""
        return self.base + self.address

    @property
    def flow(self) -> FunctionFlow | None:
        """The data flow of the function around it."""
        return self.file_index.flow(self.address)

    @property
    def function(self) -> int | None:
        """Where its function begins, in the process; None where no table knows."""
        start = self.file_index.function_of(self.address)
        return None if start is None else self.base + start

    def moved(self, address: int) -> Spot:
        """Another place of the same file, as it is linked."""
        return self._replace(address=address)


class Code:
    """Finds code by its address in the process.

    Attributes:
        objects: what is loaded.
        problem: why code could not be read that was asked for; empty where all could.
    """

    def __init__(self, program: Program) -> None:
        """Reads nothing yet."""
        self.objects = program.objects
        self._program = program
        self._indices: dict[str, CodeIndex | None] = {}
        self.problem = ""

    def at(self, pc: int) -> Spot | None:
        """The code at an address of the process; None where there is none, or it cannot be read."""
        loaded = self.objects.at(pc)
        index = self.index_of(loaded) if loaded else None
        return Spot(index, loaded.load_base, pc - loaded.load_base, loaded) if loaded and index else None

    def index_of(self, loaded: LoadedObject) -> CodeIndex | None:
        """The index of an object's file; None where it is missing, or its code cannot be read."""
        if loaded.path is None:
            return None
        if loaded.path not in self._indices:
            self._indices[loaded.path] = None
            try:
                self._indices[loaded.path] = code_index(loaded.path)
            except (UnsupportedTarget, NotElf) as error:
                self.problem = self.problem or str(error)
        return self._indices[loaded.path]

    def is_one_of(self, pc: int, names: frozenset[str]) -> bool:
        """Whether a function that the linker knows by one of the names begins at an address."""
        spot = self.at(pc)
        found = spot.file_index.file.symbols(names).values() if spot else ()
        return any(spot is not None and symbol.value == spot.address for symbol in found)

    def name_at(self, pc: int) -> str:
        """The linker's name, one of them, of the function that begins at an address; empty where it has none."""
        spot = self.at(pc)
        symbol = spot.file_index.file.function_at(spot.address) if spot else None
        return symbol.name if symbol and spot and symbol.value == spot.address else ""

    def bound_by_loader(self, address: int) -> int | None:
        """The address of the symbol that the dynamic linker has put into a GOT entry; None where none is there."""
        loaded = self.objects.at(address)
        index = self.index_of(loaded) if loaded else None
        if loaded is None or index is None or index.stubs.name(address - loaded.load_base) is None:
            return None
        return self.word(address)

    def call_at(self, spot: Spot, address: int) -> tuple[State, int | None] | None:
        """What is known before a call, and where it goes (see `callee`); None where nothing is.

        Args:
            spot: a place in the function that calls.
            address: of the call, as the file is linked.
        """
        flow = spot.flow
        call, state = (flow.at(address), flow.before(address)) if flow else (None, None)
        return (state, self.callee(spot.moved(address), call, state)) if call and state else None

    def calls_one_of(self, spot: Spot, address: int, names: frozenset[str]) -> bool:
        """Whether a call is of a function that the linker, or the caller's file, knows by one of the names.

        What an indirect function (STT_GNU_IFUNC) was bound to, such as a strcmp for this processor, may have no name.

        Args:
            spot: a place in the function that calls.
            address: of the call, as the file is linked.
            names: the linker's.
        """
        flow = spot.flow
        call = flow.at(address) if flow else None
        if call is None:
            return False
        if call.callee is not None and spot.file_index.stubs.name(call.callee) in names:
            return True
        _, called = self.call_at(spot, address) or (None, None)
        return called is not None and self.is_one_of(called, names)

    def callee(self, spot: Spot, instruction: Instruction, state: State | None) -> int | None:
        """Where a call or a jump goes, through the stubs of the PLT; None where the code does not say."""
        target = instruction.goes_to
        pc = spot.base + target if target is not None else self._by_pointer(spot, instruction, state)
        for _ in range(MOST_JUMPS):
            there = self.at(pc) if pc is not None else None
            slot = there.file_index.jump_slot(there.address) if there else None
            if there is None or slot is None:
                break
            pc = self.word(there.base + slot)
        return pc

    def _by_pointer(self, spot: Spot, instruction: Instruction, state: State | None) -> int | None:
        """The function to which a pointer in a fixed place leads."""
        if instruction.goes_through is not None:
            return self.word(spot.base + instruction.goes_through)
        target = instruction.template.target
        value = state.registers.get(target.name) if state and isinstance(target, Register) else None
        if isinstance(value, Loaded) and isinstance(value.address, Number):
            return self.word(spot.base + value.address.number)
        return spot.base + value.number if isinstance(value, Number) else None

    def word(self, address: int, size: int = 8) -> int | None:
        """A number in the program's memory; None where it cannot be read."""
        with suppress(UnreadableMemory):
            return int.from_bytes(self._program.target.memory.read(address % (1 << 64), size), "little")
        return None
