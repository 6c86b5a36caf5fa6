"""Types out of DWARF, with the names that GDB gives them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from functools import cached_property

from gdb_tls.elf.dwarf import (
    AT_LANGUAGE,
    AT_NAME,
    AT_SIGNATURE,
    AT_SPECIFICATION,
    AT_TYPE,
    TAG_CLASS,
    TAG_MEMBER,
    TAG_NAMESPACE,
    TAG_STRUCT,
    TAG_UNION,
    BadDwarf,
    Dwarf,
    Entry,
    leb,
)
from gdb_tls.hosts.native.dwarf_arrays import (
    AT_ALLOCATED,
    FORTRAN,
    TAG_SUBRANGE,
    Dimension,
    dimensions,
    is_behind_descriptor,
    language_of,
)
from gdb_tls.program.type_names import short_type
from gdb_tls.tuples import NamedTuple

TAG_ARRAY, TAG_ENUM, TAG_POINTER, TAG_REFERENCE, TAG_RVALUE_REFERENCE = 0x01, 0x04, 0x0F, 0x10, 0x42
TAG_FUNCTION, TAG_TYPEDEF, TAG_BASE, TAG_PARAMETER, TAG_ELLIPSIS = 0x15, 0x16, 0x24, 0x05, 0x18
TAG_CONST, TAG_VOLATILE, TAG_RESTRICT, TAG_ATOMIC = 0x26, 0x35, 0x37, 0x47
TAG_INHERITANCE, TAG_ENUMERATOR, TAG_TEMPLATE_TYPE, TAG_TEMPLATE_VALUE = 0x1C, 0x28, 0x2F, 0x30
TAG_MEMBER_POINTER, TAG_UNSPECIFIED, TAG_STRING = 0x1F, 0x3B, 0x12
TAG_PACK = 0x4107  # DW_TAG_GNU_template_parameter_pack: its children are arguments
AT_SIZE, AT_ENCODING, AT_DECLARATION, AT_OFFSET, AT_CONSTANT = 0x0B, 0x3E, 0x3C, 0x38, 0x1C
AT_BIT_SIZE, AT_BIT_OFFSET, AT_ARTIFICIAL, AT_EXTERNAL = 0x0D, 0x6B, 0x34, 0x3F
AT_OLD_BIT_OFFSET, AT_ALIGNMENT, AT_CONTAINING = 0x0C, 0x88, 0x1D
ATE_BOOLEAN, ATE_FLOAT, ATE_SIGNED, ATE_SIGNED_CHAR, ATE_UNSIGNED_CHAR, ATE_UTF = 0x02, 0x04, 0x05, 0x06, 0x08, 0x10
ATE_COMPLEX, ATE_UNSIGNED, ATE_DECIMAL, ATE_ASCII, ATE_LO_USER = 0x03, 0x07, 0x0F, 0x12, 0x80
# What is a whole number, or a character; all others (decimal, fixed-point and complex numbers) are neither.
WHOLE = (ATE_BOOLEAN, ATE_SIGNED, ATE_SIGNED_CHAR, ATE_UNSIGNED, ATE_UNSIGNED_CHAR, ATE_UTF, ATE_ASCII)
PLUS_CONSTANT = 0x23  # DW_OP_plus_uconst
CLASSES = (TAG_STRUCT, TAG_CLASS, TAG_UNION)
POINTERS = (TAG_POINTER, TAG_REFERENCE, TAG_RVALUE_REFERENCE)
QUALIFIERS = {TAG_CONST: "const", TAG_VOLATILE: "volatile", TAG_RESTRICT: "restrict", TAG_ATOMIC: "_Atomic"}
# What only says more of another type: in Ada and Pascal, which of its values there are.
TRANSPARENT = (TAG_TYPEDEF, TAG_SUBRANGE, *QUALIFIERS)
WORDS = {TAG_STRUCT: "struct ", TAG_CLASS: "class ", TAG_UNION: "union ", TAG_ENUM: "enum "}
# DWARF 5, table 7.17, and what later compilers add.
C_LANGUAGES = (0x01, 0x02, 0x0C, 0x1D, 0x2C, 0x3E)
# What gcc calls types, and GDB by the shortest name.
NUMBERS = {
    "long int": "long",
    "long unsigned int": "unsigned long",
    "long long int": "long long",
    "long long unsigned int": "unsigned long long",
    "short int": "short",
    "short unsigned int": "unsigned short",
}
# GDB writes a template's arguments in its own words, too.
IN_ARGUMENTS = re.compile(rf"(?<=[<, ])({'|'.join(sorted(NUMBERS, key=len, reverse=True))})(?=[>,) *&])")
LITERALS = re.compile(r"(?<=\d)U?L{0,2}(?=[>,])")
DEEPEST = 16
MOST_MEMBERS = 10_000


class Member(NamedTuple):
    """A data member or a base class.

    Attributes:
        name: empty for a base class and an anonymous one.
        type: its type.
        offset: in bytes.
        is_base: whether it is a base class.
        bits: of a bit-field, how many bits of its bytes come before it, and how many it has.
    """

    name: str
    type: DwarfType
    offset: int
    is_base: bool = False
    bits: tuple[int, int] | None = None


class DwarfType:
    """One type of a file; `entry` is None for `void`."""

    def __init__(self, dwarf: Dwarf, entry: Entry | None) -> None:
        """Takes the entry."""
        self.dwarf = dwarf
        if entry is not None and AT_SIGNATURE in entry.attributes:  # a declaration of what a type unit has
            at = entry.attributes[AT_SIGNATURE]
            if not isinstance(at, int):
                raise BadDwarf("the type is in a type unit that is not here")
            entry = dwarf.entry(at)
        self.entry = entry

    @property
    def tag(self) -> int:
        """DW_TAG_...; 0 for `void`."""
        return self.entry.tag if self.entry else 0

    @cached_property
    def target(self) -> DwarfType:
        """What a pointer points to, an array has, a typedef stands for, or a function returns."""
        at = self.entry.attributes.get(AT_TYPE) if self.entry else None
        if at is not None and not isinstance(at, int):
            raise BadDwarf("the type is in a file that is not here")
        return DwarfType(self.dwarf, self.dwarf.entry(at) if isinstance(at, int) else None)

    @cached_property
    def bare(self) -> DwarfType:
        """Without typedefs, ranges and qualifiers; of a declaration the definition, where the same unit has it."""
        found = self
        for _ in range(DEEPEST):
            if found.tag not in TRANSPARENT:
                break
            found = found.target
        return found

    def typed(self, names: Container[str]) -> str:
        """The first of its names, typedefs' or its own, that is one of these; empty for none."""
        found = self
        for _ in range(DEEPEST):
            if found.qualified in names:
                return found.qualified
            if found.tag not in TRANSPARENT:
                break
            found = found.target
        return ""

    @cached_property
    def size(self) -> int:
        """In bytes; 0 where it is not known."""
        bare = self.bare
        if bare.entry is None:
            return 0
        if self.tag in TRANSPARENT:
            own = self.entry.attributes.get(AT_SIZE) if self.entry and self.tag == TAG_SUBRANGE else None
            return own if isinstance(own, int) else self.target.size
        if bare.is_elsewhere:  # the address of its elements, which a descriptor begins with
            return self.dwarf.address_size(bare.entry.offset)
        if bare.tag == TAG_ARRAY:
            size = bare.target.size
            for count in bare.counts:
                size *= count
            return size
        own = bare.entry.attributes.get(AT_SIZE)
        if isinstance(own, int):
            return own
        word = self.dwarf.address_size(bare.entry.offset)
        if bare.tag == TAG_MEMBER_POINTER:  # Itanium C++ ABI, 2.3: of a function with what `this` is adjusted by
            return 2 * word if bare.target.bare.tag == TAG_FUNCTION else word
        return word if bare.tag in POINTERS or bare.is_null_type else 0

    @property
    def is_null_type(self) -> bool:
        """Whether it is that of `nullptr`, which has the size of a pointer ([basic.fundamental]/14)."""
        return self.tag == TAG_UNSPECIFIED and "nullptr" in self.qualified

    @cached_property
    def holder(self) -> DwarfType:
        """Of a pointer to a member, the class that has the member."""
        at = self.entry.attributes.get(AT_CONTAINING) if self.entry else None
        return DwarfType(self.dwarf, self.dwarf.entry(at) if isinstance(at, int) else None)

    @cached_property
    def dimensions(self) -> list[Dimension]:
        """Of an array, the outermost first."""
        return dimensions(self.dwarf, self.entry) if self.entry else []

    @cached_property
    def counts(self) -> list[int]:
        """The numbers of elements of an array, the outermost first; 0 where it is not known."""
        return [one.length or 0 for one in self.dimensions]

    @cached_property
    def is_elsewhere(self) -> bool:
        """Whether it is an array whose elements a descriptor tells of, which is what the variable has."""
        return self.tag == TAG_ARRAY and self.entry is not None and is_behind_descriptor(self.entry)

    @cached_property
    def is_fortran(self) -> bool:
        """Whether it is written in Fortran, as its values then are."""
        return self.entry is not None and language_of(self.dwarf, self.entry) in FORTRAN

    @cached_property
    def element(self) -> DwarfType:
        """The type of an array's elements: of several dimensions, an array of one less."""
        return _Row(self, 1) if len(self.counts) > 1 else self.target

    @property
    def encoding(self) -> int:
        """DW_ATE_... of a base type."""
        found = self.entry.attributes.get(AT_ENCODING) if self.entry else 0
        return found if isinstance(found, int) else 0

    @cached_property
    def is_c(self) -> bool:
        """Whether it is written in C, where `struct` belongs to the name."""
        if self.entry is None:
            return False
        return self.dwarf.unit_entry(self.entry.offset).attributes.get(AT_LANGUAGE) in C_LANGUAGES

    @cached_property
    def qualified(self) -> str:
        """Its name with namespaces and classes around it; empty where it has none."""
        if self.entry is None:
            return "void"
        declared = self.entry.attributes.get(AT_SPECIFICATION)  # which is where the name belongs
        entry = self.dwarf.entry(declared) if isinstance(declared, int) else self.entry
        name = entry.attributes.get(AT_NAME, self.entry.attributes.get(AT_NAME))
        if not isinstance(name, str):
            return ""
        if self.tag == TAG_BASE:
            return NUMBERS.get(name, name)
        if self.is_c:
            return name
        if "<" in name:
            name = IN_ARGUMENTS.sub(lambda number: NUMBERS[number[1]], name)
            name = LITERALS.sub(lambda ending: ending[0].lower(), name).replace("[]", " []").replace("  []", " []")
        scopes = []
        for parent in self.dwarf.locate(entry.offset)[1]:
            around = self.dwarf.entry(parent)
            if around.tag == TAG_NAMESPACE:
                scopes.append(around.name or "(anonymous namespace)")
            elif around.tag in CLASSES:
                scopes.append(around.name)
        return "::".join([*filter(None, scopes), name])

    def written(self, inner: str = "", *, with_words: bool = False) -> str:
        """The type as it is written around a declarator, the way GDB does; in C, with words like `struct`."""
        return self._written(inner, with_words)

    def _written(self, inner: str, words: bool) -> str:
        tag = self.tag
        if tag in QUALIFIERS:
            word = QUALIFIERS[tag]
            target = self.target
            if target.bare.tag in POINTERS and target.tag in (*POINTERS, *QUALIFIERS):
                blank = " " if inner.startswith(("*", "&")) else ""
                return target._written(f" {word}{blank}{inner}", words)
            rest = target._written(inner, words)
            if rest.startswith("const ") and word == "volatile":
                return f"const volatile {rest[6:]}"
            return rest if rest.startswith(f"{word} ") else f"{word} {rest}"
        if tag == TAG_MEMBER_POINTER:
            sign = f"{self.holder.written()}::*{inner}"
            return self.target._written(f"({sign})" if self.target.tag == TAG_FUNCTION else sign, words)
        if tag in POINTERS:
            sign = {TAG_POINTER: "*", TAG_REFERENCE: "&", TAG_RVALUE_REFERENCE: "&&"}[tag] + inner
            around = self.target.tag in (TAG_ARRAY, TAG_FUNCTION)
            return self.target._written(f"({sign})" if around else sign, words)
        if tag == TAG_ARRAY and self.is_fortran:
            bounds = ",".join(map(_bounds, reversed(self.dimensions)))
            allocatable = ", allocatable" if self.entry and AT_ALLOCATED in self.entry.attributes else ""
            return f"{self.target._written('', words)}{allocatable} ({bounds}){inner and ' ' + inner}"
        if tag == TAG_STRING:
            return f"character*{self.size or '(*)'}{inner and ' ' + inner}"
        if tag == TAG_ARRAY:
            counts = "".join(f"[{count or ''}]" for count in self.counts)
            return self.target._written(inner + counts, words)
        if tag == TAG_FUNCTION:
            return self.target._written(f"{inner}({', '.join(self._parameters(words)) or 'void'})", words)
        name = self.qualified or (WORDS.get(tag, "") + "{...}")
        if self.qualified and words:
            name = WORDS.get(tag, "") + name
        return f"{name} {inner.lstrip()}" if inner else name

    def _parameters(self, words: bool) -> Iterator[str]:
        for child in self.dwarf.children(self.entry) if self.entry else ():
            if child.tag == TAG_PARAMETER and isinstance(child.attributes.get(AT_TYPE), int):
                yield DwarfType(self.dwarf, self.dwarf.entry(child.attributes[AT_TYPE]))._written("", words)
            elif child.tag == TAG_ELLIPSIS:
                yield "..."

    @cached_property
    def name(self) -> str:
        """As programmers write it."""
        return short_type(self.written())

    @cached_property
    def members(self) -> list[Member]:
        """The data members and base classes, in their order; none of a declaration."""
        found: list[Member] = []
        for child in self.dwarf.children(self.entry) if self.entry else ():
            at = child.attributes.get(AT_TYPE)
            if child.tag not in (TAG_MEMBER, TAG_INHERITANCE) or not isinstance(at, int) or len(found) > MOST_MEMBERS:
                continue
            if child.attributes.get(AT_EXTERNAL) or child.attributes.get(AT_DECLARATION):
                continue  # a static member
            kind = DwarfType(self.dwarf, self.dwarf.entry(at))
            offset, bits = _place(child, kind, self.dwarf)
            if offset is None:
                continue  # a virtual base class: see below
            found.append(Member(child.name, kind, offset, child.tag == TAG_INHERITANCE, bits))
        return found

    @cached_property
    def virtual_bases(self) -> list[tuple[DwarfType, bytes]]:
        """The base classes whose place the object says, with the DWARF expression that makes it of the object's."""
        found: list[tuple[DwarfType, bytes]] = []
        for child in self.dwarf.children(self.entry) if self.entry and self.tag in CLASSES else ():
            at, place = child.attributes.get(AT_TYPE), child.attributes.get(AT_OFFSET)
            if child.tag == TAG_INHERITANCE and isinstance(at, int) and isinstance(place, tuple):
                kind = DwarfType(self.dwarf, self.dwarf.entry(at))
                if _place(child, kind, self.dwarf)[0] is None:
                    found.append((kind, self.dwarf.block(child, place)))
        return found

    @cached_property
    def enumerators(self) -> Mapping[int, str]:
        """Value -> name, of an enum."""
        found: dict[int, str] = {}
        prefix = self.qualified.rpartition("::")[0]
        scoped = bool(self.entry and self.entry.attributes.get(0x6D))  # DW_AT_enum_class
        around = self.qualified if scoped else prefix
        for child in self.dwarf.children(self.entry) if self.entry else ():
            value = child.attributes.get(AT_CONSTANT)
            if child.tag == TAG_ENUMERATOR and isinstance(value, int):
                found.setdefault(value, f"{around}::{child.name}" if around else child.name)
        return found

    def template_argument(self) -> DwarfType | None:
        """The first template argument that is a type."""
        return next((one for one in self.template_arguments if one is not None), None)

    @cached_property
    def template_arguments(self) -> list[DwarfType | None]:
        """The template arguments in their order, those of a pack by themselves; None for one that is no type."""
        return list(self._arguments(self.entry)) if self.entry else []

    def _arguments(self, holder: Entry) -> Iterator[DwarfType | None]:
        for child in self.dwarf.children(holder):
            if child.tag == TAG_TEMPLATE_TYPE:
                at = child.attributes.get(AT_TYPE)
                yield DwarfType(self.dwarf, self.dwarf.entry(at) if isinstance(at, int) else None)
            elif child.tag == TAG_TEMPLATE_VALUE:
                yield None
            elif child.tag == TAG_PACK:
                yield from self._arguments(child)

    @cached_property
    def alignment(self) -> int:
        """In bytes, as the psABIs have it: of a class that of its strictest member."""
        bare = self.bare
        own = bare.entry.attributes.get(AT_ALIGNMENT) if bare.entry else None
        if isinstance(own, int) and own:
            return own
        if bare.tag == TAG_ARRAY:
            return bare.target.alignment
        if bare.tag in CLASSES:
            return max((one.type.alignment for one in bare.members), default=1)
        return min(bare.size, 16) or 1

    @property
    def is_plain(self) -> bool:
        """Whether it is a language's own: a number, or pointers to and arrays of such."""
        found = self
        for _ in range(DEEPEST):
            if found.tag in (TAG_BASE, 0):
                return True
            if found.tag not in QUALIFIERS and found.tag not in (TAG_POINTER, TAG_ARRAY):
                return False
            found = found.target
        return False

    @property
    def is_signed(self) -> bool:
        """Whether its highest bit is a sign."""
        bare = self.bare
        if bare.tag == TAG_ENUM:
            return any(value < 0 for value in bare.enumerators)
        return bare.tag == TAG_BASE and bare.encoding in (ATE_SIGNED, ATE_SIGNED_CHAR)


