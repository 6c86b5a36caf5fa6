"""The entries of the global offset table through which code finds thread-local variables.

Drepper, "ELF Handling For Thread-Local Storage", section 4; x86-64 psABI, section "Thread-Local Storage"; AAELF64,
"Thread-local storage descriptors".
"""

from __future__ import annotations

import struct

from gdb_tls.code.values import TlsTarget
from gdb_tls.elf import relocations as numbers
from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import EM_AARCH64, EM_X86_64
from gdb_tls.elf.relocations import Relocation, relocations
from gdb_tls.tuples import NamedTuple

# What the dynamic linker is asked for, by architecture: the module's id, an offset in its block, an offset from the
# thread pointer, a descriptor.
_TYPES = {
    EM_X86_64: (
        numbers.R_X86_64_DTPMOD64,
        numbers.R_X86_64_DTPOFF64,
        numbers.R_X86_64_TPOFF64,
        numbers.R_X86_64_TLSDESC,
    ),
    EM_AARCH64: (
        numbers.R_AARCH64_TLS_DTPMOD,
        numbers.R_AARCH64_TLS_DTPREL,
        numbers.R_AARCH64_TLS_TPREL,
        numbers.R_AARCH64_TLSDESC,
    ),
}


class Slot(NamedTuple):
    """One entry.

    Attributes:
        address: as the file is linked.
        kind: "index" (a `tls_index`, the argument of __tls_get_addr), "offset" (from the thread pointer), "descriptor".
        target: whose block it leads to.
        offset: in the block, if the target is the file's own or `target.defined`; from the symbol else.
        is_base: an index of the whole block, with which local-dynamic code begins, or of the variable at offset 0.
    """

    address: int
    kind: str
    target: TlsTarget
    offset: int
    is_base: bool = False


def slots(file: ElfFile) -> dict[int, Slot]:
    """All of a file's entries, by address; empty for an architecture that is not known here."""
    types = _TYPES.get(file.machine)
    if types is None:
        return {}
    module, offset_in_block, offset_in_thread, descriptor = types
    found = list(relocations(file, frozenset(types)))
    offsets = {one.address: one for one in found if one.type == offset_in_block}
    entries = {}
    for one in found:
        if one.type == module:
            entries[one.address] = _index(file, one, offsets.get(one.address + 8))
        elif one.type == offset_in_thread:
            entries[one.address] = _slot("offset", one)
        elif one.type == descriptor:
            entries[one.address] = _slot("descriptor", one)
    return entries


def _slot(kind: str, relocation: Relocation) -> Slot:
    symbol = relocation.symbol
    if symbol is None:
        return Slot(relocation.address, kind, TlsTarget(slot=relocation.address), relocation.addend)
    target = TlsTarget(symbol.name, symbol.defined, relocation.address)
    return Slot(relocation.address, kind, target, relocation.addend + symbol.value * symbol.defined)


def _index(file: ElfFile, module: Relocation, offset: Relocation | None) -> Slot:
    if offset is not None:
        slot = _slot("index", offset)
        return slot._replace(address=module.address, target=slot.target._replace(slot=module.address))
    if module.symbol is not None:
        return _slot("index", module)
    # The linker knew the offset of a local symbol, and wrote it into the file.
    word = file.at_address(module.address + 8, 8)
    known = struct.unpack("<Q", word)[0] if word else 0
    return Slot(module.address, "index", TlsTarget(slot=module.address), known, known == 0)
