"""Definitions that no code uses: of several of one name the loader takes the first in its scopes for all who ask.

C++ inline variables and static members of templates are defined in every object that uses them (weak, or
STB_GNU_UNIQUE).  Which one a library's code uses stands in its own GOT, where the loader has put the module's id
(DTPMOD), the distance from the thread pointer (TPREL), or TLSDESC's argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.elf.relocations import Relocation, relocations
from gdb_tls.program.module_symbols import Candidate
from gdb_tls.program.names import EMULATED_CONTROL
from gdb_tls.target.protocol import Target, UnreadableMemory
from gdb_tls.tuples import NamedTuple


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


# elf.h, by the architecture's name.
TYPES = {
    "x86-64": Types(16, 18, 36),  # R_X86_64_DTPMOD64, _TPOFF64, _TLSDESC
    "i386": Types(35, 14),  # R_386_TLS_DTPMOD32, _TPOFF
    "aarch64": Types(1028, 1030, 1031),  # R_AARCH64_TLS_DTPMOD, _TPREL, _TLSDESC
    "arm": Types(17, 19),  # R_ARM_TLS_DTPMOD32, _TPOFF32
    "riscv64": Types(7, 11),  # R_RISCV_TLS_DTPMOD64, _TPREL64
    "ppc64le": Types(68, 73),  # R_PPC64_DTPMOD64, _TPREL64
    "s390x": Types(54, 56),  # R_390_TLS_DTPMOD, _TPOFF
}

# Those that lead to what is no thread-local variable of the loader's: GLOB_DAT, and a word that holds an address.
ADDRESSES = {
    "x86-64": frozenset({6, 1}),  # R_X86_64_GLOB_DAT, _64
    "i386": frozenset({6, 1}),  # R_386_GLOB_DAT, _32
    "aarch64": frozenset({1025, 257}),  # R_AARCH64_GLOB_DAT, _ABS64
    "arm": frozenset({21, 2}),  # R_ARM_GLOB_DAT, _ABS32
    "riscv64": frozenset({2}),  # R_RISCV_64
    "ppc64le": frozenset({20, 38}),  # R_PPC64_GLOB_DAT, _ADDR64
    "s390x": frozenset({10, 22}),  # R_390_GLOB_DAT, _64
}


class Asking(NamedTuple):
    """An object whose code may ask the loader for variables.

    Attributes:
        path: its file.
        load_base: what is added to the file's addresses.
    """

    path: str
    load_base: int


def unused(
    target: Target, candidates: Sequence[Candidate], others: Callable[[], Iterable[Asking]] = lambda: ()
) -> dict[Candidate, Candidate]:
    """Definition that no code uses -> the one of that name that its own module's code uses instead.

    Only what the GOT proves is said: a definition whose module does not ask for it by name is in use.

    Args:
        target: the debugger.
        candidates: all definitions.
        others: gives the other objects that are loaded; only asked where that matters.
    """
    by_name: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        if one.symbol.exported:
            by_name[_asked_by(one)].append(one)
    several = {name: found for name, found in by_name.items() if len({one.module.object for one in found}) > 1}
    if not several:
        return {}
    bound: dict[Candidate, Candidate] = {}
    used: set[Candidate] = set()
    defining = {one.module.object: one.module for found in several.values() for one in found}
    asking = [Asking(one.path, one.load_base) for one in defining.values() if one.path]
    for asks in dict.fromkeys([*asking, *others()]):
        for name, definition in _bindings(target, asks, several):
            used.add(definition)
            for own in several[name]:
                if (own.module.path, own.module.load_base) == asks and own != definition:
                    bound[own] = definition
    return {own: definition for own, definition in bound.items() if own not in used}


def _asked_by(one: Candidate) -> str:
    """The name by which other code asks for a variable: of emulated TLS, that of its control variable."""
    return EMULATED_CONTROL + one.symbol.name if one.symbol.emulated else one.symbol.name


def _bindings(
    target: Target, asks: Asking, several: Mapping[str, Sequence[Candidate]]
) -> Iterator[tuple[str, Candidate]]:
    """Name -> the definition that the code of an object has been bound to."""
    try:
        rows = [*asked_for(target, asks.path, several)]
        controls = {name for name in several if name.startswith(EMULATED_CONTROL)}
        rows += controls_asked_for(target, asks.path, controls) if controls else ()
    except NotElf:
        return
    for row in rows:
        name = row.symbol.name if row.symbol else ""
        for one in several[name]:
            slot = asks.load_base + row.address
            if one.module.emulated:
                is_it = _holds(target, slot, one.module.emulated.control + row.addend)
            else:
                is_it = is_bound(target, slot, row.type, row.addend, one)
            if is_it:
                yield name, one


def _holds(target: Target, slot: int, address: int) -> bool:
    try:
        return _word(target, slot) == _unsigned(target, address)
    except UnreadableMemory:
        return False


def asked_for(target: Target, path: str, names: Container[str]) -> Iterator[Relocation]:
    """The entries by which a file asks the loader for thread-local variables by their names.

    Raises:
        NotElf: where it cannot be read.
    """
    types = frozenset(TYPES.get(target.architecture.name, Types()))
    return (row for row in relocations(open_elf(path), types) if row.symbol and row.symbol.name in names)


def controls_asked_for(target: Target, path: str, names: Container[str]) -> Iterator[Relocation]:
    """The entries by which a file asks the loader for variables of emulated TLS by their control variables' names.

    Raises:
        NotElf: where it cannot be read.
    """
    types = ADDRESSES.get(target.architecture.name, frozenset())
    return (row for row in relocations(open_elf(path), types) if row.symbol and row.symbol.name in names)


def is_bound(target: Target, slot: int, kind: int, addend: int, one: Candidate) -> bool:
    """Whether a slot of a GOT leads to a definition.

    Args:
        target: the debugger.
        slot: its address in memory.
        kind: its relocation's type, as in `asked_for`.
        addend: the relocation's.
        one: the definition.
    """
    types = TYPES.get(target.architecture.name, Types())
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
