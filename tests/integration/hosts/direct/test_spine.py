"""Without a debugger and without drgn: all that ELF files and the C library's own bookkeeping answer."""

from __future__ import annotations

import pytest
from integration.conftest import Subjects
from integration.hosts.direct.answers import differences, gdb_tls, last_key

# What needs types, and what follows from them.
OF_TYPES = {
    *("engine", "type", "source", "file", "line", "kind", "signed", "areas"),
    *("text", "texts", "value", "values", "flags", "name", "state", "states", "reason", "reasons"),
    *("function", "frames", "verdict", "set", "null", "unreadable", "pointers", "shared", "dangling"),
}


@pytest.mark.parametrize("command", ["tls-modules", "tls-keys"])
def test_what_needs_no_types_is_the_same(subjects: Subjects, command: str) -> None:
    subject = subjects.get("zoo", "core")
    words = ["core", subject.core, "--exe", subject.executable, "--command", command, "--format", "json"]
    with_gdb = gdb_tls([*words, "--engine", "gdb"])
    directly = gdb_tls([*words, "--engine", "direct"], drgn=False)
    found = list(differences(with_gdb.document, directly.document))
    assert found == [("target.engine", "gdb", "direct")]
    assert with_gdb.status == directly.status


@pytest.mark.parametrize("command", ["tls-symbols", "tls-map", "tls-thread"])
def test_what_needs_types_is_the_same_in_all_else(subjects: Subjects, command: str) -> None:
    subject = subjects.get("zoo", "core")
    words = ["core", subject.core, "--exe", subject.executable, "--command", command, "--format", "json"]
    words += ["1"] if command == "tls-thread" else []
    with_gdb = gdb_tls([*words, "--engine", "gdb"])
    directly = gdb_tls([*words, "--engine", "direct"], drgn=False)
    found = {last_key(path) for path, _, _ in differences(with_gdb.document, directly.document)}
    assert found <= OF_TYPES
    assert "type" in found
