"""`tls-modules`'s answer for programs: the JSON document `gdb-tls/modules/1`, and one flat table."""

from __future__ import annotations

from typing import Any

from gdb_tls.questions.modules.answer import ModulesReport
from gdb_tls.questions.modules.budget import budget_document, room_document
from gdb_tls.target.model import Module
from gdb_tls.views.parts import pointer
from gdb_tls.views.records import Records


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
        "problem": report.problem or None,
        "static_tls": budget_document(report.budget, report.budget_problem),
        "would_load": room_document(report.room) if report.room else None,
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
