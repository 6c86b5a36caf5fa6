"""Values as GDB prints them: numbers, structures, arrays, texts; of the C++ library's classes, with their printers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice

from gdb_tls.hosts.direct import numbers
from gdb_tls.hosts.direct.described_arrays import Extent, places, spread
from gdb_tls.hosts.direct.expressions import value_of
from gdb_tls.hosts.direct.library_objects import DwarfReader
from gdb_tls.hosts.direct.rust_storage import VariantReader, Variants, borrow_of, inside, variants_of
from gdb_tls.hosts.direct.texts import characters, quoted, runs, units_of, width_of
from gdb_tls.hosts.native.dwarf_types import (
    AT_DECLARATION,
    ATE_BOOLEAN,
    CLASSES,
    POINTERS,
    TAG_ARRAY,
    TAG_BASE,
    TAG_ENUM,
    TAG_FUNCTION,
    TAG_MEMBER_POINTER,
    TAG_STRING,
    WHOLE,
    DwarfType,
    Member,
)
from gdb_tls.hosts.native.library_contents import class_of, contents_of, hint_of
from gdb_tls.hosts.native.library_objects import Bit, Characters, Child, Object
from gdb_tls.hosts.native.not_laid_out import NotLaidOut
from gdb_tls.hosts.native.rust_types import borrowed
from gdb_tls.program.scalars import PREFIXES, enumerator, without_width
from gdb_tls.program.type_names import bits_of, lacks_width
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.protocol import Memory, UnreadableMemory

# `set print repeats`; and how much of a value is shown at all.
REPEATS = 10
DEEPEST = 20
# Rust's numbers of one byte, which are no characters.
BYTES = ("u8", "i8")
# What rustc calls the members of a tuple.
IN_TUPLE = re.compile(r"__\d+")
# Whether a pointer to a function says in its second word that the function is virtual (AAPCS64's and Arm's C++ ABI).
IN_SECOND_WORD = ("aarch64", "arm")


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
        self._variants = VariantReader(memory, architecture.byte_order)
        self._reader = DwarfReader(memory, architecture, symbol_at)
        self._little = architecture.byte_order == "little"
        self._architecture = architecture.name
        self._word = architecture.pointer_size
        self._most = most
        self._symbol_at = symbol_at
        self._left = most

    def text(self, kind: DwarfType, address: int) -> str:
        """The value at an address.

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        self._left = self._most
        self._bases: set[tuple[int, str]] = set()
        said = ""
        while (inner := inside(kind.bare)) is not None:  # Rust's cells
            borrow = borrow_of(kind.bare)
            if borrow is not None:
                raw = self._memory.read(address + borrow.offset, borrow.type.size)
                said = said or borrowed(self._number(raw, signed=True))
            kind, address = inner.type, address + inner.offset
        return self._value(kind, address, self._memory.read(address, kind.size), 0) + said

    def pointed(self, target: DwarfType, address: int, is_text: bool) -> str:
        """What a pointer points to or a reference refers to: an object, or text where wide characters may be one.

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        width = width_of(target)
        if width < 2 or not is_text:
            return self.text(target, address)
        found = b""
        while len(found) <= self._most * width and not any(
            not any(found[at : at + width]) for at in range(0, len(found), width)
        ):
            try:
                found += self._memory.read(address + len(found), width)
            except UnreadableMemory:
                if not found:
                    raise
                break
        ended = not any(found[-width:])
        units = units_of(found[: self._most * width] if not ended else found[:-width], width, self._little)
        return PREFIXES.get(target.typed(PREFIXES), "") + quoted(units) + ("" if ended else "...")

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
            return self._array(bare, address, raw, depth) if not bare.is_elsewhere else self._elsewhere(bare, address)
        self._left -= 1
        if bare.tag == TAG_MEMBER_POINTER:
            return self._member_pointer(bare, raw)
        if bare.is_null_type:
            return f"0x{self._number(raw):x}"
        if bare.tag in POINTERS:
            return self._pointer(bare.target, self._number(raw), "" if depth else bare.name)
        if bare.tag == TAG_ENUM:
            value = self._number(raw, bare.is_signed)
            return enumerator(bare.enumerators, value)
        if bare.tag == TAG_BASE:
            return self._scalar(bare, raw)
        if bare.tag == TAG_STRING and raw:  # Fortran's, which is filled with blanks
            return "'" + characters(list(raw), "'", 1) + "'"
        return "0x" + raw.hex() if raw else "<incomplete type>"

    def _scalar(self, bare: DwarfType, raw: bytes) -> str:
        if bare.encoding == ATE_BOOLEAN:
            value = self._number(raw)
            return {0: "false", 1: "true"}.get(value, str(value))
        text = numbers.text_of(bare, raw, self._architecture, self._little)
        if text is not None or bare.encoding not in WHOLE:
            return text or "0x" + raw.hex()
        number = self._number(raw, bare.is_signed)
        if lacks_width(bare.qualified):
            return without_width(self._number(raw))
        if width := bits_of(bare.qualified):
            number &= (1 << width) - 1
            return str(number - (1 << width) if bare.is_signed and number >> (width - 1) else number)
        if (len(raw) > 1 and bare.qualified not in PREFIXES) or bare.qualified in BYTES:
            return str(number)
        unit = raw[0] if len(raw) == 1 else self._number(raw)
        return f"{number} {PREFIXES.get(bare.qualified, '')}'{characters([unit], chr(39), len(raw))}'"

    def _member_pointer(self, bare: DwarfType, raw: bytes) -> str:
        """A pointer to a member: its name (Itanium C++ ABI, 2.3)."""
        word = self._word
        value, adjustment = self._number(raw[:word], signed=True), self._number(raw[word:])
        if bare.target.bare.tag != TAG_FUNCTION:
            named = next((one.name for one in bare.holder.bare.members if one.offset == value and one.name), None)
            shown = f"&{bare.holder.qualified}::{named}" if named else str(value)
            return "NULL" if value == -1 else shown
        by_second = self._architecture in IN_SECOND_WORD
        if (adjustment if by_second else value) & 1:
            return f"&virtual table offset {value - (not by_second)}"
        if not value:
            return "NULL"
        name = self._symbol_at(value)
        return f"({bare.name}) 0x{value:x}" + (f" <{_joined(name)}>" if name else "")

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
        return " " + quoted(units_of(text[: self._most], 1, self._little)) + ("..." if cut else "")

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
        equals = f"{text} = " if text else ""
        return f"{equals}{{{''.join(parts)}{rest or ('...' if len(parts) == self._most else '')}}}"

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
        units = units_of(data, width, self._little)
        cut = text.length > len(data) // (width or 1)
        if units and not cut and not units[-1]:  # GDB takes it for the end
            units.pop()
        length = f" length {text.length}" if with_length else ""
        return PREFIXES.get(text.kind.bare.qualified, "") + runs(units) + (f"...{length}" if cut else "")

    def _variant(self, bare: DwarfType, variants: Variants, address: int, depth: int) -> str:
        """An enum of Rust: the name of its variant, and what that holds."""
        name = self._variants.variant(variants, address)
        if name not in variants.fields:
            return "<its tag is that of no variant>"
        field = variants.fields[name]
        parts: list[str] = []
        for one in field.type.bare.members:
            if self._left <= 0:
                parts.append("...")
                break
            place = address + field.offset + one.offset
            shown = self._value(one.type, place, self._memory.read(place, one.type.size), depth + 1)
            parts.append(shown if IN_TUPLE.fullmatch(one.name) else f"{one.name}: {shown}")
        is_tuple = all(IN_TUPLE.fullmatch(one.name) for one in field.type.bare.members)
        inside_it = ", ".join(parts)
        return f"{bare.qualified}::{name}" + (f"({inside_it})" if is_tuple else f"{{{inside_it}}}") * bool(parts)

    def _structure(self, bare: DwarfType, address: int, raw: bytes, depth: int) -> str:
        if variants := variants_of(bare):
            return self._variant(bare, variants, address, depth)
        parts = []
        bases = [one for one in bare.members if one.is_base]
        for one in bases:
            parts.append(f"<{one.type.written()}> = {self._member(one, address, raw, depth)}")
        for kind, code in bare.virtual_bases:
            parts += self._virtual(kind, code, address, depth)
        for one in bare.members:
            if self._left <= 0:
                parts.append("...")
                break
            if not one.is_base:
                shown = self._member(one, address, raw, depth)
                parts.append(f"{one.name} = {shown}" if one.name else shown)
        if not parts:
            is_declared = bare.entry is not None and AT_DECLARATION in bare.entry.attributes
            return "<incomplete type>" if is_declared else "{<No data fields>}"
        if bare.is_fortran:
            return f"( {', '.join(parts)} )"
        return "{" + ", ".join(parts) + "}"

    def _virtual(self, kind: DwarfType, code: bytes, address: int, depth: int) -> Iterator[str]:
        """A virtual base class, where it comes first: several classes of one object may have it."""
        try:
            at = self.computed(code, address, begins=True)
            if (at, kind.qualified) in self._bases:
                return
            self._bases.add((at, kind.qualified))
            shown = self._value(kind, at, self._memory.read(at, kind.size), depth + 1)
        except NotLaidOut as error:
            shown = f"<{error}>"
        except UnreadableMemory as error:
            shown = _unreadable(error)
        yield f"<{kind.written()}> = {shown}"

    def computed(self, code: bytes, address: int, *, begins: bool = False) -> int:
        """What an expression makes of the object at an address; see `value_of`."""

        def read(where: int) -> int:
            return self._number(self._memory.read(where, self._word))

        return value_of(code, address, read, self._little, self._word, begins=begins)

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
                return enumerator(bare.enumerators, value)
            if bare.tag == TAG_BASE and bare.encoding == ATE_BOOLEAN:
                return "true" if value else "false"
            return str(value)
        part = raw[one.offset : one.offset + one.type.size]
        return self._value(one.type, address + one.offset, part, depth + 1)

    def _elsewhere(self, bare: DwarfType, address: int) -> str:
        """An array that a descriptor tells of."""
        try:
            found = spread(bare, address, self.computed)
            return f"<{found.absence}>" if found.absence else self._spread(bare.target, found.address, found.extents)
        except NotLaidOut as error:
            return f"<{error}>"
        except UnreadableMemory as error:
            return _unreadable(error)

    def _spread(self, element: DwarfType, address: int, extents: Sequence[Extent]) -> str:
        inner, shown = extents[1:], []
        for place in places(address, extents[0]):
            if self._left <= 0:
                shown.append("...")
                break
            if inner:
                shown.append(self._spread(element, place, inner))
            else:
                shown.append(self._value(element, place, self._memory.read(place, element.size), 1))
        return f"({(' ' if inner else ', ').join(shown)})" if element.is_fortran else f"{{{', '.join(shown)}}}"

    def _array(self, bare: DwarfType, address: int, raw: bytes, depth: int) -> str:
        element = bare.element
        size = element.size
        if width_of(element):
            return PREFIXES.get(element.typed(PREFIXES), "") + self._characters(raw, width_of(element))
        if not size or bare.dimensions[0].length is None:
            return "{...}"
        pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
        shown = self._elements(element, address, pieces, depth)
        if bare.is_fortran:
            return f"({(' ' if element.bare.tag == TAG_ARRAY else ', ').join(shown)})"
        return "{" + ", ".join(shown) + "}"

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

    def _characters(self, raw: bytes, width: int) -> str:
        """An array of characters: without its last zero, in quotes, runs of one character by their number."""
        units = units_of(raw, width, self._little)
        units = units[:-1] if units and not units[-1] else units
        shown = 0
        for _, same in groupby(units):  # GDB's valprint.c, generic_printstr: what is repeated is not cut
            if shown >= self._most:
                break
            shown += sum(1 for _ in same)
        self._left -= 1
        return runs(units[:shown]) + ("..." if shown < len(units) else "")


def _unreadable(error: UnreadableMemory) -> str:
    return f"<error: Cannot access memory at address 0x{error.args[0]:x}>"


def _joined(name: str) -> str:
    return name.replace(" + ", "+")
