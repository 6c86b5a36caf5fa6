"""Code that refers to a function without calling it: by its address, or by a constant that holds that.

So Rust's LocalKey has the function that gives a variable's address; the code that uses the variable has the LocalKey's.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

from gdb_tls.code.index import CodeIndex
from gdb_tls.elf.headers import EM_X86_64
from gdb_tls.elf.relocations import R_AARCH64_RELATIVE, R_X86_64_RELATIVE, relocations

# lea REGISTER, [rip + distance]: REX.W, with any register.
_LEA = re.compile(rb"(?=[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](....))", re.DOTALL)


def referring(index: CodeIndex, functions: Iterable[int]) -> set[int]:
    """The functions of a file that take the address of others of it, or of a constant that begins with such an address.

    Args:
        index: the file's code.
        functions: where the others begin, as the file is linked.
    """
    wanted = set(functions)
    types = frozenset((R_X86_64_RELATIVE, R_AARCH64_RELATIVE))
    wanted |= {one.address for one in relocations(index.file, types) if one.addend in wanted}
    search = _x86_64 if index.file.machine == EM_X86_64 else _aarch64
    found = {
        index.function_of(at)
        for address, code in index.functions.executable
        for at, target in search(code, address)
        if target in wanted
    }
    return {one for one in found if one is not None}


def _x86_64(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    """Yields (place, address) of what looks like the taking of an address."""
    for match in _LEA.finditer(code):
        at = address + match.start()
        yield at, at + 7 + int.from_bytes(match.group(1), "little", signed=True)


def _aarch64(code: bytes, address: int) -> Iterator[tuple[int, int]]:
    """The same: `adrp` gives the page, an `add` that comes soon the place in it."""
    pages: dict[int, int] = {}
    for number, (word,) in enumerate(struct.iter_unpack("<I", code[: len(code) // 4 * 4])):
        at = address + number * 4
        if word & 0x9F000000 == 0x90000000:
            distance = (word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3
            pages[word & 31] = ((at >> 12) + (distance - (1 << 21) if distance >> 20 else distance)) << 12
        elif word & 0xFFC00000 == 0x91000000 and word >> 5 & 31 in pages:
            yield at, pages[word >> 5 & 31] + (word >> 10 & 0xFFF)
