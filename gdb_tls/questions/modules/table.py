"""`tls-modules`'s answer: the table, the JSON document `gdb-tls/modules/1`, and one record a module."""

from __future__ import annotations

from gdb_tls.questions.modules.answer import ModuleReport, ModulesReport
from gdb_tls.questions.modules.budget import budget_sentences, room_sentence
from gdb_tls.views.drawing import Group, Renderable, Table, Text
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import count


def table(report: ModulesReport, screen: Screen) -> Renderable:
    """A line for every module, and the sums."""
    del screen
    numbers = ("Id", "Size", "Align", "Blocks", "Bytes", "Vars", "Gen")
    rows = Table("Id", "Module", "Storage", *numbers[1:], right=numbers)
    for one in report.modules:
        module = one.module
        size, alignment = (f"{module.segment.size:,}", str(module.segment.alignment)) if module.segment else ("?", "?")
        rows.add_row(
            str(module.id),
            Text(safe(module.name)),
            Text(module.storage, "cyan" if module.storage == "dynamic" else ""),
            size,
            alignment,
            Text(_blocks(one, report.threads), "yellow" if one.blocks < report.threads else ""),
            "?" if one.bytes_used is None else f"{one.bytes_used:,}",
            "?" if one.variables is None else f"{one.variables:,}",
            str(module.generation),
        )
    lines = [Text(safe(sentence), "bold" if index == 0 else "") for index, sentence in enumerate(sentences(report))]
    return Group(rows, Text(""), *lines)


def _blocks(one: ModuleReport, threads: int) -> str:
    return f"{one.blocks:,} of {threads:,}" if one.blocks < threads else "all"


def sentences(report: ModulesReport) -> list[str]:
    """The sums in plain words, and what is missing."""
    used = sum(one.bytes_used or 0 for one in report.modules)
    found = [room_sentence(report.room)] if report.room else []
    least = "at least " if any(one.unresolved or one.bytes_used is None for one in report.modules) else ""
    size = f"{least}{count(used, 'byte')}"
    found += [f"{count(len(report.modules), 'module')} in {count(report.threads, 'thread')}: {size}."]
    if report.problem:
        found.append(f"There may be more modules: {report.problem}.")
    untouched = [one.module.name for one in report.modules if one.unallocated == report.threads]
    if untouched and report.threads:
        found.append(f"No thread has touched {', '.join(untouched)}.")
    if report.emulated:
        objects = dict.fromkeys(module.name for module in report.emulated)
        variables = count(len(report.emulated), "variable")
        found.append(
            f"Emulated TLS, outside of all blocks: {variables} of {', '.join(objects)} (tls-symbols lists them)."
        )
    if report.budget:
        found += budget_sentences(report.budget)
    elif report.budget_problem:
        found.append(f"How much static TLS is left is not known: {report.budget_problem}.")
    unknown = [one.module.name for one in report.modules if one.unresolved]
    if unknown:
        found.append(f"For some threads it is not known whether they have a block of {', '.join(unknown)}.")
    found += [
        f"{one.module.problem[0].upper()}{one.module.problem[1:]}." for one in report.modules if one.module.problem
    ]
    return found
