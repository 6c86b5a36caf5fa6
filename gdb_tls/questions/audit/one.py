"""The audit's judgement of one variable whose values are known: `tls-inspect` speaks by the same rules.

No stack is read but the crashed thread's innermost frames, so what a rule asks of stacks stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gdb_tls.program.instances import Instances
from gdb_tls.program.memory_map import OTHER, Area, MemoryMap
from gdb_tls.program.program import Program
from gdb_tls.program.survey import Survey
from gdb_tls.program.value import pointers_in
from gdb_tls.questions.audit.rules import RULES, Finding, Holding, holding_of, is_pointer_like, why_shared
from gdb_tls.questions.audit.scene import INNER_FRAMES, ModuleScene, Threads
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Flag, State, Type, Variable
from gdb_tls.tuples import NamedTuple

# To know to whose stack or block each pointer of ten thousand threads points takes seconds; `tls-audit` takes them.
MOST_PLACED = 1_000


class Judgement(NamedTuple):
    """What the rules say of a variable.

    Attributes:
        findings: the worst first; the threads are positions among the instances.
        why_shared: why it is no defect that threads hold the same pointer; empty where that is not known.
    """

    findings: Sequence[Finding]
    why_shared: str

    def has(self, rule: str) -> bool:
        """Whether a rule has found something."""
        return any(finding.rule == rule for finding in self.findings)


def judge(program: Program, variable: Variable, kind: Type, instances: Instances) -> Judgement | None:
    """Applies the rules to what was read of a variable; None where it is no pointer, and owns none.

    Args:
        program: the program.
        variable: which.
        kind: the type by which it was read.
        instances: what was read, in each thread.
    """
    is_placed = len(instances) <= MOST_PLACED or any(
        _is_remarkable(group.judgement.flags) for group in instances.groups
    )
    survey = Survey(program, None if is_placed else str(variable.module.id), instances.threads, with_columns=False)
    threads = _CrashedOnly(survey)
    holding = _holding(survey, threads, kind, instances, is_placed)
    if holding is None or variable.module.id not in survey.blocks:
        return None
    holding = holding_of(holding, kind, variable.type is not None)
    if variable.type is None and not is_pointer_like(holding):
        return None
    place = ModuleScene(threads, survey, variable.module)
    findings = [finding for rule in RULES for finding in rule(holding, place)]
    return Judgement(sorted(findings, key=lambda finding: -finding.score), why_shared(holding))


def _is_remarkable(flags: Sequence[Flag]) -> bool:
    return Flag.SHARED in flags or Flag.DANGLING in flags


def _holding(survey: Survey, threads: Threads, kind: Type, instances: Instances, is_placed: bool) -> Holding | None:
    target = survey.program.target
    raws = {raw for raw in instances.contents if isinstance(raw, bytes)}
    values = pointers_in(list(raws), kind, target)
    if not values:
        return None
    null: list[int] = []
    pointers: dict[int, int] = {}
    for index, (judgement, raw) in enumerate(zip(instances.judgements, instances.contents)):
        if isinstance(raw, bytes) and raw in values and Flag.EXITED not in judgement.flags:
            if values[raw]:
                pointers[index] = values[raw]
            elif judgement.state is State.NULL:
                null.append(index)
    different = list(set(pointers.values()))
    areas = MemoryMap(survey, threads.main).areas(different) if is_placed else [Area(OTHER)] * len(different)
    return Holding(null, pointers, dict(zip(different, areas)), bits=8 * target.architecture.pointer_size)


class _CrashedOnly(Threads):
    """Reads the innermost frames of the thread that crashed, and no others: unwinding costs GDB the most."""

    sees_stacks: Literal[False] = False

    def stack(self, thread: int) -> Sequence[Frame]:
        """See `Threads.stack`."""
        if thread != self.crashed:
            return ()
        return self._survey.program.frames(self._survey.threads[thread], INNER_FRAMES)
