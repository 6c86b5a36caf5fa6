"""Values as GDB prints them without pretty printers: numbers, structures, arrays, texts."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from gdb_tls.hosts.direct.described import describe, member
from gdb_tls.hosts.native.dwarf_types import (
    ATE_BOOLEAN,
    ATE_FLOAT,
    CLASSES,
    POINTERS,
    TAG_ARRAY,
    TAG_BASE,
    TAG_ENUM,
    TAG_FUNCTION,
    DwarfType,
    Member,
)
from gdb_tls.program.type_names import short_type
from gdb_tls.target.protocol import Memory, UnreadableMemory

LIBRARY = re.compile(r"std::(?:__\w+::)?(basic_string|unique_ptr|shared_ptr|weak_ptr)<")
# `set print repeats`; and how much of a value is shown at all.
REPEATS = 10
DEEPEST = 20
FLOATS = {2: "e", 4: "f", 8: "d"}
ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\033", 92: "\\\\"}


class Formatter:
    """Prints values of one program.

    Args:
        memory: the program's.
        byte_order: "little" or "big".
        most: how many elements or characters are shown.
        symbol_at: the name of what is at an address.
    """

    def __init__(self, memory: Memory, byte_order: str, most: int, symbol_at: Callable[[int], str | None]) -> None:
        """Takes what values are read with."""
        self._memory = memory
        self._little = byte_order == "little"
        self._most = most
        self._symbol_at = symbol_at
        self._left = most

    def text(self, kind: DwarfType, address: int) -> str:
        """The value at an address.

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        self._left = self._most
        return self._value(kind, self._memory.read(address, kind.size), 0)

    def _number(self, raw: bytes, signed: bool = False) -> int:
        return int.from_bytes(raw, "little" if self._little else "big", signed=signed)

    def _value(self, kind: DwarfType, raw: bytes, depth: int) -> str:
        bare = kind.bare
        if depth > DEEPEST:
            return "{...}"
        if bare.tag in CLASSES:
            known = self._of_library(bare, raw, depth) if bare.qualified.startswith("std::") else None
            return known if known is not None else self._structure(bare, raw, depth)
        if bare.tag == TAG_ARRAY:
            return self._array(bare, raw, depth)
        self._left -= 1
        if bare.tag in POINTERS:
            return self._pointer(bare, self._number(raw), depth)
        if bare.tag == TAG_ENUM:
            value = self._number(raw, bare.is_signed)
            return bare.enumerators.get(value) or _flags(bare, value)
        if bare.tag == TAG_BASE:
            return self._scalar(bare, raw)
        return "0x" + raw.hex() if raw else "<incomplete type>"

    def _scalar(self, bare: DwarfType, raw: bytes) -> str:
        if bare.encoding == ATE_BOOLEAN:
            value = self._number(raw)
            return {0: "false", 1: "true"}.get(value, str(value))
        if bare.encoding == ATE_FLOAT:
            form = FLOATS.get(len(raw))
            if form is None:
                return "0x" + raw.hex()
            value = struct.unpack(("<" if self._little else ">") + form, raw)[0]
            return f"{value:.{9 if len(raw) == 4 else 17}g}"
        number = self._number(raw, bare.is_signed)
        return f"{number} '{_character(raw[0], chr(39))}'" if len(raw) == 1 else str(number)

    def _pointer(self, bare: DwarfType, value: int, depth: int) -> str:
        target = bare.target.bare
        if target.tag == TAG_FUNCTION and value:
            name = self._symbol_at(value)
            shown = f"0x{value:x}" + (f" <{_joined(name)}>" if name else "")
            return shown if depth else f"({bare.name}) {shown}"
        if target.tag == TAG_BASE and target.size == 1 and target.encoding != ATE_BOOLEAN and value:
            return f"0x{value:x}{self._string(value)}"
        name = self._symbol_at(value) if value else None
        shown = f"0x{value:x}" + (f" <{_joined(name)}>" if name else "")
        return shown if depth else f"({bare.name}) {shown}"

    def _string(self, address: int) -> str:
        found = b""
        while b"\0" not in found and len(found) <= self._most:
            try:
                found += self._memory.read(address + len(found), 64 - (address + len(found)) % 64)
            except UnreadableMemory:
                break
        if not found:
            return f" <error: Cannot access memory at address 0x{address:x}>"
        text, zero, _ = found.partition(b"\0")
        cut = len(text) > self._most or not zero
        return " " + _quoted(text[: self._most]) + ("..." if cut else "")

    def _of_library(self, bare: DwarfType, raw: bytes, depth: int) -> str | None:
        """A class of libstdc++ as its own printers for GDB show it; None for those that are not known here."""
        match = LIBRARY.match(bare.qualified)
        kind = match[1] if match else ""
        if kind == "basic_string":
            return self._library_string(bare, raw)
        if kind in ("unique_ptr", "shared_ptr", "weak_ptr"):
            owner = describe(bare).owner
            argument = bare.template_argument()
            if owner is None or argument is None or (kind == "unique_ptr" and bare.size != self._word(bare)):
                return None
            pointer = self._number(raw[owner : owner + self._word(bare)])
            if kind != "unique_ptr" and pointer:
                return None  # the counters are in another object
            empty = " (empty)" if kind != "unique_ptr" else ""
            return f"{short_type(f'std::{kind}<{argument.name}>')}{empty} = {{get() = 0x{pointer:x}}}"
        return None

    def _word(self, bare: DwarfType) -> int:
        return bare.dwarf.address_size(bare.entry.offset) if bare.entry else 0

    def _library_string(self, bare: DwarfType, raw: bytes) -> str | None:
        """`std::string`: what it points to, as long as it says."""
        argument = bare.template_argument()
        pointer, length = member(bare, "_M_p"), member(bare, "_M_string_length")
        if pointer is None or argument is None or argument.size != 1:
            return None
        word = self._word(bare)
        at = self._number(raw[pointer[0] :][:word])
        try:
            # The old ABI's length is before the characters (libstdc++, cow_string.h, _Rep_base).
            said = raw[length[0] :][:word] if length else self._memory.read(at - 3 * word, word)
            size = self._number(said)
            data = self._memory.read(at, min(size, self._most)) if size else b""
        except UnreadableMemory:
            return f"<error: Cannot access memory at address 0x{at:x}>"
        self._left -= len(data)
        return _runs(data) + (f"... length {size}" if size > len(data) else "")

    def _structure(self, bare: DwarfType, raw: bytes, depth: int) -> str:
        parts = []
        for one in bare.members:
            if self._left <= 0:
                parts.append("...")
                break
            shown = self._member(one, raw, depth)
            if one.is_base:
                parts.append(f"<{one.type.name}> = {shown}")
            else:
                parts.append(f"{one.name} = {shown}" if one.name else shown)
        if not parts:
            return "<incomplete type>" if not bare.size else "{<No data fields>}"
        return "{" + ", ".join(parts) + "}"

    def _member(self, one: Member, raw: bytes, depth: int) -> str:
        if one.bits is not None:
            before, size = one.bits
            part = raw[one.offset : one.offset + (before + size + 7) // 8]
            value = self._number(part) >> (before if self._little else 8 * len(part) - before - size) & (
                (1 << size) - 1
            )
            if one.type.is_signed and value >> (size - 1):
                value -= 1 << size
            self._left -= 1
            bare = one.type.bare
            if bare.tag == TAG_ENUM:
                return bare.enumerators.get(value) or _flags(bare, value)
            if bare.tag == TAG_BASE and bare.encoding == ATE_BOOLEAN:
                return "true" if value else "false"
            return str(value)
        return self._value(one.type, raw[one.offset : one.offset + one.type.size], depth + 1)

    def _array(self, bare: DwarfType, raw: bytes, depth: int) -> str:
        element = bare.element
        size = element.size
        inner = element.bare
        if not size:
            return "{...}"
        if inner.tag == TAG_BASE and size == 1 and inner.encoding != ATE_BOOLEAN:
            return self._characters(raw)
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        return "{" + ", ".join(self._elements(element, pieces, depth)) + "}"

    def _elements(self, element: DwarfType, pieces: Sequence[bytes], depth: int) -> Iterator[str]:
        for piece, same in groupby(pieces):
            count = sum(1 for _ in same)
            if self._left <= 0:
                yield "..."
                return
            shown = self._value(element, piece, depth + 1)
            if count > REPEATS:
                yield f"{shown} <repeats {count} times>"
                self._left -= REPEATS - 1
                continue
            for index in range(count):
                yield shown if not index else self._value(element, piece, depth + 1)

    def _characters(self, raw: bytes) -> str:
        """An array of characters: without its last zeros, in quotes, runs of one character by their number."""
        cut = len(raw) > self._most
        shown = raw[: self._most]
        if not cut and shown.endswith(b"\0"):
            shown = shown[:-1]
        if not cut and not any(raw):
            return f"'\\000' <repeats {len(raw) - 1} times>" if len(raw) - 1 > REPEATS else _quoted(raw[:-1])
        self._left -= len(shown)
        return _runs(shown) + ("..." if cut else "")


def _runs(data: bytes) -> str:
    """Quoted text in which what is repeated often stands by itself."""
    parts: list[str] = []
    pending = b""
    for byte, same in groupby(data):
        count = sum(1 for _ in same)
        if count > REPEATS:
            if pending:
                parts.append(_quoted(pending))
                pending = b""
            parts.append(f"'{_character(byte, chr(39))}' <repeats {count} times>")
        else:
            pending += bytes([byte]) * count
    if pending or not parts:
        parts.append(_quoted(pending))
    return ", ".join(parts)


def _quoted(text: bytes) -> str:
    return '"' + "".join(_character(byte, '"') for byte in text) + '"'


def _character(byte: int, quote: str) -> str:
    if byte in ESCAPES:
        return ESCAPES[byte]
    if chr(byte) == quote:
        return "\\" + quote
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _joined(name: str) -> str:
    return name.replace(" + ", "+")


def _flags(bare: DwarfType, value: int) -> str:
    """A value that is no enumerator: the flags that it is made of, where the enumerators are flags."""
    known = [(flag, name) for flag, name in bare.enumerators.items() if flag > 0 and flag & (flag - 1) == 0]
    if not value or len(known) < len([one for one in bare.enumerators if one]):
        return str(value)
    found = [name for flag, name in known if value & flag]
    rest = value
    for flag, _ in known:
        rest &= ~flag
    if not found:
        return f"(unknown: 0x{value:x})" if rest else str(value)
    return "(" + " | ".join([*found, *([f"unknown: 0x{rest:x}"] if rest else [])]) + ")"