def _bounds(dimension: Dimension) -> str:
    """The bounds of one dimension as Fortran's declarations have them."""
    lower, upper = dimension.lower, dimension.upper
    if dimension.length is None or not isinstance(lower, int) or not isinstance(upper, int):
        return ":"
    return str(upper) if lower == 1 else f"{lower}:{upper}"


class _Row(DwarfType):
    """What an array of several dimensions has for its elements."""

    def __init__(self, array: DwarfType, depth: int) -> None:
        super().__init__(array.dwarf, array.entry)
        self._depth = depth

    @cached_property
    def dimensions(self) -> list[Dimension]:
        return super().dimensions[self._depth :]

    @cached_property
    def element(self) -> DwarfType:
        return _Row(self, self._depth + 1) if len(self.dimensions) > 1 else self.target


def _place(child: Entry, kind: DwarfType, dwarf: Dwarf) -> tuple[int | None, tuple[int, int] | None]:
    """The offset of a member in bytes, None where it is computed; and its bits where it is a bit-field."""
    offset, size = child.attributes.get(AT_OFFSET, 0), child.attributes.get(AT_BIT_SIZE)
    if isinstance(offset, tuple):  # before DWARF 4 all are expressions, of one operation
        code = dwarf.block(child, offset)
        offset, end = leb(code, 1) if code[:1] == bytes([PLUS_CONSTANT]) else (None, 0)
        if offset is None or end != len(code):
            return None, None
    if not isinstance(size, int):
        return offset if isinstance(offset, int) else None, None
    at = child.attributes.get(AT_BIT_OFFSET)
    if not isinstance(at, int):
        # Before DWARF 4 the bits were counted from the other end of the storage unit.
        old, whole = child.attributes.get(AT_OLD_BIT_OFFSET), child.attributes.get(AT_SIZE) or kind.size
        if not isinstance(old, int) or not isinstance(whole, int):
            return None, None
        at = 8 * offset + 8 * whole - old - size
    return at // 8, (at % 8, size)
