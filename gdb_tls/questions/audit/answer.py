"""Finding the bad variable without knowing its name: rules over columns, and what their findings weigh."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from gdb_tls.errors import TlsError, reason
from gdb_tls.evidence.cause import Cause, Investigation
from gdb_tls.libc.loader_errors import LoaderError
from gdb_tls.program.lookup import Found
from gdb_tls.program.memory_map import MemoryMap
from gdb_tls.program.places import BY_OFFSET
from gdb_tls.program.program import Program
from gdb_tls.program.survey import Column, Gap, Survey
from gdb_tls.questions.access.answer import access
from gdb_tls.questions.access.sentence import who_uses_it
from gdb_tls.questions.audit import cause as words
from gdb_tls.questions.audit import lives
from gdb_tls.questions.audit.destructors import dangers, when_ending
from gdb_tls.questions.audit.ignored import is_ignored, read_patterns
from gdb_tls.questions.audit.keys import about_key
from gdb_tls.questions.audit.lives import used_when_destroyed
from gdb_tls.questions.audit.loading import RULE as NOT_LOADED
from gdb_tls.questions.audit.loading import last_errors, last_word, refusals
from gdb_tls.questions.audit.risk import Risks, Standing
from gdb_tls.questions.audit.rules import RULES, Finding, Holding, is_pointer_like
from gdb_tls.questions.audit.scene import ModuleScene, Threads
from gdb_tls.questions.audit.weight import ALARM, weigh
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Module, State, TargetInfo, Thread, Variable
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.target.protocol import Fault, Frame

# A larger object that is all one pointer's owner (unique_ptr, shared_ptr, vector, string) is not larger.
LARGEST_OWNER = 64
HIGHEST = 100
# Of these the code may say that they are more than a pattern.
NULL_PATTERNS = ("set-in-main", "null-in-minority")
# What the pattern of its values adds to what the crash says of a variable.
ADDED = ("shared", "dangling", "other-stack", "other-block")


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
        return is_ignored(patterns, self.name, self.variable.module.name if self.variable else "")

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


class Unread(NamedTuple):
    """A variable of which not all is known."""

    name: str
    reason: str


@dataclass(frozen=True)
class Audit:
    """The answer of `tls-audit`.

    Attributes:
        target: the program.
        threads: all that were looked at.
        modules: the modules that were looked at.
        variables: how many variables were looked at: those of which something is known in one thread at least.
        pointers: how many of them are pointers or own something.
        gaps: where nothing was found or could be read, by reason, that of the most threads first.
        suspects: the most suspicious first.
        fault: the signal on which the program stopped; None where it was none of a program that went wrong.
        fault_frames: where, innermost first.
        interrupted: whether the user stopped the audit.
        nameless: the modules of whose variables neither symbols nor code tell anything.
        by_offset: those whose variables have no symbols, or not all, and are known by the code that uses them.
        unread: the variables of which not all is known, and why.
        unread_crash: the module that the program crashed in, where its thread-local storage could not be looked at.
        cause: the variable that the crash came from; None where none is known.
        ignored: what else looks odd, but is not mentioned, as the user knows it to be harmless.
        not_the_cause: what is known instead of the crash's cause; empty where there was no crash, or a cause.
        loader_errors: what dlopen and its kin said last in each thread.
        to_type: what to type for the variable that looks most wrong; empty where there is none.
        last_word: the same of the thread that crashed, as a sentence; empty for none.
    """

    target: TargetInfo
    threads: Sequence[Thread]
    modules: Sequence[Module]
    variables: int
    pointers: int
    suspects: Sequence[Suspect]
    fault: Fault | None
    fault_frames: Sequence[Frame]
    interrupted: bool
    nameless: Sequence[Module] = ()
    by_offset: Sequence[Module] = ()
    unread: Sequence[Unread] = ()
    gaps: Sequence[Gap] = ()
    unread_crash: Module | None = None
    cause: Cause | None = None
    not_the_cause: str = ""
    ignored: Sequence[str] = ()
    loader_errors: Sequence[LoaderError | None] = ()
    last_word: str = ""
    to_type: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether so much was looked at that the judgement says something."""
        return self.variables > 0 and self.unread_crash is None

    @property
    def alarming(self) -> list[Suspect]:
        """The suspects that are worth everybody's attention."""
        return [suspect for suspect in self.suspects if suspect.is_alarming]


