"""The thread-local variables in an expression, found in every thread before the debugger evaluates it.

What is a number or a pointer is read here, for all threads at once, and given to the debugger as a value: of a large
core it reads memory slowly.  So is the end of a path, such as `request->id`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from gdb_tls.errors import TlsError
from gdb_tls.program.expression_text import Name, names, replaced
from gdb_tls.program.program import Program
from gdb_tls.program.resolve.passive import Passive
from gdb_tls.program.symbols import Symbols
from gdb_tls.program.value import untyped
from gdb_tls.program.walk import follow
from gdb_tls.target.facts import Given
from gdb_tls.target.model import Absence, Kind, Path, Place, Thread, Type, Variable
from gdb_tls.tuples import NamedTuple

STEP = re.compile(r"""\s*(?:(?:->|\.)\s*[A-Za-z_]\w*(?!\w|\s*[(<]|::)|\[\s*(?:\d+|0x[0-9a-fA-F]+|"[^"]*")\s*\])""")


class Operand(NamedTuple):
    """A variable of an expression, or the end of a path into one, in every thread.

    Attributes:
        type: its type.
        places: its addresses.
        raws: its bytes, where it is given by value; else None.
    """

    type: Type
    places: Sequence[Place]
    raws: Sequence[bytes | None] | None

    def given(self, at: int) -> Given | None:
        """What the debugger is given for a thread; None where the thread has none."""
        place = self.places[at]
        raw = self.raws[at] if self.raws is not None else b""
        return Given(self.type, place, raw or None) if isinstance(place, int) and raw is not None else None

    def absence(self, at: int) -> Absence | None:
        """Why a thread has none; None where it has one, or its memory cannot be read."""
        place = self.places[at]
        return place if isinstance(place, Absence) else None


class Prepared(NamedTuple):
    """An expression in which placeholders stand for the operands."""

    text: str
    operands: Sequence[Operand]


class _Use(NamedTuple):
    """A variable where it is used: what is replaced, and by what."""

    word: Name
    variable: Variable
    path: Path | None
    by_value: bool


class Operands:
    """Finds the operands of expressions in some threads."""

    def __init__(
        self,
        program: Program,
        symbols: Symbols,
        threads: Sequence[Thread],
        placeholder: Callable[[int, bool], str],
    ) -> None:
        """Takes the threads, and what makes the placeholder for an operand's position and how it is given."""
        self._program = program
        self._symbols = symbols
        self._threads = threads
        self._placeholder = placeholder

    def prepare(self, expression: str, with_paths: bool) -> Prepared:
        """Replaces the names of thread-local variables.

        Args:
            expression: as it was typed.
            with_paths: whether the path after a name is followed here, too.

        Raises:
            AmbiguousName: where a name may mean several variables.
        """
        uses = list(self._uses(expression, with_paths))
        keys = [(one.variable.module.id, one.variable.offset, one.path and one.path.text, one.by_value) for one in uses]
        order = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        operands = [self._operand(uses[keys.index(key)]) for key in order]
        text = replaced(
            expression,
            [one.word for one in uses],
            lambda index: self._placeholder(order[keys[index]], uses[index].by_value),
        )
        return Prepared(text, operands)

    def _uses(self, expression: str, with_paths: bool) -> Sequence[_Use]:
        found: list[_Use] = []
        for word in names(expression):
            if found and word.start < found[-1].word.end:
                continue  # in the brackets of a path
            meaning = self._symbols.meaning(word.text)
            if meaning is None:
                continue
            variable = meaning.variable
            path, end = self._path(variable, expression, word.end) if with_paths else (None, word.end)
            kind = path.type if path else self._type(variable)
            by_address = bool(re.search(r"&[\s(]*$", expression[: word.start])) or kind.kind is Kind.AGGREGATE
            found.append(_Use(word._replace(end=end), variable, path, not by_address))
        return found

    def _path(self, variable: Variable, expression: str, start: int) -> tuple[Path | None, int]:
        """The longest path after a name that can be followed here, and where it ends."""
        ends = []
        end = start
        while match := STEP.match(expression, end):
            end = match.end()
            ends.append(end)
        for end in reversed(ends):
            try:
                path = self._program.target.debug.parse_path(
                    variable.name, self._type(variable), expression[start:end].strip()
                )
            except TlsError:
                continue
            if path.type.bits is None:  # a bit-field has no address
                return path, end
        return None, start

    def _type(self, variable: Variable) -> Type:
        size = self._program.target.architecture.pointer_size
        return variable.type or untyped(variable.size, size, variable.linkage_name)[0]

    def _operand(self, use: _Use) -> Operand:
        target = self._program.target
        places = Passive(self._program).resolve(use.variable, self._threads)
        kind = self._type(use.variable)
        for index, (place, life) in enumerate(zip(places, self._program.lives(use.variable, self._threads) or ())):
            if life is not None and life.state is not None and isinstance(place, int):
                places[index] = Absence(life.state, life.reason or "")
        if kind.inside:
            places = [place + kind.inside if isinstance(place, int) else place for place in places]
        if use.path:
            places, kind = follow(target, use.path, places), use.path.type
        raws: list[bytes | None] | None = None
        if use.by_value:
            known = iter(target.memory.read_many([place for place in places if isinstance(place, int)], kind.size))
            raws = [next(known) if isinstance(place, int) else None for place in places]
        return Operand(kind, places, raws)
