"""One audit's tools, and what the crash and the code say of variables beyond their values."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from gdb_tls.errors import TlsError, reason
from gdb_tls.evidence.cause import Cause
from gdb_tls.evidence.investigation import Investigation
from gdb_tls.evidence.sources import Specific
from gdb_tls.program.lookup import Found
from gdb_tls.program.survey import Column, Survey
from gdb_tls.questions.access.answer import access
from gdb_tls.questions.access.sentence import who_uses_it
from gdb_tls.questions.audit import cause as words
from gdb_tls.questions.audit import lives, numbers, tables
from gdb_tls.questions.audit.circumstances import Circumstances
from gdb_tls.questions.audit.copies import copies
from gdb_tls.questions.audit.destructors import when_ending
from gdb_tls.questions.audit.examine import Examiner
from gdb_tls.questions.audit.keys import Keys
from gdb_tls.questions.audit.lives import used_when_destroyed
from gdb_tls.questions.audit.risk import Risks, Standing
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.audit.scene import ModuleScene, Threads
from gdb_tls.questions.audit.suspect import HIGHEST, Suspect
from gdb_tls.target.model import Module, State, Variable

# Of these the code may say that they are more than a pattern.
NULL_PATTERNS = ("set-in-main", "null-in-minority")
# What the pattern of its values adds to what the crash says of a variable.
ADDED = ("shared", "dangling", "other-stack", "other-block", "freed", "dead-stack", tables.RULE, *numbers.RULES)


class Auditor:
    """Knows what all the rules need, and makes suspects of what is found by more than the values of one variable.

    Attributes:
        threads: what is known of the threads.
        examiner: looks at one variable after the other.
        was_killed: whether the program was ended from outside, as far as `cause` found.
        computed: the address on which the thread crashed, where only its registers tell it; None before `cause`.
    """

    def __init__(self, survey: Survey) -> None:
        """Reads nothing of the variables yet."""
        self.threads = Threads(survey)
        self.was_killed = False
        self.computed: int | None = None
        self._survey = survey
        self._places = {module.id: ModuleScene(self.threads, survey, module) for module in survey.modules}
        self.examiner = Examiner(survey, self.threads, self._places)

    def cause(self) -> tuple[Cause | None, str]:
        """The variable that the crash came from, or what is known instead; neither where there was no crash."""
        scene = self.threads
        if scene.stop is None or scene.crashed is None:
            return None, ""
        program = self._survey.program
        investigation = Investigation(program, self._survey.threads[scene.crashed], scene.stop)
        try:
            found = investigation.find()
        except TlsError as error:
            return None, f"Where the bad value came from is not known: {error}."
        self.computed = investigation.computed
        self.was_killed = scene.stop.is_sent and found is None and not investigation.gave_up
        if isinstance(found, Cause):
            module = found.module
            if module is not None and module.id in self._places and self._places[module.id].is_libc:
                # Its own lists are wrong where the program has written over them; to compare them tells nothing.
                return None, "" if found.kind == "condition" else words.in_libc(
                    found, words.guilty(program, found.place, found.width).name
                )
            return found, ""
        return None, words.elsewhere(found, program) if found else ""

    def accuse(self, cause: Cause) -> Suspect:
        """The suspect that a crash came from."""
        scene, survey = self.threads, self._survey
        found = words.guilty(survey.program, cause.place, cause.width)
        name = self.keys.title(cause.place) if isinstance(cause.place, Specific) else found.name
        crashed = scene.crashed
        assert crashed is not None
        around = Circumstances(survey, scene, cause, found)
        cause = cause._replace(crashed=around.crashed(), loaded=around.named(cause.loaded))
        part = around.part()
        member = around.member()
        sentences = [
            words.chain(cause, found, member, around.caller()),
            *words.remarks(cause, found, part),
            *around.remarks(),
        ]
        scene_of = self._places.get(cause.module.id) if cause.module else None
        table = tables.of_crash(survey, cause, member, scene_of) if scene_of else ""
        sentences += [table] if table else []
        try:
            told = list(lives.remarks(survey, crashed, found.variable)) if found.variable else []
            sentences += [*told, *when_ending(survey, crashed, None if told else found.variable)]
        except Exception as error:  # it only adds to what is known of the crash
            reason(error)
        states: dict[State, int] = {}
        if isinstance(cause.place, Specific) and cause.kind != "destructor":
            sentences += self.keys.about(cause.place, cause.thread)
        if found.variable is not None:
            held = self._words_of(found.variable, found.inside, cause.width)
            sentences += self._users(found.variable, cause)
            known = self.examiner.remarkable(found.variable)
            is_said = any(one.rule in numbers.RULES for one in known)
            zero, what = words.zero_word(cause, found, part), words.its_member(part) or "It"
            is_said = is_said or cause.kind == "missing"
            if cause.is_of_own_value and not is_said:
                having = words.who_has_it(survey, held, crashed, scene.main, zero, what)
                began = "" if having else self._as_it_began(found, held, cause)
                sentences += filter(None, (having, around.who_began(held) if having else "", began))
            states = dict(Counter(_state(word) for word in held))
            sentences += copies(survey, found.variable)
            sentences += [
                one.sentence for one in known if one.rule in ADDED and not (table and one.rule == tables.RULE)
            ]
        findings = [
            Finding("cause" if n == 0 else "evidence", HIGHEST, text, [crashed]) for n, text in enumerate(sentences)
        ]
        return Suspect(found.variable, HIGHEST, findings, states, True, found.key, name)

    def with_proven(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        """The suspects, first those that code speaks against.

        They are the objects that were used in the crashed thread after they were destroyed, and the copies of variables
        that were meant to be one.
        """
        copied = ((column, [finding]) for column, finding in self._risks.unset_copies())
        destroyed = used_when_destroyed(self._survey, self.threads)
        return _first(destroyed, _first(copied, suspects))

    def weigh_code(self, suspect: Suspect) -> Suspect:
        """The suspect, with what the code says of it where that is more than a pattern of values."""
        variable = suspect.variable
        if variable is None or not any(one.rule in NULL_PATTERNS for one in suspect.findings):
            return suspect
        place = self._places[variable.module.id]
        if place.is_libc:
            return suspect
        held = self._words_of(variable, 0, self._survey.pointer_size)
        alive = [
            (index, word) for index, word in enumerate(held) if word is not None and index not in self.examiner.ended
        ]
        null = [index for index, word in alive if not word]
        holders = [index for index, word in alive if word]
        found = self._risks.findings(variable, Standing(null, holders), place)
        if not found:
            return suspect
        return dataclasses.replace(
            suspect, weight=found[0].score + len(null), findings=[*found, *suspect.findings], is_proven=True
        )

    def odd_keys(self, named: bool, known: Sequence[int]) -> list[Suspect]:
        """The pthread keys that look wrong, but those that are suspects already."""
        try:
            found = list(self.keys.odd(self.threads.crashed, named))
        except Exception as error:  # it only adds to what is known of the variables
            reason(error)
            return []
        return [
            Suspect(None, one.findings[0].score, one.findings, {}, one.is_proven, one.number, one.name)
            for one in found
            if one.number is None or one.number not in known
        ]

    @cached_property
    def keys(self) -> Keys:
        """The pthread keys."""
        return Keys(self._survey.program, self._survey.threads)

    @cached_property
    def _risks(self) -> Risks:
        return Risks(self._survey, self.threads)

    def _users(self, variable: Variable, cause: Cause) -> list[str]:
        """Who writes and reads a variable, as far as its code can be read; who crashed or read it there first."""
        try:
            answer = access(self._survey.program, Found(variable, ""))
            here = {cause.crashed.function_start, cause.loaded.function_start} - {None}
            rows = sorted(answer.rows, key=lambda row: row.function.start not in here)
            return [who_uses_it(answer._replace(rows=rows))]
        except TlsError as error:
            return [f"Who uses {variable.name} is not known: {error}."]

    def _as_it_began(self, found: words.Guilty, held: Sequence[int | None], cause: Cause) -> str:
        """Whether a number that is not 0 is still the one with which the variable begins, and others have another."""
        survey, variable, crashed = self._survey, found.variable, self.threads.crashed
        if variable is None or crashed is None or not held[crashed] or cause.kind == "pointer" or not cause.agrees:
            return ""
        at = variable.offset + found.inside
        image = survey.symbols.initial_image(variable.module, at, cause.width)
        if image is None or len(image) != cause.width or int.from_bytes(image, self.examiner.order) != held[crashed]:
            return ""
        return words.as_it_began(survey, held, crashed)

    def _words_of(self, variable: Variable, inside: int, width: int) -> list[int | None]:
        """What is at an offset in a variable, in each thread."""
        survey = self._survey
        column = survey.column_of(variable)
        start = variable.offset + inside
        if column is not None and inside + width <= min(column.size, survey.longest):
            held = column.blocks.raws(start, width)
            return [int.from_bytes(raw, self.examiner.order) if raw else None for raw in held]
        places = survey.program.blocks(variable.module, survey.threads)
        here = [place + start for place in places if isinstance(place, int)]
        found = iter(survey.program.target.memory.read_many(here, width))
        raws = [next(found) if isinstance(place, int) else None for place in places]
        return [None if raw is None else int.from_bytes(raw, self.examiner.order) for raw in raws]

    def crashed_in(self, modules: Sequence[Module]) -> Module | None:
        """The one of these modules in whose code the crashed thread was."""
        frames = self.threads.stack(self.threads.crashed) if self.threads.crashed is not None else ()
        return next((one for one in modules if frames and self._places[one.id].holds(frames[0])), None)


def _first(found: Iterable[tuple[Column, Sequence[Finding]]], suspects: Sequence[Suspect]) -> list[Suspect]:
    """The suspects, with findings that are put before all else that is said of some variables, and these first."""
    first = []
    for column, findings in found:
        known = next((one for one in suspects if one.is_of(column.variable)), None)
        every = [*findings, *(known.findings if known else ())]
        first.append(Suspect(column.variable, every[0].score, every, dict(Counter(column.states())), True))
    return [*first, *(one for one in suspects if not any(one.is_of(other.variable) for other in first))]


def _state(word: int | None) -> State:
    return State.UNREADABLE if word is None else State.SET if word else State.NULL
