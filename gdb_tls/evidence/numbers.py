"""Numbers that the program still has: in registers, on the stack and in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.code.values import Value
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.scope import Scope
from gdb_tls.evidence.sources import Fixed, Held, Moved, Source, Word, alternatives
from gdb_tls.target.facts import CallFrame


class Numbers:
    """Finds what values of one thread come to."""

    def __init__(self, code: Code, frames: Sequence[CallFrame]) -> None:
        """Reads nothing yet.

        Args:
            code: the program's.
            frames: the thread's, by whose numbers scopes know theirs.
        """
        self._code = code
        self._frames = frames

    def held(self, value: Value, scope: Scope) -> Source | None:
        """The number that a value is, where a register or a slot of the frame still has it."""
        if scope.frame is None or scope.state is None:
            return None
        frame = self._frames[scope.frame]
        is_innermost = scope.frame == 0 or self._frames[scope.frame - 1].is_trampoline
        for name, other in scope.state.registers.items():
            # A function that was called has put its own values into all but the preserved registers.
            is_kept = is_innermost or name in scope.spot.file_index.convention.preserved
            if other == value and is_kept and name in frame.registers:
                return Held(frame.registers[name])
        entry = self._entry_stack_pointer(scope.frame)
        for (base, offset), (other, width) in scope.state.stack.items():
            if other == value and base == "entry" and entry is not None:
                number = self._code.word(entry + offset, width)
                return None if number is None else Held(number)
        return None

    def _entry_stack_pointer(self, number: int) -> int | None:
        """The stack pointer at the first instruction of a frame's function: below the return address."""
        older = self._frames[number + 1] if number + 1 < len(self._frames) else None
        pointer = older.registers.get("sp") if older else None
        return None if pointer is None else pointer - (0 if "x30" in self._frames[number].registers else 8)

    def of(self, source: Source | None) -> int | None:
        """A number that the program has kept somewhere, as it is now."""
        if isinstance(source, Fixed):
            return source.address
        if isinstance(source, Held):
            return source.number
        if isinstance(source, Moved):
            inner = self.of(source.source)
            return None if inner is None else (inner + source.offset) % (1 << 64)
        if isinstance(source, Word):
            address = self.of(source.address)
            return self._code.word(address, source.width) if address else None
        return None

    def of_key(self, source: Source | None) -> int | None:
        """The number of a pthread key.

        Where it is made at first use, one of the ways to it is a call whose result nobody can follow: what it made is
        where the others look for it.
        """
        numbers = {self.of(one) for one in alternatives(source)} - {None}
        return numbers.pop() if len(numbers) == 1 else None