def audit(
    program: Program,
    pattern: str | None = None,
    threads: Sequence[Thread] | None = None,
    progress: Progress = SILENT,
    ignore: Sequence[str] = (),
) -> Audit:
    """Looks at every variable of every module in every thread.

    Args:
        program: the program.
        pattern: a --module pattern; None for all modules.
        threads: the threads that are wanted; None for all.
        progress: shows how far it is.
        ignore: patterns of what is not mentioned; a crash's cause always is.

    Raises:
        TlsError: where the program cannot be read at all.
    """
    survey = Survey(program, pattern, threads, progress=progress)
    auditor = _Auditor(survey)
    suspects: list[Suspect] = []
    unread: list[Unread] = []
    variables = 0
    with progress.task("Auditing thread-local variables", len(survey.columns)) as task:
        for column in survey.columns:
            try:
                suspect = auditor.examine(column)
                variables += column.is_known_anywhere
                why = column.blocks.problem or (column.variable.problem if column.is_described else "")
            except Exception as error:  # one bad variable is one bad row
                suspect, why = None, reason(error)
            if suspect:
                suspects.append(suspect)
            if why:
                unread.append(Unread(column.name, why))
            task.advance()
    scene = auditor.threads
    errors = last_errors(program, survey.threads)
    for one in refusals(program, survey.threads, errors, scene.crashed):
        suspects.append(Suspect(None, one.score, one.findings, {}, True, None, one.name))
    for danger in dangers(survey, scene.main):
        suspects.append(Suspect(None, danger.findings[0].score, danger.findings, {}, True, danger.key, danger.name))
    suspects.sort(key=_rank)
    ignored = [one.name for one in suspects if one.is_called(ignore)]
    suspects = [one for one in suspects if not one.is_called(ignore)]
    cause, otherwise = auditor.cause()
    if cause is not None:
        accused = auditor.accuse(cause, suspects)
        suspects = [accused, *(one for one in suspects if not _is_same(one, accused))]
    else:
        suspects = auditor.with_destroyed(auditor.with_copies(suspects))
        if scene.stop is None or auditor.was_killed:
            suspects = list(map(auditor.weigh_code, suspects))
        suspects.sort(key=_rank)
    return Audit(
        target=program.info,
        threads=survey.threads,
        modules=survey.modules,
        variables=variables,
        pointers=auditor.pointers,
        suspects=suspects,
        fault=scene.stop,
        fault_frames=scene.stack(scene.crashed) if scene.crashed is not None else (),
        interrupted=survey.interrupted or task.interrupted,
        nameless=(nameless := _nameless(survey)),
        by_offset=_by_offset(survey),
        unread=unread,
        gaps=survey.gaps(),
        unread_crash=auditor.crashed_in([*nameless, *(one for one in survey.modules if one.problem)]),
        cause=cause,
        not_the_cause=otherwise,
        ignored=ignored,
        loader_errors=errors,
        last_word=last_word(errors, survey.threads, scene.crashed),
        to_type=_to_type(program, suspects),
    )


def _to_type(program: Program, suspects: Sequence[Suspect]) -> str:
    """What to type for the most suspicious variable: of another one of that name, more than its name."""
    first = next((one.variable for one in suspects if one.is_alarming), None)
    return program.symbols().exact_text(first) if first else ""


def _nameless(survey: Survey) -> list[Module]:
    """Stripped files: the local symbols of thread-local variables are gone, and the program exports none."""
    named = {column.module.id for column in survey.columns}
    named |= {one.module.id for one in survey.symbols.unused}  # copies that no code uses are no variables
    return [module for module in survey.modules if module.path and module.segment and module.id not in named]


def _by_offset(survey: Survey) -> list[Module]:
    """Stripped files, of which the code tells where variables are."""
    found = {column.module.id for column in survey.columns if column.candidate.symbol.source == BY_OFFSET}
    return [module for module in survey.modules if module.id in found]


def _is_same(one: Suspect, accused: Suspect) -> bool:
    return _is_variable(one, accused.variable) or (one.key is not None and one.key == accused.key)


def _is_variable(one: Suspect, variable: Variable | None) -> bool:
    if one.variable is None or variable is None:
        return False
    return (one.variable.module.id, one.variable.offset) == (variable.module.id, variable.offset)


