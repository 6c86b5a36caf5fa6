"""`tls-audit`'s answer: the ranking, the JSON document `gdb-tls/audit/1`, and one record a finding."""

from __future__ import annotations

from gdb_tls.questions.audit.answer import Answer, Audit
from gdb_tls.questions.audit.suspect import Suspect
from gdb_tls.questions.audit.verdict import verdict
from gdb_tls.target.facts import NEAR_NULL, Frame
from gdb_tls.target.model import State
from gdb_tls.views.drawing import Group, Padding, Renderable, Text, declared_text, flowing, function_text
from gdb_tls.views.parts import source
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe

SHOWN_FRAMES = 3


def table(answer: Answer, screen: Screen) -> Renderable:
    """The suspects, the crash, and the verdict."""
    parts: list[Renderable] = []
    for suspect in answer.shown:
        parts += [*_suspect(suspect, screen.columns, screen.colour), Text("")]
    crash = _crash(answer.audit)
    if crash:
        parts += [crash, Text("")]
    parts += [Text(safe(sentence), "bold" if index == 0 else "dim") for index, sentence in enumerate(verdict(answer))]
    return Group(*parts)


def _suspect(suspect: Suspect, columns: int, colour: bool) -> list[Renderable]:
    variable = suspect.variable
    heading = Text("! " if suspect.is_alarming else "  ", "bold red")
    if variable:
        kind = variable.type.name if variable.type else ""
        heading.append(declared_text(variable.name, kind, columns - heading.cell_len, colour))
    else:
        heading.append(suspect.name)
    place = [variable.module.name, source(variable)] if variable else []
    facts = [*place, _states(suspect), suspect.level]
    dim = [Text(safe(fact), "dim") for fact in facts if fact]
    heading = flowing([heading, *dim], columns, indent=2)
    sentences = Group(*(Text(safe(finding.sentence)) for finding in suspect.findings))
    return [heading, Padding(sentences, (0, 0, 0, 4))]


def _states(suspect: Suspect) -> str:
    order = sorted(suspect.states, key=lambda state: (state is not State.NULL, list(State).index(state)))
    words = ("NULL" if state is State.NULL else state.value for state in order)
    return ", ".join(f"{word} in {suspect.states[state]:,}" for word, state in zip(words, order))


def _crash(audit: Audit) -> Text | None:
    fault = audit.fault
    if fault is None:
        return None
    where = ""
    if fault.address is not None:
        near = " (null)" if fault.address == 0 else " (just above null)" if fault.address < NEAR_NULL else ""
        where = f" on an access to 0x{fault.address:x}{near}"
    text = Text(
        f"Thread {fault.num} stopped on {fault.signal or 'a fault'}{where}{', at:' if audit.fault_frames else '.'}",
        "bold",
    )
    for frame in audit.fault_frames[audit.told_from :][:SHOWN_FRAMES]:
        text.append(f"\n    {_frame(frame)}", "not bold")
    return text


def _frame(frame: Frame) -> str:
    name = function_text(frame.function) or f"0x{frame.pc:x}"
    return name + (safe(f"  {frame.file}:{frame.line}") if frame.file else "")
