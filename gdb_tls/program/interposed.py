"""Definitions that no code uses: of several of one name the loader takes the first in its scopes for all who ask.

C++ inline variables and static members of templates are defined in every object that uses them (weak, or
STB_GNU_UNIQUE).  Which one a library's code uses stands in its own GOT, where the loader has put the module's id
(DTPMOD), the distance from the thread pointer (TPREL), or TLSDESC's argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.relocations import relocations
from gdb_tls.program.module_symbols import Candidate
from gdb_tls.target.model import Module
from gdb_tls.target.protocol import Target, UnreadableMemory

# elf.h: R_X86_64_DTPMOD64, _TPOFF64, _TLSDESC; R_AARCH64_TLS_DTPMOD, _TPREL, _TLSDESC.
DTPMOD, TPREL, TLSDESC = {16, 1028}, {18, 1030}, {36, 1031}
RELOCATIONS = frozenset(DTPMOD | TPREL | TLSDESC)
ARCHITECTURES = ("x86-64", "aarch64")


def unused(target: Target, candidates: Sequence[Candidate]) -> dict[Candidate, Candidate]:
    """Definition that no code uses -> the one of that name that its own module's code uses instead.

    Only what the GOT proves is said: a definition whose module does not ask for it by name is in use.
    """
    by_name: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates if target.architecture.name in ARCHITECTURES else ():
        if one.symbol.exported:
            by_name[one.symbol.name].append(one)
    several = {name: found for name, found in by_name.items() if len({one.module.id for one in found}) > 1}
    if not several:
        return {}
    bound: dict[Candidate, Candidate] = {}
    used: set[Candidate] = set()
    for module in {one.module.id: one.module for found in several.values() for one in found}.values():
        for name, definition in _bindings(target, module, several):
            used.add(definition)
            own = next((one for one in several[name] if one.module.id == module.id), None)
            if own is not None and own != definition:
                bound[own] = definition
    return {own: definition for own, definition in bound.items() if own not in used}


def _bindings(
    target: Target, module: Module, several: Mapping[str, Sequence[Candidate]]
) -> Iterator[tuple[str, Candidate]]:
    """Name -> the definition that the module's code has been bound to."""
    if module.path is None:
        return
    try:
        rows = [
            row for row in relocations(open_elf(module.path), RELOCATIONS) if row.symbol and row.symbol.name in several
        ]
    except NotElf:
        return
    for row in rows:
        name = row.symbol.name if row.symbol else ""
        for one in several[name]:
            if is_bound(target, module.load_base + row.address, row.type, row.addend, one):
                yield name, one


def is_bound(target: Target, slot: int, kind: int, addend: int, one: Candidate) -> bool:
    """Whether a slot of a GOT leads to a definition.

    Args:
        target: the debugger.
        slot: its address in memory.
        kind: its relocation's type, one of `RELOCATIONS`.
        addend: the relocation's.
        one: the definition.
    """
    try:
        if kind in DTPMOD:
            return _word(target, slot) == one.module.id
        distance = _from_thread_pointer(target, one)
        if kind in TPREL:
            return distance is not None and _word(target, slot) == _unsigned(distance + addend)
        argument = _word(target, slot + 8)
        if distance is not None and argument == _unsigned(distance + addend):
            return True
        # glibc sysdeps/x86_64/dl-tlsdesc.h, struct tlsdesc_dynamic_arg: begins with a tls_index.
        return _word(target, argument) == one.module.id and _word(target, argument + 8) == one.symbol.value + addend
    except UnreadableMemory:
        return False


def _from_thread_pointer(target: Target, one: Candidate) -> int | None:
    if one.module.static_offset is None:
        return None
    offset = -one.module.static_offset if target.architecture.static_below else one.module.static_offset
    return offset + one.symbol.value


def _unsigned(value: int) -> int:
    return value % (1 << 64)


def _word(target: Target, address: int) -> int:
    return int.from_bytes(target.memory.read(_unsigned(address), 8), "little")
