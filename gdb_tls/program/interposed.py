"""Definitions that no code uses: of several of one name the loader takes the first in its scopes for all who ask.

C++ inline variables and static members of templates are defined in every object that uses them (weak, or
STB_GNU_UNIQUE).  Which one a library's code uses stands in its own GOT, where the loader has put the module's id
(DTPMOD), the distance from the thread pointer (TPREL), or TLSDESC's argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.relocations import Relocation, relocations
from gdb_tls.program.module_symbols import Candidate
from gdb_tls.target.model import Module
from gdb_tls.target.protocol import Target, UnreadableMemory


class Types(NamedTuple):
    """An architecture's numbers of the relocations (R_...) that lead to a variable; -1 for none.

    Attributes:
        module: DTPMOD: the module's id.
        distance: TPREL, TPOFF: how far the variable is from the thread pointer.
        descriptor: TLSDESC, where its argument is the second of two words.
    """

    module: int = -1
    distance: int = -1
    descriptor: int = -1


# elf.h, by EM_...
TYPES = {
    3: Types(35, 14),  # R_386_TLS_DTPMOD32, _TPOFF
    21: Types(68, 73),  # R_PPC64_DTPMOD64, _TPREL64
    22: Types(54, 56),  # R_390_TLS_DTPMOD, _TPOFF
    40: Types(17, 19),  # R_ARM_TLS_DTPMOD32, _TPOFF32
    62: Types(16, 18, 36),  # R_X86_64_DTPMOD64, _TPOFF64, _TLSDESC
    183: Types(1028, 1030, 1031),  # R_AARCH64_TLS_DTPMOD, _TPREL, _TLSDESC
    243: Types(7, 11),  # R_RISCV_TLS_DTPMOD64, _TPREL64
}


def unused(target: Target, candidates: Sequence[Candidate]) -> dict[Candidate, Candidate]:
    """Definition that no code uses -> the one of that name that its own module's code uses instead.

    Only what the GOT proves is said: a definition whose module does not ask for it by name is in use.
    """
    by_name: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
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
        file = open_elf(module.path)
        types = types_of(file)
        rows = [row for row in relocations(file, frozenset(types)) if row.symbol and row.symbol.name in several]
    except NotElf:
        return
    for row in rows:
        name = row.symbol.name if row.symbol else ""
        for one in several[name]:
            if is_bound(target, types, module.load_base + row.address, row, one):
                yield name, one


def types_of(file: ElfFile) -> Types:
    """The numbers of a file's architecture; of one that is not known they fit no relocation."""
    return TYPES.get(file.machine, Types())


def is_bound(target: Target, types: Types, slot: int, row: Relocation, one: Candidate) -> bool:
    """Whether a slot of a GOT leads to a definition.

    Args:
        target: the debugger.
        types: the architecture's.
        slot: its address in memory.
        row: its relocation.
        one: the definition.
    """
    kind, addend = row.type, row.addend
    try:
        distance = _from_thread_pointer(target, one)
        if kind == types.module:
            number = _word(target, slot)
            if number or target.architecture.name != "ppc64le":
                return number == one.module.id
            # glibc sysdeps/powerpc/powerpc64/dl-machine.h, PPC64_OPT_TLS: of static TLS, the distance comes behind a 0.
            slot += target.architecture.pointer_size
        if kind in (types.module, types.distance):
            return distance is not None and _word(target, slot) == _unsigned(target, distance + addend)
        argument = _word(target, slot + 8)
        if distance is not None and argument == _unsigned(target, distance + addend):
            return True
        # glibc sysdeps/x86_64/dl-tlsdesc.h, struct tlsdesc_dynamic_arg: begins with a tls_index.
        return _word(target, argument) == one.module.id and _word(target, argument + 8) == one.symbol.value + addend
    except UnreadableMemory:
        return False


def _from_thread_pointer(target: Target, one: Candidate) -> int | None:
    if one.module.static_offset is None:
        return None
    architecture = target.architecture
    offset = -one.module.static_offset if architecture.static_below else one.module.static_offset
    return offset - architecture.thread_pointer_bias + one.symbol.value


def _unsigned(target: Target, value: int) -> int:
    return value % (1 << 8 * target.architecture.pointer_size)


def _word(target: Target, address: int) -> int:
    architecture = target.architecture
    data = target.memory.read(_unsigned(target, address), architecture.pointer_size)
    return int.from_bytes(data, "big" if architecture.byte_order == "big" else "little")
