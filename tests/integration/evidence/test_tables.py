"""Objects whose class went with its library: tls-audit says whose virtual table is gone, and of no other object."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.anywhere import run
from integration.cli.test_cli import gdb_tls
from integration.evidence.causes import allow_core
from integration.harness import PROGRAMS, kernel_writes_cores
from limits import LIMIT_SECONDS

MODES = {"pointer": "pointer", "storage": "storage", "member": "holder", "owner": "owner"}
GONE, UNLOADED = "no memory is mapped", "the library that has it was unloaded (dlclose)"


@pytest.fixture(params=["g++ -O0", "g++ -O2", "clang++ -O2", "g++ -O2 -s"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if not kernel_writes_cores():
        pytest.skip("the kernel does not write cores here")
    compiler, *flags = request.param.split()
    common = [compiler, "-g", "-std=c++17", *flags]
    run([*common, "-shared", "-fPIC", PROGRAMS / "unloaded_library.cc", "-o", tmp_path / "libunloaded.so"])
    run([*common, "-rdynamic", PROGRAMS / "unloaded.cc", "-pthread", "-ldl", "-o", tmp_path / "unloaded"])
    return tmp_path / "unloaded"


def audited(program: Path, mode: str, engine: str) -> tuple[dict[str, Any], Any]:
    """What the program said, and what tls-audit says of its core."""
    place = program.parent / mode
    if not place.exists():
        place.mkdir()
        (place / "libunloaded.so").symlink_to(program.parent / "libunloaded.so")
        with (place / "output").open("w") as output:
            subprocess.run(
                [program, mode], cwd=place, stdout=output, timeout=LIMIT_SECONDS, check=False, preexec_fn=allow_core
            )
    (core,) = place.glob("core*")
    done = gdb_tls("core", core, "--exe", program, "--all", "--format", "json", "--engine", engine)
    return json.loads((place / "output").read_text()), json.loads(done.stdout)


@pytest.mark.parametrize("engine", ["gdb", "direct"])
def test_objects_of_an_unloaded_library(engine: str, program: Path, request: pytest.FixtureRequest) -> None:
    is_stripped = "-s" in request.node.callspec.params["program"].split()
    for mode, variable in MODES.items():
        truth, found = audited(program, mode, engine)
        cause = found["findings"][0]
        assert cause["level"] == "the cause of the crash", mode
        # Clang makes two variables of a structure (`_ZL6holder.0`).
        assert is_stripped or variable in cause["variable"]["name"], mode
        (said,) = [one["sentence"] for one in cause["reasons"] if UNLOADED in one["sentence"]]
        assert truth["table"] in said and GONE in said, mode


@pytest.mark.parametrize("engine", ["gdb", "direct"])
def test_hints_and_healthy_objects(engine: str, program: Path, request: pytest.FixtureRequest) -> None:
    """Without a crash it is a hint, where types tell; what was freed is malloc's, and nothing is said of a library."""
    truth, found = audited(program, "none", engine)
    is_stripped = "-s" in request.node.callspec.params["program"].split()
    told = {one["name"]: str(one) for one in found["findings"] if UNLOADED in str(one)}
    assert set(told) == (set() if is_stripped else {"pointer", "owner"})
    assert all(truth["table"] in text for text in told.values())
    assert not any(one["alarming"] for one in found["findings"])
    _, found = audited(program, "deleted", engine)
    assert UNLOADED not in str(found)
