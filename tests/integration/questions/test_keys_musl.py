"""tls-keys on musl, which neither describes its keys nor numbers their uses: what is proven is shown, the rest said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from integration.documents import documents
from integration.harness import PROGRAMS, core_subject, live_subject
from integration.questions.test_keys import FILLERS, said


@pytest.mark.parametrize("linking", ["dynamic", "static"])
def test_keys_of_musl(linking: str, kind: str, tmp_path: Path) -> None:
    executable = tmp_path / "keys_musl"
    sources = [PROGRAMS / "keys.c", PROGRAMS / "truth.c"]
    flags = ["-DKEEP", "-g", "-O1", "-std=gnu11", "-pthread"] + ["-static"] * (linking == "static")
    subprocess.run(["musl-gcc", *flags, *map(str, sources), "-o", str(executable)], check=True, capture_output=True)
    if kind == "live":
        with live_subject("keys", executable, tmp_path / "live") as subject:
            document = documents(subject, ["tls-keys"], tmp_path / "found")["tls-keys"]
            lines = said(subject)
    else:
        subject = core_subject("keys", executable, tmp_path / "core", (), by_kernel=None)
        document = documents(subject, ["tls-keys"], tmp_path / "found")["tls-keys"]
        lines = said(subject)
    assert document["target"]["libc"] == "musl"
    found = {(key["key"], row["lwp"]): (key, row) for key in document["keys"] for row in key["threads"]}
    # A dynamic musl is stripped: the table of destructors has no name in it.
    known = document["problem"] is None
    assert known == (linking == "static")
    for line in lines:
        if not known and not any(other["state"] == "set" for other in lines if other["key"] == line["key"]):
            assert (line["key"], line["lwp"]) not in found
            continue
        key, row = found[line["key"], line["lwp"]]
        assert (row["state"], int(row["value"] or "0", 16)) == (line["state"], int(line["value"], 16)), (line, row)
        assert (key["sequence"], row["sequence"]) == (None, None)
        assert (key["destructor"]["name"] or "") == (line["destructor"] if known else "")
        assert key["in_use"] is (True if known else None)
    assert len(document["keys"]) == (FILLERS + 5 if known else 4)
