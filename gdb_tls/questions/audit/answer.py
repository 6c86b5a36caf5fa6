"""Finding the bad variable without knowing its name: rules over columns, and what their findings weigh."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from gdb_tls.errors import TlsError, reason
from gdb_tls.evidence.cause import Cause
from gdb_tls.evidence.investigation import Investigation
from gdb_tls.evidence.sources import Specific
from gdb_tls.libc.loader_errors import LoaderError
from gdb_tls.program.lookup import Found
from gdb_tls.program.places import BY_OFFSET
from gdb_tls.program.program import Program
from gdb_tls.program.survey import Column, Gap, Survey
from gdb_tls.questions.access.answer import access
from gdb_tls.questions.access.sentence import who_uses_it
from gdb_tls.questions.audit import cause as words
from gdb_tls.questions.audit import lives, numbers
from gdb_tls.questions.audit.circumstances import Circumstances
from gdb_tls.questions.audit.copies import copies
from gdb_tls.questions.audit.destructors import dangers, when_ending
from gdb_tls.questions.audit.examine import Examiner
from gdb_tls.questions.audit.ignored import read_patterns
from gdb_tls.questions.audit.keys import NONE_LEFT, Keys
from gdb_tls.questions.audit.lives import used_when_destroyed
from gdb_tls.questions.audit.loading import last_errors, last_word, refusals
from gdb_tls.questions.audit.risk import Risks, Standing
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.audit.scene import ModuleScene, Threads
from gdb_tls.questions.audit.suspect import HIGHEST, Suspect
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Module, State, TargetInfo, Thread, Variable
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.target.protocol import Fault, Frame

# Of these the code may say that they are more than a pattern.
NULL_PATTERNS = ("set-in-main", "null-in-minority")
# What the pattern of its values adds to what the crash says of a variable.
ADDED = ("shared", "dangling", "other-stack", "other-block", "freed", "dead-stack", *numbers.RULES)


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
        told_from: the position of the first of these that says something: what is inside of it raised the signal.
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
    told_from: int
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
    names_of_keys: bool = False,
) -> Audit:
    """Looks at every variable of every module in every thread.

    Args:
        program: the program.
        pattern: a --module pattern; None for all modules.
        threads: the threads that are wanted; None for all.
        progress: shows how far it is.
        ignore: patterns of what is not mentioned; a crash's cause always is.
        names_of_keys: whether code is read for the names of pthread keys that are only hints, too.

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
                suspect = auditor.examiner.examine(column)
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
        name = danger.name if danger.key is None else auditor.keys.title_of(danger.key)
        suspects.append(Suspect(None, danger.findings[0].score, danger.findings, {}, True, danger.key, name))
    suspects += auditor.odd_keys(names_of_keys, [one.key for one in suspects if one.key is not None])
    suspects.sort(key=_rank)
    ignored = [one.name for one in suspects if one.is_called(ignore)]
    suspects = [one for one in suspects if not one.is_called(ignore)]
    cause, otherwise = auditor.cause()
    if cause is not None:
        accused = auditor.accuse(cause)
        # Of a crash on a key the accused says itself that none are left.
        others = [one for one in suspects if not one.is_same(accused)]
        suspects = [accused, *(one for one in others if accused.key is None or one.findings[0].rule != NONE_LEFT)]
    else:
        suspects = auditor.with_proven(suspects)
        if scene.stop is None or auditor.was_killed:
            suspects = list(map(auditor.weigh_code, suspects))
        suspects.sort(key=_rank)
    return Audit(
        target=program.info,
        threads=survey.threads,
        modules=survey.modules,
        variables=variables,
        pointers=auditor.examiner.pointers,
        suspects=suspects,
        fault=_told(scene.stop, auditor.computed),
        fault_frames=[program.named_frame(one) for one in scene.stack(scene.crashed)]
        if scene.crashed is not None
        else (),
        told_from=scene.told_from(cause.crashed.pc if cause else None),
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


def _told(fault: Fault | None, computed: int | None) -> Fault | None:
    """The fault with its address, also where only the registers tell it (QEMU's cores have no NT_SIGINFO)."""
    return fault if fault is None or computed is None else fault._replace(address=computed)


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
    # Of emulated TLS each variable is a module.
    return list({module.object: module for module in survey.modules if module.id in found}.values())


def _rank(suspect: Suspect) -> tuple[bool, int, int]:
    """Alarms before hints, the highest score first; of equals, what concerns the fewest threads says the most."""
    return not suspect.is_alarming, -suspect.weight, max(len(finding.threads) for finding in suspect.findings)


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


class _Auditor:
    """Examines columns, one after the other."""

    def __init__(self, survey: Survey) -> None:
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
                    found, words.guilty(program, found).name
                )
            return found, ""
        return None, words.elsewhere(found, program) if found else ""

    def accuse(self, cause: Cause) -> Suspect:
        """The suspect that a crash came from."""
        scene, survey = self.threads, self._survey
        found = words.guilty(survey.program, cause)
        name = self.keys.title(cause.place) if isinstance(cause.place, Specific) else found.name
        crashed = scene.crashed
        assert crashed is not None
        around = Circumstances(survey, scene, cause, found)
        cause = cause._replace(crashed=around.crashed(), loaded=around.named(cause.loaded))
        part = around.part()
        sentences = [
            words.chain(cause, found, around.member(), around.caller()),
            *words.remarks(cause, found, part),
            *around.remarks(),
        ]
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
            zero = words.zero_word(cause, found, part)
            is_said = is_said or cause.kind == "missing"
            if not cause.path and not is_said and (having := words.who_has_it(survey, held, crashed, scene.main, zero)):
                sentences += filter(None, (having, around.who_began(held)))
            states = dict(Counter(_state(word) for word in held))
            sentences += copies(survey, found.variable)
            sentences += [one.sentence for one in known if one.rule in ADDED]
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
    found = audit(program, arguments.module, request.chosen(program), request.progress, ignore, arguments.all)
    return Answer(found, arguments.all)


def flagged(answer: Answer) -> bool:
    """Whether something looks wrong."""
    return bool(answer.audit.alarming)


def unanswered(answer: Answer) -> bool:
    """Whether too little could be looked at to say that nothing looks wrong."""
    return not answer.audit.is_answer
