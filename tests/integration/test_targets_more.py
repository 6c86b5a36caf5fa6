"""Targets that are rarer: both sides of a fork, split DWARF, symbols without DWARF location."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from functools import partial
from pathlib import Path

import pytest
from integration.harness import Inferior
from integration.hosts.direct.answers import gdb_tls
from integration.sessions import ask, session
from limits import wait_until

FORKS = r"""
#include <unistd.h>
__thread int whose = 11;
__thread int *pointer;
void both(void) { pause(); }
int main(void) { if (fork() == 0) { whose = 22; pointer = &whose; } both(); return 0; }
"""
FORKED = ("set detach-on-fork off", "set schedule-multiple on", "set breakpoint pending on", "break both", "run")
SELECTED = "python print(gdb.selected_inferior().num, gdb.selected_thread().num, gdb.selected_frame().level())"


def compiled(source: str, folder: Path, *flags: str) -> Path:
    file = folder / "program.c"
    file.write_text(source)
    subprocess.run(["gcc", "-g", "-O0", *flags, "-o", "program", file.name, "-pthread"], cwd=folder, check=True)
    return folder / "program"


def test_all_inferiors(tmp_path: Path) -> None:
    """Both sides of a fork have their own values; what was selected stays selected."""
    program = compiled(FORKS, tmp_path)
    document, rows, page = (tmp_path / name for name in ("all.json", "all.csv", "all.html"))
    command = "tls-inspect whose --all-inferiors"
    done = session(
        [program],
        [
            *FORKED,
            "continue",  # the other side comes to the breakpoint
            "inferior 1",
            "up",
            SELECTED,
            f"{command} --format json --output {document}",
            f"{command} --format csv --output {rows}",
            f"{command} --format html --output {page}",
            command,
            "add-inferior",
            f"{command} --all",
            "tls-inspect nowhere --all-inferiors",
            SELECTED + " ",
            "kill inferiors 1 2",
        ],
        tmp_path / "session",
    )
    found = json.loads(document.read_text())
    assert found["schema"] == "gdb-tls/inspect-all/1"
    parts = {part["inferior"]: part for part in found["inferiors"]}
    values = {number: [row["value"] for row in part["threads"]] for number, part in parts.items()}
    assert values == {1: [11], 2: [22]}, done.result.text
    assert all(part["schema"] == "gdb-tls/inspect/1" and part["reason"] is None for part in parts.values())
    assert parts[1]["pid"] != parts[2]["pid"]
    assert [(row["inferior"], row["value"]) for row in csv.DictReader(rows.open(newline=""))] == [
        ("1", "11"),
        ("2", "22"),
    ]
    assert "Inferior 2 (process" in page.read_text()
    table = done[command].output
    assert table.index("Inferior 1 (process") < table.index("11") and table.index("Inferior 2 (process") > 0
    third = done[f"{command} --all"].output.partition("Inferior 3\n")
    assert "Inferior 2 (process" in third[0] and "There is no process" in third[2]
    missing = done["tls-inspect nowhere --all-inferiors"]
    assert missing.error is None and missing.output.count("nowhere") >= 2
    before, after = done[SELECTED].output, done[SELECTED + " "].output
    assert before == after == "1 1 1\n"


SPLIT = r"""
#include <stdlib.h>
struct pair { int first, second; };
static __thread struct pair twin = {3, 4};
__thread int *pointer;
int main(void) { pointer = &twin.second; twin.first = 7; abort(); }
"""


@pytest.mark.parametrize("flags", [("-gsplit-dwarf",), ("-gsplit-dwarf", "-gdwarf-4")], ids=["dwarf5", "dwarf4"])
def test_split_dwarf(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """The types are in a .dwo file; GDB reads it, and our symbols too."""
    program = compiled(SPLIT, tmp_path, *flags)
    assert list(tmp_path.glob("*.dwo")), "the compiler did not split"
    found = ask([program], ["twin.first", "*pointer"], tmp_path / "asked", before=["run"], passive=True)
    assert [row["value"] for row in found["twin.first"]["threads"]] == [7]
    assert found["twin.first"]["variable"]["type"] == "struct pair"


UNPLACED = r"""
#include <stdlib.h>
extern __thread long plain;
int main(void) { plain = 4242; abort(); }
"""
# A symbol that the assembler alone made: the .symtab knows it, the DWARF does not.
PLAIN = r"""
        .section .tbss,"awT",@nobits
        .globl plain
        .type plain, @object
        .size plain, 8
        .balign 8
plain:  .zero 8
        .section .note.GNU-stack,"",@progbits
"""


def test_declared_without_location(tmp_path: Path) -> None:
    """DWARF declares the variable and says nothing of its place, as for one of another language's or of assembly."""
    (tmp_path / "plain.s").write_text(PLAIN)
    program = compiled(UNPLACED, tmp_path, "plain.s")
    found = ask([program], ["plain --type long"], tmp_path / "asked", before=["run"])["plain --type long"]
    assert [(row["state"], row["value"]) for row in found["threads"]] == [("set", 4242)]
    assert found["variable"]["linkage_name"] == "plain"


# A program without any C library, which waits.
BARE = ".globl _start\n_start: mov $34, %eax\nsyscall\njmp _start\n"


@pytest.mark.parametrize("engine", ["gdb", "direct"])
def test_no_thread_local_storage_at_all(engine: str, tmp_path: Path) -> None:
    """As Go programs without cgo are, which the Go linker marks: no C library is missing there."""
    bare, marked, note = tmp_path / "bare", tmp_path / "marked", tmp_path / "note"
    subprocess.run(["gcc", "-nostdlib", "-static", "-xassembler", "-", "-o", bare], input=BARE, text=True, check=True)
    note.write_bytes(b"\4\0\0\0\0\0\0\0\4\0\0\0Go\0\0")
    added = f".note.go.buildid={note}"
    subprocess.run(["objcopy", "--add-section", added, bare, marked], check=True)
    for program, is_go in ((bare, False), (marked, True)):
        with Inferior([program], tmp_path) as inferior:
            wait_until(partial(os.path.samefile, f"/proc/{inferior.pid}/exe", program), "it runs")
            said = gdb_tls(["pid", inferior.pid, "--engine", engine])
        assert said.status == 2
        assert said.errors.startswith("gdb-tls: The program has no thread-local variables: it is static")
        assert ("Go programs without cgo" in said.errors) == is_go
