"""Objects that are used when they are destroyed already, or before they are constructed, in the thread that crashed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdb_tls.code.references import referring
from gdb_tls.errors import TlsError, reason
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.reach import Reach
from gdb_tls.program.accesses import WRAPPER, users_of
from gdb_tls.program.names import is_rust_value, without_parameters, without_rust_details
from gdb_tls.program.places import is_too_large
from gdb_tls.program.survey import Column, Survey
from gdb_tls.program.thread_end import AFTER_OBJECTS, ALIAS, RUNNERS
from gdb_tls.questions.audit.rules import Finding
from gdb_tls.questions.audit.scene import Threads, is_libc_name
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import State, Variable
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import count

RULE = "destroyed"
# That the thread is in a function that uses the object, or that what it runs only leads to one.
IN_USE_SCORE, LEADING_SCORE = 85, 75
MOST_NAMED = 3


class Dead(NamedTuple):
    """A destroyed object that the thread which crashed has used.

    Attributes:
        column: the variable.
        findings: why that is believed.
    """

    column: Column
    findings: Sequence[Finding]


def used_when_destroyed(survey: Survey, scene: Threads) -> Iterator[Dead]:
    """The objects that are destroyed in the crashed thread, and that the destructors which it runs use.

    Args:
        survey: the variables.
        scene: the threads.
    """
    if scene.crashed is None:
        return
    frames = scene.stack(scene.crashed)
    runner = next((at for at, one in enumerate(frames) if _runs_destructors(one)), None)
    if runner is None:
        return
    code = Code(survey.program)
    objects = [one for one in survey.program.objects.all if not is_libc_name(one.name)]
    reach = Reach(code, objects)
    running = _functions(code, frames[:runner])
    for column in survey.columns:
        life = column.lives[scene.crashed] if column.lives else None
        if life is None or life.state is not State.DESTROYED or is_too_large(column.module):
            continue
        try:
            users = _users(survey, code, reach, column.variable)
        except (TlsError, OSError) as error:
            reason(error)
            continue
        here = [start for start in users if start in running]
        leading = here or [start for start in users if running & reach.leading_to([start])]
        if leading:
            names = list(dict.fromkeys(users[start] for start in leading))
            sentence = _sentence(survey, scene.crashed, column, frames, runner, names, bool(here))
            score = IN_USE_SCORE if here else LEADING_SCORE
            yield Dead(column, [Finding(RULE, score, sentence, [scene.crashed])])


def remarks(survey: Survey, crashed: int, variable: Variable) -> Iterator[str]:
    """What is known of the life of the object from which the crash came."""
    column = survey.column_of(variable)
    life = column.lives[crashed] if column and column.lives else None
    if column is None or life is None or life.state is None:
        return
    name = column.variable.name
    what = "is not constructed" if life.state is State.NOT_CONSTRUCTED else "is destroyed already"
    yield f"{name} {what} in thread {survey.threads[crashed].num}{_others(column)} ({life.reason})."


def _runs_destructors(frame: Frame) -> bool:
    name = frame.function.removeprefix(ALIAS)
    return name in RUNNERS or name == AFTER_OBJECTS


def _functions(code: Code, frames: Sequence[Frame]) -> set[int]:
    """The functions of frames, without the C library's."""
    found = set()
    for frame in frames:
        spot = code.at(frame.pc - 1)
        if spot and spot.function is not None and not is_libc_name(spot.loaded.name):
            found.add(spot.function)
    return found


def _users(survey: Survey, code: Code, reach: Reach, variable: Variable) -> dict[int, str]:
    """The functions that use a variable, with their names."""
    found = users_of(survey.program, variable, 0, max(variable.size, 1))
    users = {one.start: one.name for one in found.functions if one.start and not one.linkage_name.startswith(WRAPPER)}
    if is_rust_value(variable.linkage_name):
        # Where nothing is inlined, a function gives the address, and its users have a LocalKey that leads to it.
        spots = [spot for start in users for one in reach.leading_to([start]) if (spot := code.at(one))]
        for base in {spot.base for spot in spots}:
            here = [spot for spot in spots if spot.base == base]
            for other in referring(here[0].file_index, [spot.address for spot in here]):
                name = without_parameters(without_rust_details(survey.program.symbol_at(base + other) or ""))
                users.setdefault(base + other, name or f"{here[0].loaded.name}+0x{other:x}")
    return users


def _sentence(
    survey: Survey,
    crashed: int,
    column: Column,
    frames: Sequence[Frame],
    runner: int,
    users: Sequence[str],
    is_in: bool,
) -> str:
    name, number = column.variable.name, survey.threads[crashed].num
    now = without_parameters(frames[runner - 1].function) if runner else ""
    stage = RUNNERS.get(frames[runner].function.removeprefix(ALIAS), "")
    what = {"objects": "the destructors of thread_local objects", "keys": "the destructors of pthread keys"}.get(
        stage, "what exit() calls after it has destroyed the thread's objects"
    )
    names = ", ".join(users[:MOST_NAMED]) + (", ..." if len(users) > MOST_NAMED else "")
    who = f"{names}, which uses {name}" if len(users) == 1 else f"functions that use {name}: {names}"
    it = f"it is in {who}" if is_in else f"that leads to {who}"
    return (
        f"{name} is destroyed already in thread {number}{_others(column)}. The thread is ending (it runs {what}"
        f"{f', {now} now' if now else ''}), and {it}."
    )


def _others(column: Column) -> str:
    alive = sum(life is not None and life.state is None for life in column.lives or ())
    return f", and alive in {count(alive, 'other thread')}" if alive else ""
