"""Makes small ELF files in memory: 32 or 64 bits, either byte order, only what gdb_tls.elf reads.

The loaded part is one PT_LOAD from the start of the file, so that an address is the file
offset plus `base`:

    0x000  ELF header, program headers
    0x200  build id note
    0x280  dynamic section
    0x300  name of the program interpreter
    0x400  initial image of thread-local storage (.tdata)
    0x1000 and up: `data`

Symbol tables and the other sections follow behind it and are not loaded.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

MACHINES = {"x86-64": 62, "i386": 3, "aarch64": 183, "arm": 40, "riscv64": 243, "ppc64le": 21, "s390x": 22}
ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS, SHT_DYNSYM = 1, 2, 3, 8, 11
STT_OBJECT, STT_FUNC, STT_FILE, STT_TLS = 1, 2, 4, 6
LOCAL, GLOBAL, WEAK = 0, 1, 2
HIDDEN = 2
NOTE_AT, DYNAMIC_AT, INTERPRETER_AT, TDATA_AT, DATA_AT = 0x200, 0x280, 0x300, 0x400, 0x1000


class Symbol(NamedTuple):
    """One row of a symbol table; `section` 0 is an undefined symbol."""

    name: str
    value: int
    size: int = 8
    kind: int = STT_TLS
    binding: int = GLOBAL
    section: int = 1
    visibility: int = 0


def file_row(name: str) -> Symbol:
    """The STT_FILE row that precedes a source file's local symbols."""
    return Symbol(name, 0, 0, STT_FILE, LOCAL, 0xFFF1)


class Tls(NamedTuple):
    """The PT_TLS header and the bytes of the initial image.

    `held` is its `p_filesz` where that is less than `image`, whose rest then is other data behind it.
    """

    image: bytes
    size: int
    alignment: int = 8
    address: int | None = None
    held: int | None = None


