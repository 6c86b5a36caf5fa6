"""Objects of the C++ library as DWARF describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gdb_tls.elf.dwarf import TAG_CLASS, TAG_STRUCT, TAG_UNION
from gdb_tls.hosts.native.dwarf_types import TAG_ARRAY, DwarfType
from gdb_tls.hosts.native.library_objects import Field
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.protocol import Memory

# System V ABI, Intel386 supplement, 3.1.2: in structures, what has 8 bytes or more is aligned to a word.
MOST_ALIGNED = {"i386": 4}


class DwarfReader:
    """Implements `native.library_objects.Reader`.

    Args:
        memory: the program's.
        architecture: of the program.
        symbol_at: the name of what is at an address.
    """

    def __init__(
        self, memory: Memory, architecture: Architecture, symbol_at: Callable[[int], str | None] = lambda address: None
    ) -> None:
        """Takes what objects are read with."""
        self._memory = memory
        self._symbol_at = symbol_at
        self.word = architecture.pointer_size
        self.is_little = architecture.byte_order == "little"
        self._most_aligned = MOST_ALIGNED.get(architecture.name, 1 << 16)

    def name(self, kind: DwarfType) -> str:
        """See `Reader.name`."""
        return kind.bare.qualified

    def is_class(self, kind: DwarfType) -> bool:
        """See `Reader.is_class`."""
        return kind.bare.tag in (TAG_STRUCT, TAG_CLASS)

    def is_union(self, kind: DwarfType) -> bool:
        """See `Reader.is_union`."""
        return kind.bare.tag == TAG_UNION

    def fields(self, kind: DwarfType) -> Sequence[Field[DwarfType]]:
        """See `Reader.fields`."""
        bare = kind.bare
        if bare.tag not in (TAG_STRUCT, TAG_CLASS, TAG_UNION):
            return ()
        return [Field(one.name, one.offset, one.type, one.is_base) for one in bare.members if one.bits is None]

    def argument(self, kind: DwarfType, index: int) -> DwarfType:
        """See `Reader.argument`."""
        arguments = kind.bare.template_arguments
        found = arguments[index] if index < len(arguments) else None
        if found is None:
            raise NotLaidOut(f"argument {index} of {kind.name} is no type")
        return found

    def size(self, kind: DwarfType) -> int:
        """See `Reader.size`."""
        return kind.size

    def alignment(self, kind: DwarfType) -> int:
        """See `Reader.alignment`."""
        return min(kind.alignment, self._most_aligned)

    def array(self, kind: DwarfType) -> tuple[DwarfType, int] | None:
        """See `Reader.array`."""
        bare = kind.bare
        return (bare.element, bare.counts[0] if bare.counts else 0) if bare.tag == TAG_ARRAY else None

    def target(self, kind: DwarfType) -> DwarfType:
        """See `Reader.target`."""
        return kind.bare.target

    def symbol(self, address: int) -> str:
        """See `Reader.symbol`."""
        return self._symbol_at(address) or ""

    def named(self, name: str) -> DwarfType | None:
        """See `Reader.named`: DWARF is not searched by names here."""
        return None

    def number(self, address: int, size: int) -> int:
        """See `Reader.number`.

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        return int.from_bytes(self._memory.read(address, size), "little" if self.is_little else "big")
