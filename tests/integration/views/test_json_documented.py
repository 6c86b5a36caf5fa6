"""docs/json.md and the documents have the same keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from integration.conftest import Subjects
from integration.documents import documents
from integration.sessions import CHECKOUT

DOCUMENTATION = CHECKOUT / "docs" / "json.md"
COMMANDS = {
    "inspect": "tls-inspect zoo_some->str",
    "verify": "tls-verify zoo_buffer",
    "modules": "tls-modules",
    "symbols": "tls-symbols",
    "thread": "tls-thread all",
    "keys": "tls-keys",
    "exit": "tls-exit all",
    "whatis": "tls-whatis &zoo_options",
    "access": "tls-access access_hidden",
    "audit": "tls-audit",
    "table": "tls-table zoo_buffer, $pc --group",
    "map": "tls-map",
    "diff": "tls-diff 1 2",
}
# Keys that are names of resolvers, threads' states and the like.
OPEN = {"answered", "unavailable", "addresses", "reasons", "summary", "states", "uses"}


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from keys(one)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in OPEN:
                yield from keys(inner)


def test_every_key_is_documented(subjects: Subjects, tmp_path: Path) -> None:
    text = DOCUMENTATION.read_text()
    general = text.split("## gdb-tls/")[0] + text.split("## gdb-tls/inspect/1")[1].split("\n## ")[0]
    found = documents(
        subjects.get("zoo", "core"),
        [one for one in COMMANDS.values() if "access" not in one and "exit" not in one],
        tmp_path / "zoo",
        passive=False,
    )
    found |= documents(subjects.get("keys", "core"), ["tls-keys"], tmp_path / "keys")  # zoo has no keys
    found |= documents(subjects.get("exits", "core"), ["tls-exit all"], tmp_path / "exits")
    found |= documents(subjects.get("access", "core"), ["tls-access access_hidden"], tmp_path / "access")
    for name, command in COMMANDS.items():
        assert found[command]["schema"] == f"gdb-tls/{name}/1"
        section = re.split(rf"\n## gdb-tls/{name}/1\n", text)[1].split("\n## ")[0]
        known = set(re.findall(r"`(\w+)(?:\[\])?`", section + general)) | {"schema"}
        used = set(keys(found[command]))
        assert used <= known, f"{name}: {used - known} are not in {DOCUMENTATION.name}"
        # What the section's tables name must be there.
        rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        promised = {word for row in rows for word in re.findall(r"`(\w+)(?:\[\])?`", row)}
        assert promised <= used, f"{name}: there are no {promised - used}"
