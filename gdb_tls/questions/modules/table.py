"""`tls-modules`'s answer: the table, the JSON document `gdb-tls/modules/1`, and one record a module."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from gdb_tls.questions.command import Records, Screen
from gdb_tls.questions.modules.reading import ModuleReport, ModulesReport
from gdb_tls.target.model import Module
from gdb_tls.views.parts import count, plain_table, pointer
from gdb_tls.views.text import safe


def table(report: ModulesReport, screen: Screen) -> RenderableType:
    """A line for every module, and the sums."""
    del screen
    numbers = ("Id", "Size", "Align", "Blocks", "Bytes", "Vars", "Gen")
    rows = plain_table("Id", "Module", "Storage", *numbers[1:], right=numbers)
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
    found = [f"{count(len(report.modules), 'module')} in {count(report.threads, 'thread')}: {count(used, 'byte')}."]
    untouched = [one.module.name for one in report.modules if one.unallocated == report.threads]
    if untouched and report.threads:
        found.append(f"No thread has touched {', '.join(untouched)}.")
    unknown = [one.module.name for one in report.modules if one.unresolved]
    if unknown:
        found.append(f"For some threads it is not known whether they have a block of {', '.join(unknown)}.")
    found += [
        f"{one.module.problem[0].upper()}{one.module.problem[1:]}." for one in report.modules if one.module.problem
    ]
    return found


def module_fields(module: Module) -> dict[str, Any]:
    """What a module is, under the names that all documents use."""
    segment = module.segment
    return {
        "id": module.id,
        "name": module.name,
        "path": module.path,
        "target_path": module.target_path,
        "build_id": module.build_id,
        "load_base": pointer(module.load_base),
        "storage": module.storage,
        "size": segment.size if segment else None,
        "alignment": segment.alignment if segment else None,
        "image_size": segment.image_size if segment else None,
        "generation": module.generation,
        "problem": module.problem or None,
    }


def document(report: ModulesReport) -> dict[str, Any]:
    """All modules; addresses are lower-case hex strings."""
    return {
        "schema": "gdb-tls/modules/1",
        "target": report.target._asdict(),
        "threads": report.threads,
        "modules": [
            {
                **module_fields(one.module),
                "variables": one.variables,
                "blocks": one.blocks,
                "unallocated": one.unallocated,
                "unresolved": one.unresolved,
                "bytes_used": one.bytes_used,
            }
            for one in report.modules
        ],
        "bytes_used": sum(one.bytes_used or 0 for one in report.modules),
    }


def records(report: ModulesReport) -> Records:
    """One record a module, with the names of the JSON document."""
    modules = document(report)["modules"]
    columns = (
        *(
            "id",
            "name",
            "path",
            "build_id",
            "load_base",
            "storage",
            "size",
            "alignment",
            "image_size",
            "generation",
        ),
        *("variables", "blocks", "unallocated", "unresolved", "bytes_used", "problem"),
    )
    return Records(columns, ([module[column] for column in columns] for module in modules))
