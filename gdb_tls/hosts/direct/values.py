"""Values as GDB prints them: numbers, structures, arrays, texts; of the C++ library's classes, with their printers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice

from gdb_tls.hosts.direct.library_objects import DwarfReader
from gdb_tls.hosts.native.dwarf_types import (
    ATE_BOOLEAN,
    ATE_FLOAT,
    CLASSES,
    POINTERS,
    TAG_ARRAY,
    TAG_BASE,
    TAG_ENUM,
    DwarfType,
    Member,
)
from gdb_tls.hosts.native.library_contents import class_of, contents_of, hint_of
from gdb_tls.hosts.native.library_objects import Bit, Characters, Child, NotLaidOut, Object
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.protocol import Memory, UnreadableMemory

# `set print repeats`; and how much of a value is shown at all.
REPEATS = 10
DEEPEST = 20
PREFIXES = {"wchar_t": "L", "char16_t": "u", "char32_t": "U"}
FLOATS = {2: "e", 4: "f", 8: "d"}
ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\033", 92: "\\\\"}


class Formatter:
    """Prints values of one program.

    Args:
        memory: the program's.
        architecture: of the program.
        most: how many elements or characters are shown.
        symbol_at: the name of what is at an address.
    """

    def __init__(
        self, memory: Memory, architecture: Architecture, most: int, symbol_at: Callable[[int], str | None]
    ) -> None:
        """Takes what values are read with."""
        self._memory = memory
        self._reader = DwarfReader(memory, architecture)
        self._little = architecture.byte_order == "little"
        self._most = most
        self._symbol_at = symbol_at
        self._left = most

    def text(self, kind: DwarfType, address: int) -> str:
        """The value at an address.

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        self._left = self._most
        return self._value(kind, address, self._memory.read(address, kind.size), 0)

    def _number(self, raw: bytes, signed: bool = False) -> int:
        return int.from_bytes(raw, "little" if self._little else "big", signed=signed)

    def _value(self, kind: DwarfType, address: int, raw: bytes, depth: int) -> str:
        bare = kind.bare
        if depth > DEEPEST:
            return "{...}"
        if bare.tag in CLASSES:
            one = Object(self._reader, bare, address)
            name = class_of(one)
            return self._of_library(one, name, depth) if name else self._structure(bare, address, raw, depth)
        if bare.tag == TAG_ARRAY:
            return self._array(bare, address, raw, depth)
        self._left -= 1
        if bare.tag in POINTERS:
            return self._pointer(bare.target, self._number(raw), "" if depth else bare.name)
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

    def _pointer(self, target: DwarfType, value: int, kind: str = "") -> str:
        """A pointer, with its type in front where it has a name."""
        target = target.bare
        if target.tag == TAG_BASE and target.size == 1 and target.encoding != ATE_BOOLEAN and value:
            return f"0x{value:x}{self._string(value)}"
        name = self._symbol_at(value) if value else None
        shown = f"0x{value:x}" + (f" <{_joined(name)}>" if name else "")
        return f"({kind}) {shown}" if kind else shown

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

    def _of_library(self, one: Object[DwarfType], name: str, depth: int) -> str:
        """A class of the C++ library as printers for GDB show it (GDB's py-prettyprint.c, print_children)."""
        self._left -= 1
        try:
            text, children = contents_of(one, name)
        except NotLaidOut as error:
            return f"<{error}>"
        except UnreadableMemory as error:
            return _unreadable(error)
        if isinstance(text, Characters):
            return self._characters_of(text, with_length=not depth)
        hint = hint_of(one, name)
        parts: list[str] = []
        rest = ""
        try:
            for label, child in islice(children, self._most):
                if self._left <= 0:
                    break
                parts.append(self._labelled(label, self._child(child, depth + 1), hint, len(parts)))
        except UnreadableMemory as error:  # the way to the next one
            rest = _unreadable(error) + "..."
        if not parts:
            return text + rest
        return f"{text} = {{{''.join(parts)}{rest or ('...' if len(parts) == self._most else '')}}}"

    def _labelled(self, label: str, shown: str, hint: str | None, index: int) -> str:
        """One element, with what separates it from the one before it."""
        if hint == "map":
            return f"] = {shown}" if index % 2 else f"{', ' if index else ''}[{shown}"
        before = ", " if index else ""
        return f"{before}{shown}" if hint == "array" else f"{before}{label} = {shown}"

    def _child(self, child: Child[DwarfType], depth: int) -> str:
        if isinstance(child, Object):
            try:
                raw = self._memory.read(child.address, child.kind.size)
            except UnreadableMemory as error:
                return _unreadable(error)
            return self._value(child.kind, child.address, raw, depth)
        self._left -= 1
        if isinstance(child, Bit):
            return "true" if child.value else "false"
        return self._pointer(child.target, child.value)

    def _characters_of(self, text: Characters[DwarfType], with_length: bool) -> str:
        """What a string has, as long as it says."""
        width = text.kind.size
        try:
            data = self._memory.read(text.address, min(text.length, self._most) * width) if text.length else b""
        except UnreadableMemory:
            return f"<error: Cannot access memory at address 0x{text.address:x}>"
        units = [self._number(data[at : at + width]) for at in range(0, len(data), width or 1)]
        cut = text.length > len(units)
        if units and not cut and not units[-1]:  # GDB takes it for the end
            units.pop()
        length = f" length {text.length}" if with_length else ""
        return PREFIXES.get(text.kind.bare.qualified, "") + _runs(units) + (f"...{length}" if cut else "")

    def _structure(self, bare: DwarfType, address: int, raw: bytes, depth: int) -> str:
        parts = []
        for one in bare.members:
            if self._left <= 0:
                parts.append("...")
                break
            shown = self._member(one, address, raw, depth)
            if one.is_base:
                parts.append(f"<{one.type.written()}> = {shown}")
            else:
                parts.append(f"{one.name} = {shown}" if one.name else shown)
        if not parts:
            return "<incomplete type>" if not bare.size else "{<No data fields>}"
        return "{" + ", ".join(parts) + "}"

    def _member(self, one: Member, address: int, raw: bytes, depth: int) -> str:
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
        part = raw[one.offset : one.offset + one.type.size]
        return self._value(one.type, address + one.offset, part, depth + 1)

    def _array(self, bare: DwarfType, address: int, raw: bytes, depth: int) -> str:
        element = bare.element
        size = element.size
        inner = element.bare
        if not size:
            return "{...}"
        if inner.tag == TAG_BASE and size == 1 and inner.encoding != ATE_BOOLEAN:
            return self._characters(raw)
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        return "{" + ", ".join(self._elements(element, address, pieces, depth)) + "}"

    def _elements(self, element: DwarfType, address: int, pieces: Sequence[bytes], depth: int) -> Iterator[str]:
        for piece, same in groupby(pieces):
            count = sum(1 for _ in same)
            if self._left <= 0:
                yield "..."
                return
            shown = self._value(element, address, piece, depth + 1)
            start, address = address, address + count * len(piece)
            if count > REPEATS:
                yield f"{shown} <repeats {count} times>"
                self._left -= REPEATS - 1
                continue
            for index in range(count):
                at = start + index * len(piece)
                yield shown if not index else self._value(element, at, piece, depth + 1)

    def _characters(self, raw: bytes) -> str:
        """An array of characters: without its last zeros, in quotes, runs of one character by their number."""
        units = raw[:-1] if raw.endswith(b"\0") else raw
        shown = 0
        for _, same in groupby(units):  # GDB's valprint.c, generic_printstr: what is repeated is not cut
            if shown >= self._most:
                break
            shown += sum(1 for _ in same)
        self._left -= 1
        return _runs(units[:shown]) + ("..." if shown < len(units) else "")


def _runs(units: Sequence[int]) -> str:
    """Quoted text in which what is repeated often stands by itself."""
    parts: list[str] = []
    pending: list[int] = []
    for unit, same in groupby(units):
        count = sum(1 for _ in same)
        if count > REPEATS:
            if pending:
                parts.append(_quoted(pending))
                pending = []
            parts.append(f"'{_character(unit, chr(39))}' <repeats {count} times>")
        else:
            pending += [unit] * count
    if pending or not parts:
        parts.append(_quoted(pending))
    return ", ".join(parts)


def _quoted(text: Sequence[int]) -> str:
    return '"' + "".join(_character(unit, '"') for unit in text) + '"'


def _character(unit: int, quote: str) -> str:
    if unit in ESCAPES:
        return ESCAPES[unit]
    if unit < 128 and chr(unit) == quote:
        return "\\" + quote
    if 32 <= unit < 127:
        return chr(unit)
    # GDB's valprint.c, print_wchar: what does not fit in three octal digits is in hexadecimal ones.
    return f"\\{unit:03o}" if unit <= 0o777 else f"\\x{unit:x}"


def _unreadable(error: UnreadableMemory) -> str:
    return f"<error: Cannot access memory at address 0x{error.args[0]:x}>"


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
