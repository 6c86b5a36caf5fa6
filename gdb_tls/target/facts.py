"""What a debugger tells: frames, mappings, files, faults, symbols, values of expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gdb_tls.target.model import Type
from gdb_tls.tuples import NamedTuple


class Frame(NamedTuple):
    """One frame of a thread's stack, innermost first.

    Attributes:
        function: its name; empty where it is not known.
        file: the source file's last part; empty where it is not known.
        line: in that file; 0 where it is not known.
        pc: the code address.
    """

    function: str
    file: str
    line: int
    pc: int


class CallFrame(NamedTuple):
    """One frame of a thread's stack as the machine has it: inlined functions are part of the one around them.

    Attributes:
        pc: the code address.
        registers: by name (`rax`, `x0`, `sp`), as far as the debugger can tell what they held in that frame.
        is_trampoline: whether it is the kernel's way into a signal handler: the next frame is what was interrupted.
        function: its name; empty where it is not known.
        file: the source file's last part at the innermost inlined call; empty where it is not known.
        line: in that file; 0 where it is not known.
    """

    pc: int
    registers: Mapping[str, int]
    is_trampoline: bool
    function: str
    file: str
    line: int


class Region(NamedTuple):
    """One mapped range of the program's memory.

    Attributes:
        start: its first address.
        end: the first address after it.
        writable: whether the program may write there.
        executable: whether it may run code there.
        file: the file that is mapped, or the kernel's name for it ("[stack]"); may be empty.
    """

    start: int
    end: int
    writable: bool
    executable: bool
    file: str


class FoundFile(NamedTuple):
    """A file that may be the one that the program has loaded.

    Attributes:
        path: its name on this machine.
        is_mapped: whether it is the very file that the kernel has mapped (True) or surely another one, of which
            only its build id can tell that it is the same build (False); None where that is not known.
        noted: its name in the memory map, where `path` is no name that says something (`/proc/PID/map_files/...`).
    """

    path: str
    is_mapped: bool | None = None
    noted: str = ""


# Addresses below this are an offset from null.
NEAR_NULL = 1 << 16


class Fault(NamedTuple):
    """The signal on which a program that went wrong has stopped.

    Attributes:
        num: the thread's number.
        signal: its name; empty where only the instruction is known.
        address: what address the instruction stumbled over; None where it is not known or was none.
        is_sent: whether a process sent it (kill, raise, abort), so that the instruction did nothing wrong.
    """

    num: int
    signal: str
    address: int | None
    is_sent: bool = False


class Part(NamedTuple):
    """The innermost part of a value that holds a given byte of it.

    Attributes:
        path: from the value to the part, such as `.stack[2].depth`; empty for the value itself.
        type: the part's type, as a programmer writes it.
        offset: of the byte in the part.
        padding: whether the byte is in a gap between the members of that part.
    """

    path: str
    type: str
    offset: int
    padding: bool


class PartInFrame(NamedTuple):
    """A variable that is a part of what a symbol names, as a member of a Fortran common block.

    Attributes:
        object_path: the file that the debugger has read.
        offset: in the block of that file's module.
        symbol: what it is.
    """

    object_path: str
    offset: int
    symbol: DebugSymbol


class DebugSymbol(NamedTuple):
    """What debug information says of a variable.

    Attributes:
        name: as a programmer writes it.
        type: its type.
        file: the source file's name; empty where it is not known.
        line: in that file; 0 where it is not known.
        symbol: the debugger's own object, for `Target.addresses_in`.
    """

    name: str
    type: Type | None
    file: str
    line: int
    symbol: Any


class OtherName(NamedTuple):
    """What a name is that is no thread-local variable which could be shown.

    Attributes:
        what: such as "a function".
        hint: the sentence that says what next.
        is_thread_local: whether it is, or may be, one in the source.
    """

    what: str
    hint: str
    is_thread_local: bool = False


# Whether it would have been a thread's own is not in the debug information that is left: so it is not denied.
LEFT_OUT = OtherName(
    "optimised out",
    "The debug information says of no place where it is: most likely the compiler has left it out.",
    is_thread_local=True,
)


class Given(NamedTuple):
    """What a placeholder in an expression stands for in one thread.

    Attributes:
        type: its type.
        address: where it is.
        raw: its bytes, where it is given by value; else None.
    """

    type: Type
    address: int
    raw: bytes | None


class Evaluated(NamedTuple):
    """The value of an expression.

    Attributes:
        type: its type.
        address: where it is in memory; None for one that was only worked out.
        raw: its bytes; None where they are to be read at the address, or it is no scalar.
        text: as the debugger prints it, where it is no scalar and nowhere in memory; else empty.
    """

    type: Type
    address: int | None
    raw: bytes | None
    text: str = ""
