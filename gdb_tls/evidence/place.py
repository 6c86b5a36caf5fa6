"""Where code is, in the words of the source."""

from __future__ import annotations

from gdb_tls.tuples import NamedTuple


class Place(NamedTuple):
    """A place in the source, as far as it is known.

    Attributes:
        pc: the address.
        function: its name; empty where it is not known.
        file: the source file's last part; empty where it is not known.
        line: in that file.
        function_start: where the machine's function begins (inlined ones are part of it); None where that is not known.
    """

    pc: int
    function: str
    file: str
    line: int
    function_start: int | None = None