def _rank(suspect: Suspect) -> tuple[int, int]:
    """The highest score first; of equals, what concerns the fewest threads says the most."""
    return -suspect.weight, max(len(finding.threads) for finding in suspect.findings)


def _state(word: int | None) -> State:
    return State.UNREADABLE if word is None else State.SET if word else State.NULL


class _Auditor:
    """Examines columns, one after the other."""

    def __init__(self, survey: Survey) -> None:
        self.threads = Threads(survey)
        self.pointers = 0
        self.was_killed = False
        self._survey = survey
        self._map = MemoryMap(survey, self.threads.main)
        self._places = {module.id: ModuleScene(self.threads, survey, module) for module in survey.modules}
        self._order: Literal["little", "big"] = (
            "little" if survey.program.target.architecture.byte_order == "little" else "big"
        )
        self._ended = {index for index, thread in enumerate(survey.threads) if thread.exited}

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
        self.was_killed = scene.stop.is_sent and found is None and not investigation.gave_up
        if isinstance(found, Cause):
            module = found.module
            if module is not None and module.id in self._places and self._places[module.id].is_libc:
                # Its own lists are wrong where the program has written over them; to compare them tells nothing.
                return None, "" if found.kind == "condition" else words.in_libc(
                    found, words.guilty(program, found).name
                )
            return found, ""
        return None, words.elsewhere(found, program) if found else ""

    def accuse(self, cause: Cause, hints: Sequence[Suspect]) -> Suspect:
        """The suspect that a crash came from."""
        scene, survey = self.threads, self._survey
        found = words.guilty(survey.program, cause)
        crashed = scene.crashed
        assert crashed is not None
        sentences = [words.chain(cause, found.name), *words.remarks(cause, found.name)]
        try:
            told = list(lives.remarks(survey, crashed, found.variable)) if found.variable else []
            sentences += [*told, *when_ending(survey, crashed, None if told else found.variable)]
        except Exception as error:  # it only adds to what is known of the crash
            reason(error)
        states: dict[State, int] = {}
        if found.key is not None and cause.kind != "destructor":
            sentences += about_key(survey.program, found.key, cause.thread, survey.threads)
        if found.variable is not None:
            held = self._words_of(found.variable, found.inside, cause.width)
            sentences += self._users(found.variable, cause)
            if not cause.path and (sentence := words.who_has_it(survey, held, crashed, scene.main)):
                sentences.append(sentence)
            states = dict(Counter(_state(word) for word in held))
            sentences += words.copies(survey, found.variable)
        known = next((one for one in hints if found.variable and _is_variable(one, found.variable)), None)
        sentences += [one.sentence for one in known.findings if one.rule in ADDED] if known else []
        findings = [
            Finding("cause" if n == 0 else "evidence", HIGHEST, text, [crashed]) for n, text in enumerate(sentences)
        ]
        return Suspect(found.variable, HIGHEST, findings, states, True, found.key, found.name)

    def with_copies(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        """The suspects, with the copies of variables that were meant to be one."""
        found = []
        for variable, finding in self._risks.unset_copies():
            known = next((one for one in suspects if _is_variable(one, variable)), None)
            findings = [finding, *(known.findings if known else ())]
            column = next(
                one
                for one in self._survey.columns
                if (one.module.id, one.offset) == (variable.module.id, variable.offset)
            )
            found.append(Suspect(variable, finding.score, findings, dict(Counter(column.states())), True))
        return [*found, *(one for one in suspects if not any(_is_variable(one, copy.variable) for copy in found))]

    def with_destroyed(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        """The suspects, with the objects that were used in the crashed thread after they were destroyed."""
        found = []
        for column, findings in used_when_destroyed(self._survey, self.threads):
            known = next((one for one in suspects if _is_variable(one, column.variable)), None)
            every = [*findings, *(known.findings if known else ())]
            found.append(Suspect(column.variable, every[0].score, every, dict(Counter(column.states())), True))
        return [*found, *(one for one in suspects if not any(_is_variable(one, dead.variable) for dead in found))]

    def weigh_code(self, suspect: Suspect) -> Suspect:
        """The suspect, with what the code says of it where that is more than a pattern of values."""
        variable = suspect.variable
        if variable is None or not any(one.rule in NULL_PATTERNS for one in suspect.findings):
            return suspect
        place = self._places[variable.module.id]
        if place.is_libc:
            return suspect
        held = self._words_of(variable, 0, self._survey.pointer_size)
        alive = [(index, word) for index, word in enumerate(held) if word is not None and index not in self._ended]
        null = [index for index, word in alive if not word]
        holders = [index for index, word in alive if word]
        found = self._risks.findings(variable, Standing(null, holders), place)
        if not found:
            return suspect
        return dataclasses.replace(
            suspect, weight=found[0].score + len(null), findings=[*found, *suspect.findings], is_proven=True
        )

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

    def _words_of(self, variable: Variable, inside: int, width: int) -> list[int | None]:
        """What is at an offset in a variable, in each thread."""
        survey = self._survey
        places = survey.program.blocks(variable.module, survey.threads)
        start = variable.offset + inside
        here = [place + start for place in places if isinstance(place, int)]
        found = iter(survey.program.target.memory.read_many(here, width))
        raws = [next(found) if isinstance(place, int) else None for place in places]
        return [None if raw is None else int.from_bytes(raw, self._order) for raw in raws]

    def crashed_in(self, modules: Sequence[Module]) -> Module | None:
        """The one of these modules in whose code the crashed thread was."""
        frames = self.threads.stack(self.threads.crashed) if self.threads.crashed is not None else ()
        return next((one for one in modules if frames and self._places[one.id].holds(frames[0])), None)

    def examine(self, column: Column) -> Suspect | None:
        """Applies all rules to one variable; None where nothing is remarkable."""
        size = self._survey.pointer_size
        place = self._places[column.module.id]
        if column.size != size and not (size < column.size <= LARGEST_OWNER and place.is_described):
            return None
        if column.size == size:
            # Before its type is known: most variables are found harmless without asking the debugger for it.
            self.pointers += 1
            holding = self._holding(column, 0)
            if not self._findings(holding, place):
                return None
        at = column.pointer_offset
        if at is None or at + size > column.size:
            self.pointers -= column.size == size
            return None
        self.pointers += column.size != size
        holding = self._holding(column, at)
        kind = column.judged_as[0]
        holding = Holding(
            holding.null,
            holding.pointers,
            holding.areas,
            owner=kind.owner is not None,
            shares="shared_ptr<" in kind.name or kind.name.startswith("const "),
            typed=column.variable.type is not None,
            bits=8 * size,
        )
        if column.variable.type is None and not is_pointer_like(holding):
            return None
        findings = self._findings(holding, place)
        if not findings:
            return None
        weight = weigh(findings, place)
        return Suspect(column.variable, weight, findings, dict(Counter(column.states()))) if weight else None

    def _findings(self, holding: Holding, place: ModuleScene) -> list[Finding]:
        found = [finding for rule in RULES for finding in rule(holding, place)]
        return sorted(found, key=lambda finding: -finding.score)

    def _holding(self, column: Column, at: int) -> Holding:
        raws = column.words(at)
        known = {raw: int.from_bytes(raw, self._order) for raw in set(raws) if raw}
        left_out = self._ended | column.dead
        here = [(index, known[raw]) for index, raw in enumerate(raws) if raw and index not in left_out]
        values = [value for value in known.values() if value]
        return Holding(
            null=[index for index, value in here if not value],
            pointers={index: value for index, value in here if value},
            areas=dict(zip(values, self._map.areas(values))),
            bits=8 * self._survey.pointer_size,
        )


class Answer(NamedTuple):
    """What `tls-audit` found, and how much of it to show.

    Attributes:
        audit: all of it.
        all: whether the weak hints are shown, too.
    """

    audit: Audit
    all: bool

    @property
    def shown(self) -> Sequence[Suspect]:
        """The suspects to show."""
        return self.audit.suspects if self.all else self.audit.alarming


def query(request: Request) -> Answer:
    """Audits the chosen modules in the chosen threads."""
    arguments = request.arguments
    program = request.program()
    ignore = [*request.settings.ignore, *arguments.ignore]
    if arguments.ignore_file:
        ignore += read_patterns(arguments.ignore_file)
    found = audit(program, arguments.module, request.chosen(program), request.progress, ignore)
    return Answer(found, arguments.all)


def flagged(answer: Answer) -> bool:
    """Whether something looks wrong."""
    return bool(answer.audit.alarming)


def unanswered(answer: Answer) -> bool:
    """Whether too little could be looked at to say that nothing looks wrong."""
    return not answer.audit.is_answer
