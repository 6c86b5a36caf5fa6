"""Any expression in every thread: what tls-inspect can read is read so, all else the debugger evaluates.

A name of a thread-local variable in an expression means each thread's own, also where the debugger itself cannot find
it: its address is found as always, and a placeholder stands for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property

from gdb_tls.errors import BadArgument, BadPath, TlsError, reason
from gdb_tls.program import report
from gdb_tls.program.choice import wanted
from gdb_tls.program.expression_text import changes
from gdb_tls.program.instances import Instances
from gdb_tls.program.names import is_glob, place_name
from gdb_tls.program.operands import Operands, Prepared
from gdb_tls.program.program import Program
from gdb_tls.program.symbols import Symbols
from gdb_tls.program.value import judged
from gdb_tls.target.facts import Evaluated, Given
from gdb_tls.target.model import Absence, Flag, Instance, Life, Place, State, Thread, Type
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.target.protocol import EvaluationFailed, Evaluator
from gdb_tls.tuples import NamedTuple

INTERRUPTED = Absence(State.UNRESOLVED, "interrupted before this thread was looked at")


class Column(NamedTuple):
    """An expression in every thread.

    Attributes:
        name: what heads it: the expression, or what the user calls it.
        expression: as it was typed.
        type: of its values; None where it is not known, or has none.
        instances: one for every thread.
        evaluated: the expression without macros.
        is_variable: whether it is a thread-local variable or a path into one, and no other expression.
    """

    name: str
    expression: str
    type: Type | None
    instances: Instances
    evaluated: str
    is_variable: bool = False


class Columns:
    """Reads expressions in some threads; the debugger is made ready for them when the first one needs it.

    Attributes:
        threads: the threads that are wanted, without names.
        interrupted: whether the user has stopped it: then the cells that are missing say so.
    """

    def __init__(self, program: Program, numbers: Sequence[range] | None = None, progress: Progress = SILENT) -> None:
        """Takes the numbers of the threads that are wanted; None for all, the ended ones too.

        Raises:
            BadArgument: where no thread has one of the numbers.
        """
        self._program = program
        self._numbers = numbers
        self._progress = progress
        self._stack = ExitStack()
        self.threads = wanted(program.unnamed_threads, numbers)
        self.interrupted = False

    def __enter__(self) -> Columns:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def read(self, name: str, expression: str) -> Column:
        """Reads one expression in every thread; what has no value has a reason.

        Raises:
            AmbiguousName: where a name in it may mean several variables.
            BadArgument: where it would change something.
            ResolverUnavailable: where the debugger cannot be kept from changing the process.
        """
        return self._as_variable(name, expression) or self._evaluated(name, self._expanded(expression))

    def _expanded(self, expression: str) -> str:
        """An expression in which macros of the program's source stand as what they stand for.

        Names in these may be thread-local variables, so it is done here and not by the debugger, and only where the
        program has not all that the expression names.
        """
        if changes(expression) or self.fits(expression):
            return expression
        return next((text for text in self._evaluator.expansions(expression) if self.fits(text)), expression)

    def fits(self, expression: str) -> bool:
        """Whether the program has all that an expression names."""
        try:
            prepared = self._operands.prepare(expression, with_paths=False)
        except TlsError:
            return False
        given = [Given(one.type, 0, None if one.raws is None else bytes(one.type.size)) for one in prepared.operands]
        return self._evaluator.fits(prepared.text, given)

    @cached_property
    def _operands(self) -> Operands:
        return Operands(self._program, self._symbols, self.threads, self._evaluator.placeholder)

    @cached_property
    def _symbols(self) -> Symbols:
        return self._program.symbols()

    @cached_property
    def _evaluator(self) -> Evaluator:
        return self._stack.enter_context(self._program.target.evaluator())

    def _as_variable(self, name: str, expression: str) -> Column | None:
        """A variable, or a path into one, as tls-inspect reads it; None where it is more than that."""
        place = place_name(expression)
        if is_glob(expression) or (place and ".so" not in place.module):
            return None  # a product, a sum
        bare = expression.lstrip("*& \t")
        prefix = expression[: len(expression) - len(bare)].replace(" ", "")
        if prefix.strip("*") not in ("", "&"):
            return None
        found = self._symbols.find(bare) if place else self._symbols.meaning(bare)
        if found is None:
            return None
        try:
            got = report.inspect_found(self._program, found, prefix, threads=self._numbers, with_names=False)
        except BadPath:
            return None  # GDB may know better, and says why if it does not
        return Column(name, expression, got.type, got.instances, expression, is_variable=True)

    def _evaluated(self, name: str, expression: str) -> Column:
        """What the debugger makes of it in each thread."""
        if changes(expression):
            raise BadArgument(
                f"{expression} would change something: it assigns, or counts up or down",
                "Nothing in the process is changed; compare with ==.",
            )
        evaluator = self._evaluator
        operands = self._operands
        evaluation = _Evaluation(
            evaluator,
            operands.prepare(expression, with_paths=True),
            operands.prepare(expression, with_paths=False),
        )
        results: list[Evaluated | Absence] = []
        with self._progress.task(f"Evaluating {name}", len(self.threads)) as task:
            for at, thread in enumerate(self.threads):
                results.append(evaluation.of(at, thread))
                task.advance()
        self.interrupted = self.interrupted or task.interrupted
        results += [INTERRUPTED] * (len(self.threads) - len(results))
        return self._column(name, expression, results)

    def _column(self, name: str, expression: str, results: Sequence[Evaluated | Absence]) -> Column:
        """The values judged, those of one type together."""
        instances: list[Instance | None] = [None] * len(results)
        by_type: dict[str, list[int]] = {}
        for index, result in enumerate(results):
            by_type.setdefault(result.type.name if isinstance(result, Evaluated) else "", []).append(index)
        bad = by_type.pop("", [])
        kind: Type | None = None
        only: Instances | None = None
        for members in by_type.values():
            some = [result for result in (results[at] for at in members) if isinstance(result, Evaluated)]
            kind = kind or some[0].type
            only = self._judged(members, some)
            if not bad and len(by_type) == 1:
                return Column(name, expression, kind, only, expression)
            for at, instance in zip(members, only):
                instances[at] = instance
        for at in bad:
            instances[at] = self._absent(self.threads[at], results[at])
        return Column(name, expression, kind, Instances.of(one for one in instances if one is not None), expression)

    def _judged(self, members: Sequence[int], some: Sequence[Evaluated]) -> Instances:
        threads = [self.threads[at] for at in members]
        kind, target = some[0].type, self._program.target
        if any(one.text for one in some):
            return Instances.of(
                Instance(thread, State.SET, _life(thread), one.address, None, one.text, "gdb", None)
                for thread, one in zip(threads, some)
            )
        raws = [one.raw for one in some]
        left = [at for at, raw in enumerate(raws) if raw is None]
        for at, raw in zip(left, target.memory.read_many([some[at].address or 0 for at in left], kind.size)):
            raws[at] = raw
        places: list[Place] = [one.address or 0 for one in some]
        # An expression may be about what all threads have in common: nothing is said of sharing.
        return judged(target, kind, (), threads, places, raws, "gdb", holders={})

    def _absent(self, thread: Thread, why: Evaluated | Absence) -> Instance:
        assert isinstance(why, Absence)
        return Instance(thread, why.state, _life(thread), None, None, "", "gdb", why.reason)


class _Evaluation:
    """One expression in thread after thread; what is given the same values in all is evaluated once."""

    def __init__(self, evaluator: Evaluator, with_paths: Prepared, with_names: Prepared) -> None:
        """Takes it with the ends of paths replaced, and with the names only."""
        self._evaluator = evaluator
        self._with_paths = with_paths
        self._with_names = with_names
        self._needs_thread = evaluator.needs_thread(with_names.text)
        self._known: dict[object, Evaluated | Absence] = {}

    def of(self, at: int, thread: Thread) -> Evaluated | Absence:
        """The value in the thread at a position, or why there is none."""
        if self._needs_thread and thread.num is None:
            return Absence(State.UNRESOLVED, "GDB does not list this thread, so it has no registers and no frames here")
        given = _given(self._with_paths, at)
        if given is not None:
            return self._evaluate(self._with_paths, given, thread)
        # `request ? request->id : 0` has a value where request is null.
        given = _given(self._with_names, at)
        if given is None:
            return _absence(self._with_names, at) or Absence(State.UNREADABLE, "its memory cannot be read")
        found = self._evaluate(self._with_names, given, thread)
        return _absence(self._with_paths, at) or found if isinstance(found, Absence) else found

    def _evaluate(self, prepared: Prepared, given: Sequence[Given], thread: Thread) -> Evaluated | Absence:
        if self._needs_thread:
            return self._ask(prepared.text, given, thread)
        key = prepared.text, tuple(one.raw or one.address for one in given)
        if key not in self._known:
            self._known[key] = self._ask(prepared.text, given, None)
        return self._known[key]

    def _ask(self, text: str, given: Sequence[Given], thread: Thread | None) -> Evaluated | Absence:
        try:
            return self._evaluator.evaluate(text, thread, given)
        except EvaluationFailed as error:
            bad = "memory" in str(error)
            return Absence(State.UNREADABLE if bad else State.UNRESOLVED, f"GDB says: {error}")
        except Exception as error:  # one bad thread is one bad cell
            return Absence(State.UNRESOLVED, reason(error))


def _given(prepared: Prepared, at: int) -> list[Given] | None:
    """What the debugger is given in a thread; None where that is not all there."""
    found = [operand.given(at) for operand in prepared.operands]
    return None if None in found else [one for one in found if one is not None]


def _absence(prepared: Prepared, at: int) -> Absence | None:
    return next((why for operand in prepared.operands if (why := operand.absence(at))), None)


def _life(thread: Thread) -> tuple[Flag, ...]:
    return () if thread.life is Life.LISTED else (Flag(thread.life.value),)
