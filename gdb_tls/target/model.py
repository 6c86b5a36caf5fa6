"""The words of the product as data: no behaviour beyond what follows from the fields.

Addresses and sizes are integers (bytes).  Nothing here is text for display, except
what the inspected program or its debug information itself calls a thing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from gdb_tls.elf.headers import TlsSegment
from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    from gdb_tls.elf.symbols import ElfSymbol


class State(str, enum.Enum):
    """What is known of one variable in one thread; exactly one holds."""

    SET = "set"
    NULL = "null"
    NO_VALUE = "no-value"
    UNALLOCATED = "unallocated"
    NOT_CONSTRUCTED = "not-constructed"
    DESTROYED = "destroyed"
    UNREADABLE = "unreadable"
    UNRESOLVED = "unresolved"


class Flag(str, enum.Enum):
    """What is remarkable about an instance; any number may hold."""

    SHARED = "shared"
    DANGLING = "dangling"
    EXITED = "exited"
    BEING_CREATED = "being-created"
    NOT_ATTACHED = "not-attached"
    CHANGING = "changing"
    ASSUMED_POINTER = "assumed-pointer"
    CONSTRUCTED = "constructed"


class Life(str, enum.Enum):
    """Where a thread is in its life, as far as the debugger and the C library know; the values are those of `Flag`."""

    LISTED = ""
    EXITED = "exited"
    BEING_CREATED = "being-created"
    NOT_ATTACHED = "not-attached"
    CHANGING = "changing"


class Thread(NamedTuple):
    """One thread of the inspected program.

    Attributes:
        num: GDB's number of the thread; None for one that GDB does not list.
        lwp: the kernel's id of the thread; None where it is not known (an ended thread).
        name: the thread's name, as bytes from the program would have it; may be empty.
        thread_pointer: the value from which its TLS is addressed; None where it is not known.
        life: whether the debugger lists it; else it has ended (but nobody has joined it, so its TLS is still there),
            the kernel has not made it yet, the debugger is not attached to it, or it came or went meanwhile.
        running: it is not stopped (non-stop mode), so its registers cannot be read.
        problem: why there is no thread pointer; empty where there is one.
    """

    num: int | None
    lwp: int | None
    name: str
    thread_pointer: int | None = None
    life: Life = Life.LISTED
    running: bool = False
    problem: str = ""

    @property
    def exited(self) -> bool:
        """Whether it has ended."""
        return self.life is Life.EXITED


class Emulated(NamedTuple):
    """A variable of emulated thread-local storage (-femulated-tls).

    Attributes:
        control: the address of its control variable, `__emutls_v.NAME`.
        symbol: its name and size, as if it were a symbol at offset 0.
    """

    control: int
    symbol: ElfSymbol


class Module(NamedTuple):
    """A loaded object that has thread-local storage; or one variable of emulated TLS of an object.

    Attributes:
        id: its index in the DTV.
        name: the last part of its file name.
        path: the file on this machine; None where it is missing.
        target_path: the file name that the program itself uses; may be empty.
        load_base: what is added to the file's addresses.
        generation: the DTV generation in which it came.
        static_offset: its distance from the thread pointer where it is in static TLS, else None.
        segment: its PT_TLS header; None where neither file nor memory has it.
        build_id: of the object in memory or, where that cannot be read, of the file; lower-case hex.
        problem: why `path` is None; empty where it is not.
        emulated: the variable; None for an object with TLS of the loader's.
        is_listed: whether the C library says so; else the id is by the order of loading, and the storage not known.
    """

    id: int
    name: str
    path: str | None
    target_path: str
    load_base: int
    generation: int
    static_offset: int | None
    segment: TlsSegment | None
    build_id: str | None = None
    problem: str = ""
    emulated: Emulated | None = None
    is_listed: bool = True

    @property
    def storage(self) -> str:
        """One of "static" (at a fixed distance from the thread pointer), "dynamic" (through the DTV) and "emulated".

        "unknown" is that of a module which the C library has not listed.
        """
        if self.emulated:
            return "emulated"
        if not self.is_listed and self.static_offset is None:
            return "unknown"
        return "dynamic" if self.static_offset is None else "static"

    @property
    def number(self) -> int | None:
        """The id; None for emulated TLS, which the loader gives none."""
        return None if self.emulated else self.id

    @property
    def object(self) -> tuple[str, int]:
        """The same for all modules of one loaded object."""
        return self.target_path, self.load_base

    @property
    def title(self) -> str:
        """What tables call it, above its variables."""
        return f"{self.name}  emulated" if self.emulated else f"module {self.id}  {self.name}"


class Kind(str, enum.Enum):
    """How the bytes of a type are to be read."""

    POINTER = "pointer"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    FLOAT = "float"
    CHARACTER = "character"
    ENUM = "enum"
    AGGREGATE = "aggregate"


class Counted(NamedTuple):
    """A structure that holds bytes by a pointer to them and their number.

    Attributes:
        pointer: the offset of the pointer.
        length: the offset of the number.
        length_size: of the number, in bytes.
    """

    pointer: int
    length: int
    length_size: int


class Container(NamedTuple):
    """The layout of a container of the C++ library, as far as it tells whether an object is in a valid state.

    Attributes:
        name: without namespaces and arguments: "vector", "deque", "string", "map", ...
        members: name -> offset, of words.
        element: the size of an element, in bytes; 0 where that does not matter.
    """

    name: str
    members: Mapping[str, int]
    element: int


class Storage(NamedTuple):
    """What Rust's std::thread_local! declares: a value, and a state that says whether it is there.

    Attributes:
        offset: of the value, in the variable.
        kind: "lazy" where the value is made when it is first used, "eager" where it is a constant until then.
        debugger_type: the debugger's own type of all of it, opaque here.
    """

    offset: int
    kind: str
    debugger_type: Any


class Presence(NamedTuple):
    """Bytes of an object that are all zero where it has no value, or of which the debugger says whether it has one.

    Attributes:
        offset: where they begin in the object.
        size: how many.
        option: the debugger's own type of them where they are Rust's Option, opaque here; None for others.
    """

    offset: int
    size: int
    option: Any = None


class Type(NamedTuple):
    """A variable's type, as far as the judgement of its value needs it.

    Attributes:
        name: as the programmer wrote it.
        kind: how to read the bytes.
        size: in bytes.
        is_signed: whether a character's or an integer's highest bit is a sign.
        owner: for a class that owns an object through one pointer (unique_ptr, shared_ptr), that pointer's offset;
            None for all others.
        witness: for a class of whose objects one pointer is never null once they are constructed (string, deque, map),
            that pointer's offset; None for all others.
        presence: for a class whose objects have a value or none (optional, function, any, Rust's Option in whatever
            cells): where they say which; None for all others.
        container: the layout of a container; None for all others.
        bits: of a bit-field, how many of the bits of its bytes come before it, and how many it has; else None.
        points_to: "character" or "function" where a pointer points to one; "printed" where it points to what the
            debugger shows as a text or by a pretty printer; else empty.
        counted: where in what a pointer points to a buffer and its length are; None for all others.
        enumerators: value -> name, for an enum.
        debugger_type: the debugger's own object, opaque here.
        language: the source language in which its values are written; empty where it is not known.
        storage: of a value of Rust's std::thread_local!: how the variable keeps it; None for all others.
        null: of a pointer to a member, the bytes with which a null one begins; empty for all others.
    """

    name: str
    kind: Kind
    size: int
    is_signed: bool = False
    owner: int | None = None
    witness: int | None = None
    presence: Presence | None = None
    container: Container | None = None
    bits: tuple[int, int] | None = None
    points_to: str = ""
    counted: Counted | None = None
    enumerators: Mapping[int, str] = {}
    debugger_type: Any = None
    language: str = ""
    storage: Storage | None = None
    null: bytes = b""

    @property
    def inside(self) -> int:
        """Where the value begins in its variable."""
        return self.storage.offset if self.storage else 0


class Bound(NamedTuple):
    """What an object says in memory of how many elements it has.

    Attributes:
        wanted: the element that is wanted.
        offset: of the number of elements, or of the pointer to the end of the last one.
        size: of the number or the pointer, in bytes.
        start: of the pointer to the first element, where `offset` is one to the end; None where it is a number.
        element: the size of an element, in bytes; 0 for what has one or none (optional).
    """

    wanted: int
    offset: int
    size: int
    start: int | None = None
    element: int = 1


class Lookup(NamedTuple):
    """An element that only the debugger's pretty printer finds.

    Attributes:
        holder: the debugger's own type of the container, opaque here.
        key: what is in the brackets, without quotes.
        witness: as in `Type`.
    """

    holder: Any
    key: str
    witness: int | None


class Step(NamedTuple):
    """One step of a path into a value: follow a pointer (or not), then add an offset.

    Attributes:
        pointer_offset: where in the object the pointer to follow is; None: stay in the object.
        offset: bytes to add afterwards.
        before: the expression up to this step, for the sentence about a null pointer.
        bound: how to see in each thread whether the element is there; None where that is known.
        lookup: what to ask the debugger for, instead of all of this; None for nothing.
    """

    pointer_offset: int | None
    offset: int
    before: str
    bound: Bound | None = None
    lookup: Lookup | None = None


class Path(NamedTuple):
    """A path into a value, such as `->str` or `.field[2]`.

    Attributes:
        text: as the user typed it.
        steps: how to walk it.
        type: the type of its end.
    """

    text: str
    steps: Sequence[Step]
    type: Type


class Variable(NamedTuple):
    """One thread-local variable of the program.

    Attributes:
        name: demangled.
        linkage_name: the symbol in the file.
        module: where it lives.
        offset: in the module's block.
        size: in bytes; 0 where the symbol does not say.
        type: None where no debug information describes it.
        exported: whether the dynamic loader can find it by name.
        is_static: whether its symbol is local to its source file.
        source: which symbols answered: "gdb" or "dwarf" with types, "symtab",
            "debug-file" or "dynsym" without; "offset" where none does.
        file: the source file that defines it; empty where it is not known.
        line: in that file; 0 where it is not known.
        initial: the value that a new thread's block starts with; None where it cannot be read.
        problem: why what is known of it could not be read; empty where it could.
        debugger_symbol: the debugger's own object, opaque here.
        is_helper: whether it is the compiler's own, beside a variable: a guard, a temporary.
        piece_of: the size of the object of which an optimiser has kept only this piece; 0 where it is whole.
    """

    name: str
    linkage_name: str
    module: Module
    offset: int
    size: int
    type: Type | None
    exported: bool
    source: str
    is_static: bool = False
    file: str = ""
    line: int = 0
    initial: bytes | None = None
    problem: str = ""
    debugger_symbol: Any = None
    is_helper: bool = False
    piece_of: int = 0


class Absence(NamedTuple):
    """Why there is no address, or no value behind it: never a 0 that stands for "unknown"."""

    state: State
    reason: str


Place = Union[int, Absence]
"""Where something is in one thread: its address, or why there is none."""


class Instance(NamedTuple):
    """One variable in one thread.

    Attributes:
        thread: the thread.
        state: exactly one.
        flags: any number, in the order of `Flag`.
        address: None where there is none.
        value: the pointer or the scalar; None for aggregates and where nothing was read.
        text: the value as a programmer writes it; empty where nothing was read.
        via: the resolver that gave the address.
        reason: why the state is not a value; None where it is one.
    """

    thread: Thread
    state: State
    flags: tuple[Flag, ...]
    address: int | None
    value: int | float | bool | None
    text: str
    via: str
    reason: str | None


class TargetInfo(NamedTuple):
    """What the program under inspection is.

    Attributes:
        kind: "live", "core" or "remote".
        pid: the process id; None where it is not known.
        executable: its path; None where it is not known.
        architecture: as in `gdb_tls.target.architectures`.
        libc: "glibc" or "musl".
        engine: what has read it: "gdb", or "direct" without a debugger.
    """

    kind: str
    pid: int | None
    executable: str | None
    architecture: str
    libc: str
    engine: str = "gdb"