@dataclass
class Elf:
    """An ELF file to be."""

    bits: int = 64
    order: str = "<"
    machine: int = 62
    type: int = ET_DYN
    base: int = 0
    tls: Tls | None = None
    symtab: Sequence[Symbol] | None = None
    dynsym: Sequence[Symbol] | None = None
    build_id: bytes | None = None
    debugdata: bytes | None = None
    debuglink: str | None = None
    debug_info: bool = False
    sections: dict[str, bytes] = field(default_factory=dict)
    dynamic: Sequence[tuple[int, int]] = ()
    interpreter: str = ""
    data: dict[int, bytes] = field(default_factory=dict)
    memory_size: int = 0
    own_header: bool = True
    nobits: Sequence[str] = ()

    @property
    def wide(self) -> bool:
        return self.bits == 64

    @property
    def header_count(self) -> int:
        return len(self._headers(0))

    @property
    def headers_at(self) -> int:
        """Address of the program headers."""
        return self.base + (64 if self.wide else 52)

    @property
    def dynamic_at(self) -> int:
        """Address of the dynamic section."""
        return self.base + DYNAMIC_AT

    def image(self) -> bytes:
        """The bytes that are loaded at `base`."""
        end = max([DATA_AT, *(address - self.base + len(data) for address, data in self.data.items())])
        image = bytearray(end)
        self._put(image, 0, self._file_header(0, 0, 0))
        self._put(image, 64 if self.wide else 52, b"".join(self._headers(end)))
        if self.build_id is not None:
            self._put(image, NOTE_AT, build_id_note(self.build_id, self.order))
        word = self.order + ("QQ" if self.wide else "II")
        self._put(image, DYNAMIC_AT, b"".join(struct.pack(word, *entry) for entry in [*self.dynamic, (0, 0)]))
        self._put(image, INTERPRETER_AT, self.interpreter.encode())
        if self.tls:
            self._put(image, TDATA_AT, self.tls.image)
        for address, data in self.data.items():
            assert address - self.base >= DATA_AT, "below it is the writer's own"
            self._put(image, address - self.base, data)
        return bytes(image)

    def file(self) -> bytes:
        """The whole file."""
        content = bytearray(self.image())
        names = bytearray(b"\0")
        rows = [(0, 0, 0, 0, 0, 0)]  # name, type, offset, size, link, entry size

        def section(name: str, kind: int, data: bytes, link: int = 0, entry: int = 0) -> None:
            content.extend(bytes(-len(content) % 16))
            kind = SHT_NOBITS if name in self.nobits else kind
            rows.append((len(names), kind, len(content), len(data), link, entry))
            names.extend(name.encode() + b"\0")
            if kind != SHT_NOBITS:
                content.extend(data)

        for name, strings, kind, symbols in (
            (".dynsym", ".dynstr", SHT_DYNSYM, self.dynsym),
            (".symtab", ".strtab", SHT_SYMTAB, self.symtab),
        ):
            if symbols is not None:
                table, text = self._symbols(symbols)
                section(name, kind, table, link=len(rows) + 1, entry=24 if self.wide else 16)
                section(strings, SHT_STRTAB, text)
        for name, data in self.sections.items():
            section(name, SHT_PROGBITS, data)
        if self.debug_info:
            section(".debug_info", SHT_PROGBITS, b"DWARF")
        if self.debugdata is not None:
            section(".gnu_debugdata", SHT_PROGBITS, self.debugdata)
        if self.debuglink is not None:
            link = self.debuglink.encode() + b"\0"
            section(".gnu_debuglink", SHT_PROGBITS, link + bytes(-len(link) % 4) + b"\1\2\3\4")
        names_at = len(names)
        names.extend(b".shstrtab\0")
        rows.append((names_at, SHT_STRTAB, len(content), len(names), 0, 0))
        content.extend(names)
        content.extend(bytes(-len(content) % 16))
        table_at = len(content)
        for row in rows:
            content.extend(self._section_header(*row))
        self._put(content, 0, self._file_header(table_at, len(rows), len(rows) - 1))
        return bytes(content)

    def write(self, path: Path) -> str:
        """Writes the file and gives its name."""
        path.write_bytes(self.file())
        return str(path)

    @staticmethod
    def _put(content: bytearray, at: int, data: bytes) -> None:
        content[at : at + len(data)] = data

    def _file_header(self, sections_at: int, sections: int, names: int) -> bytes:
        ident = b"\x7fELF" + bytes([2 if self.wide else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        sizes = (64, 56, 64) if self.wide else (52, 32, 40)
        return ident + struct.pack(
            self.order + ("HHIQQQIHHHHHH" if self.wide else "HHIIIIIHHHHHH"),
            *(self.type, self.machine, 1, 0, sizes[0], sections_at, 0),
            *(sizes[0], sizes[1], self.header_count, sizes[2], sections, names),
        )

    def _headers(self, end: int) -> list[bytes]:
        table = self.headers_at - self.base
        size = 56 if self.wide else 32
        wanted = [(PT_LOAD, 0, self.base, end, max(end, self.memory_size), 4096)]
        if self.dynamic:
            entry = 16 if self.wide else 8
            length = (len(self.dynamic) + 1) * entry
            wanted.append((PT_DYNAMIC, DYNAMIC_AT, self.base + DYNAMIC_AT, length, length, 8))
        if self.interpreter:
            length = len(self.interpreter) + 1
            wanted.append((PT_INTERP, INTERPRETER_AT, self.base + INTERPRETER_AT, length, length, 1))
        if self.build_id is not None:
            length = len(build_id_note(self.build_id, self.order))
            wanted.append((PT_NOTE, NOTE_AT, self.base + NOTE_AT, length, length, 4))
        if self.tls:
            address = self.base + TDATA_AT if self.tls.address is None else self.tls.address
            held = len(self.tls.image) if self.tls.held is None else self.tls.held
            wanted.append((PT_TLS, TDATA_AT, address, held, self.tls.size, self.tls.alignment))
        if self.own_header:
            length = (len(wanted) + 1) * size
            wanted.insert(0, (PT_PHDR, table, self.base + table, length, length, 8))
        if self.wide:
            return [
                struct.pack(self.order + "IIQQQQQQ", kind, 4, offset, address, address, held, memory, alignment)
                for kind, offset, address, held, memory, alignment in wanted
            ]
        return [
            struct.pack(self.order + "IIIIIIII", kind, offset, address, address, held, memory, 4, alignment)
            for kind, offset, address, held, memory, alignment in wanted
        ]

    def _symbols(self, symbols: Sequence[Symbol]) -> tuple[bytes, bytes]:
        strings = bytearray(b"\0")
        rows = bytearray(24 if self.wide else 16)
        for one in symbols:
            info = one.binding << 4 | one.kind
            if self.wide:
                fields = (len(strings), info, one.visibility, one.section, one.value, one.size)
                rows += struct.pack(self.order + "IBBHQQ", *fields)
            else:
                fields = (len(strings), one.value, one.size, info, one.visibility, one.section)
                rows += struct.pack(self.order + "IIIBBH", *fields)
            strings += one.name.encode() + b"\0"
        return bytes(rows), bytes(strings)

    def _section_header(self, name: int, kind: int, offset: int, size: int, link: int, entry: int) -> bytes:
        layout = "IIQQQQIIQQ" if self.wide else "IIIIIIIIII"
        return struct.pack(self.order + layout, name, kind, 0, 0, offset, size, link, 0, 1, entry)


def build_id_note(build_id: bytes, order: str = "<") -> bytes:
    """NT_GNU_BUILD_ID, after a note of another kind."""
    other = struct.pack(order + "III", 4, 5, 1) + b"GNU\0" + b"odd5!\0\0\0"
    return other + struct.pack(order + "III", 4, len(build_id), 3) + b"GNU\0" + build_id
