"""What a crash is to be blamed on: the thread-local variable, or key, from which the bad value came."""

from __future__ import annotations

from gdb_tls.evidence.before import Asked, Written
from gdb_tls.evidence.now import Foreign
from gdb_tls.evidence.place import Place
from gdb_tls.evidence.published import Published
from gdb_tls.evidence.sources import Emulated, Specific, ThreadLocal
from gdb_tls.target.model import Module, Thread
from gdb_tls.tuples import NamedTuple

POINTER = 8  # of x86-64 and AArch64, whose code alone is read


class Cause(NamedTuple):
    """The variable to blame, and how the bad value came from it.

    Attributes:
        place: the variable (the module's id and an offset), or a key.
        module: the variable's module; None for a key.
        kind: "pointer" (it was followed), "index" (an address was computed from it), "call" (it was called),
            "condition" (the program gave up after it had compared it), "destructor" (a key's, which is not there),
            "instead" (it was null, and the code went on with a constant), "divisor" (something was divided by it),
            "freed" (its memory was given back a second time), "missing" (it has not what it was asked for), "ended"
            (its address in a thread that has ended was still known elsewhere), "jump" (longjmp was called with it).
        thread: who crashed.
        crashed: where.
        loaded: where the variable was read.
        address: what the thread stumbled over; None where it did not, or that is not known.
        path: the displacement at each pointer that was followed from the variable's value; empty where its own value
            was bad.
        width: how many bytes of it were read.
        value: what the variable holds in the thread now; None where it cannot be read.
        agrees: whether that is what the thread stumbled over.
        foreign: where the thread has the address of another thread's instance; None where it has none.
        after_handler: whether a signal handler ran after the crash.
        in_handler: whether it crashed in a signal handler.
        written: the last write of it by a function on the stack; None where none is sure.
        published: of an instance of an ended thread: what put its address into a global; None for another kind.
        asked: of a key's value that another function gave: with which address it was asked; None where none is known.
    """

    place: ThreadLocal | Emulated | Specific
    module: Module | None
    kind: str
    thread: Thread
    crashed: Place
    loaded: Place
    address: int | None
    path: tuple[int, ...]
    width: int
    value: int | None
    agrees: bool
    foreign: Foreign | None = None
    after_handler: bool = False
    in_handler: bool = False
    written: Written | None = None
    asked: Asked | None = None
    published: Published | None = None

    @property
    def is_of_own_value(self) -> bool:
        """Whether the variable's own value was bad: nothing was followed from it, or it is too short for a pointer.

        An index is followed, too, where what it leads to was read.
        """
        return self.published is None and (not self.path or (self.kind == "index" and self.width < POINTER))
