"""What the index says where it can say nothing."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from gdb_tls.code.index import CodeIndex
from gdb_tls.elf.file import ElfFile
from gdb_tls.errors import UnsupportedTarget

ROOT = Path(__file__).resolve().parents[3]
EM_RISCV, EM_X86_64 = 243, 62


def header(machine: int) -> ElfFile:
    """An ELF file of nothing but its header."""
    data = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHI3QI6H", 3, machine, 1, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0)
    return ElfFile("header", io.BytesIO(data))


def test_other_architectures_say_so() -> None:
    with pytest.raises(UnsupportedTarget, match="not for this architecture yet"):
        CodeIndex(header(EM_RISCV))


def test_file_without_code_has_no_accesses() -> None:
    assert CodeIndex(header(EM_X86_64)).accesses() == []


def test_without_capstone_one_sentence() -> None:
    """The package is imported when code is decoded, not before."""
    code = f"""
import sys
sys.path[:0] = {[str(ROOT), *sys.path]!r}
sys.modules["capstone"] = None
import gdb_tls.code.index
from gdb_tls.code.x86_64 import X86Decoder
from gdb_tls.errors import MissingPackage
try:
    X86Decoder()
except MissingPackage as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("The Python package capstone, which reads machine code, cannot be used (")
    assert "install.sh" in done.stdout and done.stdout.count("\n") == 1
