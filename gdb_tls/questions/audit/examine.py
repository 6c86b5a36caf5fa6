"""One variable after the other: what all rules say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from gdb_tls.errors import reason
from gdb_tls.program.memory_map import MemoryMap
from gdb_tls.program.survey import Column, Survey
from gdb_tls.questions.audit import numbers, tables
from gdb_tls.questions.audit.rules import RULES, Finding, Holding, holding_of, is_pointer_like
from gdb_tls.questions.audit.scene import ModuleScene, Threads
from gdb_tls.questions.audit.suspect import Suspect
from gdb_tls.questions.audit.weight import weigh
from gdb_tls.target.model import Kind, Variable

# A larger object that is all one pointer's owner (unique_ptr, shared_ptr, vector, string) is not larger.
LARGEST_OWNER = 64


class Examiner:
    """Applies the rules.

    Attributes:
        pointers: how many of the examined variables are pointers or own something.
        ended: the positions of the threads that have ended.
        order: the program's byte order.
    """

    def __init__(self, survey: Survey, threads: Threads, places: Mapping[int, ModuleScene]) -> None:
        """Examines nothing yet.

        Args:
            survey: the variables.
            threads: its threads.
            places: module id -> what is known of the module.
        """
        self.pointers = 0
        self.ended = {index for index, thread in enumerate(survey.threads) if thread.exited}
        order = survey.program.target.architecture.byte_order
        self.order: Literal["little", "big"] = "little" if order == "little" else "big"
        self._survey = survey
        self._threads = threads
        self._places = places
        self._ids = numbers.Ids(survey.threads, survey.program.target.pid)
        self._map = MemoryMap(survey, threads.main)
        self._held: tuple[Column, int, Holding] | None = None

    def examine(self, column: Column) -> Suspect | None:
        """Applies all rules to one variable; None where nothing is remarkable."""
        if column.is_helper:
            return None
        place = self._places[column.module.id]
        findings = self._of_all(column, place)
        findings.sort(key=lambda finding: -finding.score)
        weight = weigh(findings, place) if findings else 0
        return Suspect(column.variable, weight, findings, dict(Counter(column.states()))) if weight else None

    def _of_all(self, column: Column, place: ModuleScene) -> list[Finding]:
        of_presence, of_number = self._of_presence(column, place), self._of_number(column, place)
        # Where a class says whether there is a value, zero bytes say nothing; of a bool the starting value says more.
        tells = (of_presence or of_number) and column.judged_as[0].presence is not None
        of_values = of_presence if tells else of_number or of_presence
        return [*self._of_pointer(column, place), *of_values, *self._of_object(column, place)]

    def _of_object(self, column: Column, place: ModuleScene) -> list[Finding]:
        if place.is_libc or column.size < self._survey.pointer_size:
            return []
        return list(tables.of_object(self._survey, column, self._holding(column, 0)))

    def _of_presence(self, column: Column, place: ModuleScene) -> list[Finding]:
        """What is said of a bool, or of an object that has a value or none; nothing where the threads do not differ."""
        if place.is_libc or not place.is_described or len(column.different()) < 2:
            return []
        kind, left_out = column.judged_as[0], self.ended | column.dead
        if kind.presence is not None:
            have, words = column.have_values(), ("has a value", "has none")
        elif kind.kind is Kind.BOOLEAN:
            have, words = {index: any(raw) for index, raw in enumerate(column.raws()) if raw}, ("is true", "is false")
        else:
            return []
        living = {index: has for index, has in have.items() if index not in left_out}
        return list(numbers.findings_of_presence(living, self._survey.threads, self._threads.crashed, words))

    def _of_number(self, column: Column, place: ModuleScene) -> list[Finding]:
        """What the rules for numbers say of a variable, in the order of scores."""
        survey, crashed = self._survey, self._threads.crashed
        if place.is_libc:
            return []
        values = numbers.values_of(column, self.ended | column.dead, self.order == "little")
        # Before its type is known: most variables are found harmless without asking the debugger for it.
        assumed = values._replace(kind=Kind.INTEGER if column.size <= numbers.LONGEST_NUMBER else None)
        if not numbers.findings(assumed, self._ids, crashed):
            return []
        kind = column.variable.type
        if kind is None and column.size == survey.pointer_size:
            values = values._replace(kind=Kind.POINTER)
        elif kind is None:
            values = assumed
        else:
            values = values._replace(kind=kind.kind, is_signed=kind.is_signed)
        return numbers.findings(values, self._ids, crashed)

    def _of_pointer(self, column: Column, place: ModuleScene) -> list[Finding]:
        """What the rules for pointers say of a variable, the worst first; nothing where it is and has none."""
        size = self._survey.pointer_size
        if column.size != size and not (size < column.size <= LARGEST_OWNER and place.is_described):
            return []
        if column.size == size:
            # Before its type is known, see above.
            self.pointers += 1
            holding = self._holding(column, 0)
            if not self._findings(holding, place) and not self._tables(column, holding, 0, place):
                return []
        at = column.pointer_offset
        if at is None or at + size > column.size:
            self.pointers -= column.size == size
            return []
        self.pointers += column.size != size
        holding = self._holding(column, at)
        kind = column.judged_as[0]
        holding = holding_of(holding, kind, column.variable.type is not None)
        if column.variable.type is None and not is_pointer_like(holding):
            return []
        return [*self._findings(holding, place), *self._tables(column, holding, at, place)]

    def _tables(self, column: Column, holding: Holding, at: int, place: ModuleScene) -> list[Finding]:
        if place.is_libc or not place.is_described:
            return []
        return list(tables.of_values(self._survey, column, holding, at, place))

    def _findings(self, holding: Holding, place: ModuleScene) -> list[Finding]:
        found = [finding for rule in RULES for finding in rule(holding, place)]
        return sorted(found, key=lambda finding: -finding.score)

    def _holding(self, column: Column, at: int) -> Holding:
        """What the living threads hold at an offset in a variable; the last one is kept."""
        if self._held is None or self._held[:2] != (column, at):
            self._held = column, at, self._read(column, at)
        return self._held[2]

    def _read(self, column: Column, at: int) -> Holding:
        held = column.numbers(at)
        for index in self.ended | column.dead:
            held[index] = None
        values = [value for value in set(held) if value]
        return Holding(
            null=[index for index, value in enumerate(held) if value == 0] if 0 in held else [],
            pointers={index: value for index, value in enumerate(held) if value} if values else {},
            areas=dict(zip(values, self._map.areas(values))),
            bits=8 * self._survey.pointer_size,
        )

    def remarkable(self, variable: Variable) -> list[Finding]:
        """All findings about a variable, be they worth to be hints or not."""
        column = self._survey.column_of(variable)
        if column is None:
            return []
        place = self._places[column.module.id]
        pointers = self.pointers
        try:
            return self._of_all(column, place)
        except Exception as error:  # it only adds to what is known of the crash
            reason(error)
            return []
        finally:
            self.pointers = pointers
