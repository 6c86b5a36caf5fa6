"""What tls-audit says of a crash beside the variable's name: the program knows what has to be said."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.anywhere import run
from integration.evidence.causes import alarms_of, audits_of_cores, cores
from integration.harness import PROGRAMS, kernel_writes_cores

# At -O0 the value that a scope puts back has gone through its memory, and a library's table is a call deeper.
AT = {0: {"clear", "behind", "member", "part", "compared", "began"}, 2: None}


def build(compiler: str, level: int, folder: Path) -> Path:
    flags = ["-g", f"-O{level}", "-std=c++17", "-pthread"]
    library = folder / "libcircumstances.so"
    run([compiler, *flags, "-shared", "-fPIC", PROGRAMS / "circumstances_library.cc", "-o", library])
    program = folder / "circumstances"
    run([compiler, *flags, PROGRAMS / "circumstances.cc", library, "-Wl,-rpath,$ORIGIN", "-o", program])
    return program


@pytest.mark.parametrize("level", AT)
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_sentences(compiler: str, level: int, tmp_path: Path) -> None:
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    program = build(compiler, level, tmp_path)
    wrong = []
    for mode, truth, found in audits_of_cores(program, cores(program, tmp_path / "cores")):
        alarms = alarms_of(found)
        said = " ".join(reason["sentence"] for one in alarms for reason in one["reasons"])
        missing = [text for text in truth["says"].split("|") if text not in said]
        if (len(alarms) != 1 or missing) and (AT[level] is None or mode in AT[level]):
            wrong.append((mode, missing, said))
    assert not wrong, "\n".join(map(str, wrong))
