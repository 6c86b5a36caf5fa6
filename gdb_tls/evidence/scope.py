"""One run of a function, in which values are followed."""

from __future__ import annotations

from collections.abc import Callable

from gdb_tls.code.state import State
from gdb_tls.evidence.code import Spot
from gdb_tls.evidence.sources import Source


class Scope:
    """One run of one function: a frame on the stack, or a call that has returned.

    Attributes:
        number: tells scopes apart.
        spot: a place in the function.
        argument: what a register of arguments held when the function began.
        state: what is known at the spot.
        frame: the number of the frame; None for a call that has returned.
    """

    def __init__(self, number: int, spot: Spot, argument: Callable[[str, int], Source | None]) -> None:
        """Follows nothing yet."""
        self.number = number
        self.spot = spot
        self.argument = argument
        self.state: State | None = None
        self.frame: int | None = None
