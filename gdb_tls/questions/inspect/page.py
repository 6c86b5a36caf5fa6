"""`tls-inspect`'s answer for a browser."""

from __future__ import annotations

from gdb_tls.questions.inspect.answer import Answer, Named, OneAnswer, Row, Several, flagged
from gdb_tls.questions.inspect.document import thread_document, variable_document
from gdb_tls.questions.inspect.table import value_text
from gdb_tls.questions.inspect.verdict import several, verdict
from gdb_tls.target.model import Instance, State
from gdb_tls.views import page as pages
from gdb_tls.views.drawing import where_text
from gdb_tls.views.words import count

# Of more threads a page would take long to open; JSON and CSV have all that is known of each.
MOST_OPENED = 2_000


def page(answer: Answer) -> pages.Page:
    """The page of one program, or each inferior's sections, named after it, with the verdicts on top."""
    if isinstance(answer, OneAnswer):
        return _page(answer)
    lead: list[str] = []
    sections: list[pages.Section] = []
    for part in answer.parts:
        title = part.name if isinstance(part, Named) else part.title
        if part.answer is None:
            lead.append(f"{title}: {part.reason}")
            continue
        inner = page(part.answer)
        lead += [f"{title}: {sentence}" for sentence in inner.lead]
        sections += [section._replace(title=f"{title}: {section.title}") for section in inner.sections]
    lead += [several(answer)] if isinstance(answer, Several) else []
    return pages.Page(lead, sections, grave=flagged(answer))


def _page(answer: OneAnswer) -> pages.Page:
    """The verdict, one row a thread that opens to all that is known of it, and the variable."""
    report = answer.report
    wide = [pages.Column("Thread", pages.NUMBER), pages.Column("LWP", pages.NUMBER, True)]
    named = any(thread.name for thread in report.instances.threads)
    if named:
        wide.append(pages.Column("Name", minor=True))
    wide += [pages.Column("State", pages.STATE), pages.Column("Value", pages.CODE)]
    if answer.where:
        wide.append(pages.Column("Where", minor=True))
    opens = len(report.instances) <= MOST_OPENED
    rows = [_page_row(answer, instance, named, opens) for instance in report.instances]
    threads = pages.Table("Threads", wide, pages.marked_first(rows))
    about = pages.facts(variable_document(report), "Variable")
    all_set = report.instances.summary[State.SET.value] == len(report.instances)
    lead = list(verdict(report, answer.judgement))
    seen = sum(place is not None for place in answer.where.values())
    if seen and seen < len(report.instances):
        lead.append(f"Stacks of {seen:,} of {count(len(report.instances), 'thread')} were looked at.")
    return pages.Page(lead, [threads, about], grave=flagged(answer) or (False if all_set else None))


def _page_row(answer: OneAnswer, instance: Instance, named: bool, opens: bool) -> pages.Row:
    report, thread = answer.report, instance.thread
    where = where_text(answer.where.get(thread.num)).plain
    state = " ".join([instance.state.value, *(flag.value for flag in instance.flags)])
    value = value_text(report, Row(instance, (instance.thread,)), False).plain
    cells = [
        thread.num,
        thread.lwp,
        *([thread.name] if named else []),
        state,
        pages.Words(value) if instance.reason else value,
        *([where] if answer.where else []),
    ]
    names = ", ".join(answer.marked.names(thread))
    if not opens:
        return pages.Row(cells, mark=names, grave=instance.state is State.NULL)
    found = thread_document(instance, report.type, answer.marked)
    known = {key: value for key, value in found.items() if key not in ("num", "flags", "marks")}
    details = pages.facts({**known, "flags": [flag.value for flag in instance.flags] or None, "where": where})
    return pages.Row(cells, [details], names, instance.state is State.NULL)
