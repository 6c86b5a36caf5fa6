"""A variable, or a key, that looks wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gdb_tls.questions.audit.ignored import is_ignored
from gdb_tls.questions.audit.loading import RULE as NOT_LOADED
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.audit.weight import ALARM
from gdb_tls.target.model import State, Variable

HIGHEST = 100


@dataclass(frozen=True)
class Suspect:
    """A variable that looks wrong.

    Attributes:
        variable: which.
        weight: how wrong; not limited, for the ranking.
        findings: why, the worst first; the threads are positions in `Audit.threads`.
        states: how many threads have it in which state.
        is_proven: whether the code or the crash speaks against it, not only the pattern of its values.
        key: of a pthread key, its number; then there is no variable.
        other_name: what it is called where there is no variable.
    """

    variable: Variable | None
    weight: int
    findings: Sequence[Finding]
    states: dict[State, int]
    is_proven: bool = False
    key: int | None = None
    other_name: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.variable.name if self.variable else self.other_name

    def is_called(self, patterns: Sequence[str]) -> bool:
        """Whether one of the patterns of what is ignored means it."""
        number = "" if self.key is None else f"pthread key {self.key}"
        module = self.variable.module.name if self.variable else ""
        return any(is_ignored(patterns, one, module) for one in (self.name, number) if one)

    @property
    def score(self) -> int:
        """How wrong it looks, 0 to 100: what only the pattern of its values speaks for is no alarm."""
        return min(self.weight, HIGHEST if self.is_proven else ALARM - 1)

    @property
    def level(self) -> str:
        """What the score means, in a word or two."""
        if self.findings and self.findings[0].rule == "cause":
            return "the cause of the crash"
        if self.findings and self.findings[0].rule == NOT_LOADED:
            return "not loaded"
        return "likely wrong" if self.is_alarming else "hint"

    @property
    def is_alarming(self) -> bool:
        """Whether it is worth the attention of somebody who has not asked for everything."""
        return self.score >= ALARM

    def is_same(self, other: Suspect) -> bool:
        """Whether two suspects are one variable, or one key."""
        return self.is_of(other.variable) or (self.key is not None and self.key == other.key)

    def is_of(self, variable: Variable | None) -> bool:
        """Whether it is this variable."""
        if self.variable is None or variable is None:
            return False
        return (self.variable.module.id, self.variable.offset) == (variable.module.id, variable.offset)
