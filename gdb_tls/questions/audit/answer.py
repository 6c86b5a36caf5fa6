"""Finding the bad variable without knowing its name: rules over columns, and what their findings weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gdb_tls.errors import reason
from gdb_tls.evidence.cause import Cause
from gdb_tls.libc.loader_errors import LoaderError
from gdb_tls.program.places import BY_OFFSET
from gdb_tls.program.program import Program
from gdb_tls.program.survey import Gap, Survey
from gdb_tls.questions.audit.auditor import Auditor
from gdb_tls.questions.audit.destructors import dangers
from gdb_tls.questions.audit.ignored import read_patterns
from gdb_tls.questions.audit.keys import NONE_LEFT
from gdb_tls.questions.audit.loading import last_errors, last_word, refusals
from gdb_tls.questions.audit.suspect import Suspect
from gdb_tls.questions.command import Request
from gdb_tls.target.facts import Fault, Frame
from gdb_tls.target.model import Module, TargetInfo, Thread
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.tuples import NamedTuple


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
    auditor = Auditor(survey)
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
