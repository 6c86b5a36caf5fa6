"""A target without a debugger: memory in a dict of pages, and answers that the test chooses."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile

from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import BadArgument, BadPath, ResolverUnavailable
from gdb_tls.target import architectures as arch
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.facts import CallFrame, DebugSymbol, FoundFile, Frame, OtherName, PartInFrame, Region
from gdb_tls.target.model import Kind, Path, Step, Thread, Type, Variable
from gdb_tls.target.protocol import Answers, CallFailed, UnreadableMemory

PAGE = 4096
# No reader may ask for more at once: GDB itself ends with an internal error when it gets no memory for it.
LARGEST_READ = 1 << 26


def architecture(name: str) -> Architecture:
    """A row of the product's table by its name."""
    return next(row for row in arch.ARCHITECTURES if row.name == name)


class FakeMemory:
    """Pages by number.  A page may be mapped and yet not readable, as one that a core leaves out."""

    def __init__(self, pointer_size: int = 8, byte_order: str = "little") -> None:
        self.pages: dict[int, bytearray] = {}
        self.left_out: set[int] = set()
        self.reads = 0
        self.most_reads = 0
        self.changing: set[int] = set()
        self._word = ("<" if byte_order == "little" else ">") + ("Q" if pointer_size == 8 else "I")
        self._size = pointer_size

    def map(self, address: int, size: int) -> None:
        """Maps the pages of a range, filled with zeros where they are new."""
        for page in range(address // PAGE, (address + size - 1) // PAGE + 1):
            self.pages.setdefault(page, bytearray(PAGE))

    def unmap(self, address: int, size: int = 1) -> None:
        """Takes the pages of a range away."""
        for page in range(address // PAGE, (address + size - 1) // PAGE + 1):
            self.pages.pop(page, None)

    def leave_out(self, address: int, size: int = 1) -> None:
        """Makes the pages unreadable, though the program had them."""
        self.left_out.update(range(address // PAGE, (address + size - 1) // PAGE + 1))

    def write(self, address: int, data: bytes) -> None:
        """Writes; the pages must be mapped."""
        for at, byte in enumerate(data, address):
            self.pages[at // PAGE][at % PAGE] = byte

    def put(self, address: int, *words: int) -> None:
        """Writes adjacent words."""
        mask = (1 << 8 * self._size) - 1
        self.write(address, b"".join(struct.pack(self._word, word & mask) for word in words))

    def word(self, address: int) -> int:
        """Reads one word."""
        return int(struct.unpack(self._word, self.read(address, self._size))[0])

    def read(self, address: int, size: int) -> bytes:
        assert size <= LARGEST_READ, f"a read of {size} bytes at 0x{address:x}"
        self.reads += 1
        assert not self.most_reads or self.reads <= self.most_reads, "a walk that does not end"
        found = b""
        while len(found) < size:
            at = address + len(found)
            page = at // PAGE
            if at < 0 or page not in self.pages or page in self.left_out:
                raise UnreadableMemory(address)
            found += bytes(self.pages[page][at % PAGE : at % PAGE + size - len(found)])
        return found

    def read_many(self, addresses: Sequence[int], size: int) -> list[bytes | None]:
        found: list[bytes | None] = []
        for address in addresses:
            try:
                found.append(self.read(address, size))
            except UnreadableMemory:
                found.append(None)
        return found

    def read_ahead(self, addresses: Sequence[int], size: int) -> list[bytes]:
        return list(takewhile(lambda raw: raw is not None, self.read_many(addresses, size)))

    def expect(self, addresses: Sequence[int], size: int) -> None:
        pass

    def are_mapped(self, addresses: Sequence[int]) -> list[bool]:
        return [address // PAGE in self.pages for address in addresses]


POINTER = Type("char *", Kind.POINTER, 8, points_to="character", debugger_type="char *")
VOID_POINTER = Type("void *", Kind.POINTER, 8, debugger_type="void *")
INTEGER = Type("int", Kind.INTEGER, 4, is_signed=True, debugger_type="int")


class FakeDebug:
    """The debugger's knowledge, as tables that the test fills.

    Attributes:
        declared: linkage name -> what describes it; (linkage name, source file) for namesakes.
        demangled: linkage name -> name.
        source: see `DebugInformation`.
        local: function -> its thread-local variables and their offsets.
        seen: what the selected frame means by a name.
        others: names that are something else than a thread-local variable.
        types: text -> type.
        members: "TYPE->member", "TYPE.member" or "TYPE[]" -> (offset or element size, type there).
        debug_files: object file -> separate debug file.
        directories: where separate debug files are.
    """

    source = "gdb"

    def __init__(self) -> None:
        self.declared: dict[str | tuple[str, str], DebugSymbol] = {}
        self.demangled: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.seen: dict[str, DebugSymbol] = {}
        self.parts: dict[str, PartInFrame] = {}
        self.others: dict[str, str] = {}
        self.types: dict[str, Type] = {"char *": POINTER, "void *": VOID_POINTER, "int": INTEGER}
        self.members: dict[str, tuple[int, Type]] = {}
        self.debug_files: dict[str, str] = {}
        self.directories: list[str] = []

    def describe(self, symbol: ElfSymbol, name: str, object_path: str) -> DebugSymbol | None:
        return self.declared.get((symbol.name, symbol.file)) or self.declared.get(symbol.name)

    def function_of(self, symbol: ElfSymbol, object_path: str) -> str:
        return self.functions.get(symbol.name, "")

    def in_frame(self, name: str) -> DebugSymbol | None:
        return self.seen.get(name)

    def part_in_frame(self, name: str) -> PartInFrame | None:
        return self.parts.get(name)

    def is_local(self, name: str) -> bool:
        return False

    def what_is(self, name: str) -> OtherName | None:
        return OtherName(self.others[name], "Its hint.") if name in self.others else None

    def demangle(self, names: Sequence[str]) -> list[str]:
        return [self.demangled.get(name, name) for name in names]

    def parse_type(self, text: str) -> Type:
        if text not in self.types:
            raise BadArgument(f"--type {text} is not a type that GDB knows")
        return self.types[text]

    def parse_path(self, root: str, start: Type, text: str) -> Path:
        steps: list[Step] = []
        current, done = start, root
        for piece in re.findall(r"->\w+|\.\w+|\[\d+\]", text):
            index = int(piece[1:-1]) if piece[0] == "[" else 1
            known = self.members.get(current.name + ("[]" if piece[0] == "[" else piece))
            if known is None:
                raise BadPath(f"{done} has no {piece}")
            follows = piece.startswith("->") or (piece[0] == "[" and current.kind is Kind.POINTER)
            steps.append(Step((current.owner or 0) if follows else None, known[0] * index, done))
            current, done = known[1], done + piece
        return Path(text, tuple(steps), current)

    def separate_debug_file(self, object_path: str) -> str | None:
        return self.debug_files.get(object_path)

    def debug_directories(self) -> Sequence[str]:
        return self.directories


class FakeCalls:
    """Calls of functions that are Python here; keeps a record of what was called where.

    Attributes:
        functions: address -> what it does with (thread, data, arguments).
        log: (thread number, function address, data, arguments).
        entered, left: how often the context was.
    """

    def __init__(self) -> None:
        self.functions: dict[int, object] = {}
        self.log: list[tuple[int | None, int, bytes, tuple[int | None, ...]]] = []
        self.entered = 0
        self.left = 0

    def __enter__(self) -> FakeCalls:
        self.entered += 1
        return self

    def __exit__(self, *exception: object) -> None:
        self.left += 1

    def call(self, thread: Thread, function: int, data: bytes, arguments: Sequence[int | None]) -> int:
        assert self.entered == self.left + 1, "a call outside of the context"
        self.log.append((thread.num, function, data, tuple(arguments)))
        answer = self.functions[function](thread, data)  # type: ignore[operator]
        if isinstance(answer, str):
            raise CallFailed(answer)
        assert isinstance(answer, int)
        return answer


class FakeTarget:
    """Implements `gdb_tls.target.Target`."""

    def __init__(self, row: Architecture, kind: str = "core") -> None:
        self.architecture = row
        self.kind = kind
        self.engine = "gdb"
        self.outer: dict[int, int] = {}
        self.most_characters = 40
        self.pid: int | None = None
        self.executable: str | None = None
        self.core_file: str | None = None
        self.memory = FakeMemory(row.pointer_size, row.byte_order)
        self.debug = FakeDebug()
        self.listed: list[Thread] = []
        self.thread_names: dict[int | None, str] = {}
        self.selected: int | None = None
        self.registers: dict[int | None, int] = {}
        self.vector: dict[int, int] = {}
        self.known_files: dict[str, str] = {}
        self.mapped: dict[str, bool] = {}
        self.mappings: list[Region] = []
        self.expressions: dict[str, int] = {}
        self.stacks: dict[int | None, list[Frame]] = {}
        self.call_stacks: dict[int | None, list[CallFrame]] = {}
        self.native: dict[int | None, int | str | Callable[[Variable], int | str]] = {}
        self.asked_variables: list[str] = []
        self.searched: set[str] = set()
        self.interrupted_at: set[int | None] = set()
        self.names: dict[int, str] = {}
        self.lines: dict[int, tuple[str, int]] = {}
        self.made_calls = FakeCalls()
        self.refuses_calls = ""
        self.asked_registers: list[int | None] = []

    def threads(self, thread_pointers: Mapping[int, int] = {}) -> list[Thread]:
        return [one._replace(name="", thread_pointer=thread_pointers.get(one.lwp or 0)) for one in self.listed]

    def name_of(self, thread: Thread) -> str:
        return self.thread_names.get(thread.num, "")

    def selected_thread(self) -> int | None:
        return self.selected

    def thread_pointer(self, thread: Thread) -> int | None:
        self.asked_registers.append(thread.num)
        return self.registers.get(thread.num)

    def stack_pointer(self, thread: Thread) -> int | None:
        return None

    def outer_ids(self) -> Mapping[int, int]:
        return self.outer

    def is_steady(self, pointer: int, lwp: int) -> bool:
        return True

    @property
    def gaps(self) -> str:
        return ""

    def has_task(self, lwp: int) -> bool:
        return False

    def auxiliary_vector(self) -> Mapping[int, int]:
        return self.vector

    def files(self) -> Sequence[str]:
        return list(self.known_files.values())

    def files_for(self, target_path: str, address: int, build_id: str | None = None) -> Iterator[FoundFile]:
        path = self.known_files.get(target_path) if target_path else self.executable
        if path:
            yield FoundFile(path, self.mapped.get(path))

    def regions(self) -> Sequence[Region]:
        return self.mappings

    def evaluate(self, expression: str) -> int:
        if expression not in self.expressions:
            raise BadArgument(f'No symbol "{expression}" in current context')
        return self.expressions[expression]

    def frames(self, thread: Thread, most: int, until: Callable[[Frame], bool] | None = None) -> list[Frame]:
        found = self.stacks.get(thread.num, [])[:most]
        last = next((at for at, frame in enumerate(found) if until and until(frame)), most)
        return found[: last + 1]

    def frames_of_many(
        self, threads: Sequence[Thread], most: int, until: Callable[[Frame], bool] | None = None
    ) -> Iterator[list[Frame] | Exception]:
        return (self.frames(thread, most, until) for thread in threads)

    def call_frames(self, thread: Thread, most: int) -> list[CallFrame]:
        return self.call_stacks.get(thread.num, [])[:most]

    def format_value(self, kind: Type, address: int) -> str:
        return f"{{{kind.name} {self.memory.read(address, kind.size).hex()}}}"

    def symbol_at(self, address: int) -> str | None:
        return self.names.get(address)

    def line_at(self, address: int) -> tuple[str, int]:
        return self.lines.get(address, ("", 0))

    def addresses_in(self, threads: Sequence[Thread], variables: Sequence[Variable]) -> Answers:
        for thread in threads:
            if thread.num in self.interrupted_at:
                raise KeyboardInterrupt
            said = self.native.get(thread.num, "Cannot find thread-local storage")
            self.asked_variables += [variable.name for variable in variables]
            yield [said(variable) if callable(said) else said for variable in variables]

    def searches_for(self, variable: Variable) -> bool:
        return variable.name in self.searched

    def calls(self) -> FakeCalls:
        if self.refuses_calls:
            raise ResolverUnavailable(self.refuses_calls)
        return self.made_calls
