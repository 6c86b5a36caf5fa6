"""`tls-inspect --all-inferiors`: the answers for several inferiors, one after the other.

The views take a plain answer too, which is then shown as `gdb_tls.questions.inspect.document` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from gdb_tls.questions.command import Records, Screen
from gdb_tls.questions.inspect import document as one

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gdb_tls.views import page as pages


class Part(NamedTuple):
    """What was found in one inferior.

    Attributes:
        inferior: GDB's number of it.
        pid: its process id; None where it has no process.
        answer: None where there is none.
        reason: the sentence that says why; empty where there is an answer.
    """

    inferior: int
    pid: int | None
    answer: one.Answer | None
    reason: str

    @property
    def title(self) -> str:
        """The heading."""
        return f"Inferior {self.inferior}" + (f" (process {self.pid})" if self.pid else "")


class Parts(NamedTuple):
    """What was found in all inferiors, in the order of their numbers."""

    parts: Sequence[Part]


Answer = Union[one.Answer, Parts]


def table(answer: Answer, screen: Screen) -> RenderableType:
    """Each inferior's table under its heading."""
    from gdb_tls.questions.inspect import table as inspect_table

    if isinstance(answer, one.Answer):
        return inspect_table.table(answer, screen)
    from rich.console import Group
    from rich.text import Text

    from gdb_tls.views.text import safe

    shown: list[RenderableType] = []
    for part in answer.parts:
        shown += [Text("")] if shown else []
        shown.append(Text(part.title, "bold underline"))
        shown.append(inspect_table.table(part.answer, screen) if part.answer else Text(safe(part.reason)))
    return Group(*shown)


def document(answer: Answer) -> dict[str, Any]:
    """`gdb-tls/inspect-all/1`: a document for each inferior, with two keys that say which one, or the reason."""
    if isinstance(answer, one.Answer):
        return one.document(answer)
    inferiors = []
    for part in answer.parts:
        found = one.document(part.answer) if part.answer else {}
        inferiors.append({"inferior": part.inferior, "pid": part.pid, "reason": part.reason or None, **found})
    return {"schema": "gdb-tls/inspect-all/1", "inferiors": inferiors}


def records(answer: Answer) -> Records:
    """One record a thread, with the inferior's number before it; one with the reason where there is no answer."""
    if isinstance(answer, one.Answer):
        return one.records(answer)
    rows: list[Sequence[object]] = []
    for part in answer.parts:
        if part.answer:
            rows += [[part.inferior, *row] for row in one.records(part.answer).rows]
        else:
            blank = [None] * (len(one.COLUMNS) - 1)
            rows.append([part.inferior, *blank, part.reason])  # "reason" is the last column
    return Records(("inferior", *one.COLUMNS), rows)


def page(answer: Answer) -> pages.Page:
    """Each inferior's sections, named after it; the verdicts on top."""
    from gdb_tls.questions.inspect import page as inspect_page
    from gdb_tls.views import page as pages

    if isinstance(answer, one.Answer):
        return inspect_page.page(answer)
    lead: list[str] = []
    sections: list[pages.Section] = []
    for part in answer.parts:
        if part.answer is None:
            lead.append(f"{part.title}: {part.reason}")
            continue
        inner = inspect_page.page(part.answer)
        lead += [f"{part.title}: {sentence}" for sentence in inner.lead]
        sections += [section._replace(title=f"{part.title}: {section.title}") for section in inner.sections]
    return pages.Page(lead, sections, grave=flagged(answer))


def flagged(answer: Answer) -> bool:
    """Whether a thread of any inferior has it null, dangling or shared."""
    if isinstance(answer, one.Answer):
        return one.flagged(answer)
    return any(part.answer is not None and one.flagged(part.answer) for part in answer.parts)
