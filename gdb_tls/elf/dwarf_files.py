"""The files that debug information is spread over, read as one: those of -gsplit-dwarf, and dwz's common file.

Sources: DWARF 5, sections 3.1.2, 7.3.2 and 7.3.6; for version 4, gcc.gnu.org/wiki/DebugFission; dwz(1).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

from gdb_tls.elf.dwarf import (
    AT_LOCATION,
    AT_ORIGIN,
    AT_SPECIFICATION,
    AT_STMT_LIST,
    COMMON,
    PART,
    TAG_VARIABLE,
    TYPES,
    BadDwarf,
    Dwarf,
    Entry,
    Unit,
    leb,
)
from gdb_tls.elf.dwarf_packages import Package
from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.tuples import NamedTuple

TAG_FUNCTION, TAG_INLINED, TAG_IMPORTED = 0x2E, 0x1D, 0x3D
AT_IMPORT = 0x18
AT_FOLDER, AT_DWO_NAME, AT_ADDRESSES = 0x1B, 0x76, 0x73
OLD_DWO_NAME, OLD_DWO_ID, OLD_ADDRESSES = 0x2130, 0x2131, 0x2133
# An expression of one number, or of its place among the unit's addresses (DW_OP_constx, DW_OP_GNU_const_index), and
# DW_OP_form_tls_address or DW_OP_GNU_push_tls_address.
WIDE = rb"\x0a\x0e(.{8})[\x9b\xe0]"
NARROW = rb"\x06\x0c(.{4})[\x9b\xe0]"
INDEXED = rb"[\x03-\x06][\xa2\xfc]([\x80-\xff]{0,3}[\x00-\x7f])[\x9b\xe0]"
DEEPEST = 16


class Skeleton(NamedTuple):
    """What a unit of a .dwo file leaves in the program's own file.

    Attributes:
        names: of the .dwo file, where it may be.
        identity: what both have in common.
        pool: the bytes of its numbers in .debug_addr.
        size: of each, in bytes.
        line_table: where its line table begins; None for none.
    """

    names: Sequence[str]
    identity: int
    pool: bytes
    size: int
    line_table: int | None


class DwarfFiles(Dwarf):
    """The debug information of one object file, whichever files it is in."""

    def __init__(self, file: ElfFile, directories: Sequence[str] = ()) -> None:
        """Takes the file that has the units, and the folders of debug files."""
        super().__init__(file)
        self._directories = directories
        self._split: dict[int, _Split | None] = {}

    def part(self, offset: int) -> Dwarf:
        """See `Dwarf.part`."""
        number = offset // PART
        if number & TYPES:
            types = self.part((number & ~TYPES) * PART).types
            if types is None:
                raise BadDwarf("an entry is in a file that is not here")
            return types
        found = self if number == 0 else self._common if number == COMMON else self._split.get(number)
        if found is None:
            raise BadDwarf("an entry is in a file that is not here")
        return found

    @property
    def has_places(self) -> bool:
        """Whether it says of any thread-local variable where it is."""
        return bool(self._thread_local or self._common_places or self._skeletons)

    def variables_at(self, offset: int) -> Iterator[tuple[Entry, tuple[int, ...]]]:
        """The entries of variables at an offset in the block, each with its ancestors."""
        positions = [*self._thread_local.get(offset, ()), *self._in_common(offset)]
        for number, skeleton in enumerate(self._skeletons, COMMON + 1):
            # gcc has the symbol's address there, which counts from where the block's image is, clang the offset.
            segment = self.file.tls_segment
            for said in (offset, offset + segment.address) if segment else ():
                # Only files that speak of this number are opened.
                split = self._split_part(number, skeleton) if _in_pool(skeleton, said, self.order) else None
                positions += split.thread_local.get(said, ()) if split else ()
        for position in positions:
            try:
                start, parents = self.locate(position)
                found = self.entry(start)
            except (BadDwarf, IndexError, ValueError):
                continue
            location = found.attributes.get(AT_LOCATION)
            if found.tag == TAG_VARIABLE and isinstance(location, tuple) and location[0] == position % PART + 1:
                yield found, parents

    @cached_property
    def _thread_local(self) -> dict[int, list[int]]:
        """Offset in the block -> the places of locations that say it."""
        return _places(self)

    def _in_common(self, offset: int) -> Iterator[int]:
        """Places of locations in dwz's common file: of the units that this file imports, others are other programs'."""
        if self._common is not None:
            for position in self._common_places.get(offset, ()):
                with suppress(BadDwarf, IndexError, ValueError):
                    if self.unit_entry(position).offset in self._imported:
                        yield position

    @cached_property
    def _common_places(self) -> dict[int, list[int]]:
        return _places(self._common) if self._common else {}

    @cached_property
    def _imported(self) -> set[int]:
        """The first entries of all units that this file's import, and these in turn."""
        waiting = [self.unit_entry(unit.first).offset for unit in self.units]
        found: set[int] = set(waiting)
        while waiting:
            with suppress(BadDwarf, IndexError, ValueError):
                for child in self.children(self.entry(waiting.pop())):
                    if child.tag != TAG_IMPORTED:
                        break  # dwz writes them first
                    at = child.attributes.get(AT_IMPORT)
                    if isinstance(at, int) and at not in found:
                        found.add(at)
                        waiting.append(at)
        return found

    @cached_property
    def _skeletons(self) -> list[Skeleton]:
        """Of each unit that has its other half in a .dwo file."""
        pool = self.section(".debug_addr")
        found = []
        for unit in self.units if pool else ():
            with suppress(BadDwarf, IndexError, ValueError):
                skeleton = self._skeleton(unit, self.unit_entry(unit.first), pool)
                found += [skeleton] if skeleton else []
        return found

    def _skeleton(self, unit: Unit, entry: Entry, pool: bytes) -> Skeleton | None:
        known = entry.attributes
        name = known.get(AT_DWO_NAME, known.get(OLD_DWO_NAME))
        base = known.get(AT_ADDRESSES, known.get(OLD_ADDRESSES, 0))
        if not isinstance(name, str) or not isinstance(base, int):
            return None
        # DWARF 5 has each unit's numbers behind a header, which says how long they are.
        length = self.number(base - 8, 4, pool) - 4 if AT_ADDRESSES in known and base >= 8 else len(pool)
        here = os.path.dirname(self.file.path)
        folder = known.get(AT_FOLDER)
        places = [os.path.join(folder if isinstance(folder, str) else here, name), os.path.join(here, name)]
        places.append(os.path.join(here, os.path.basename(name)))
        table = known.get(AT_STMT_LIST)
        return Skeleton(
            list(dict.fromkeys(places)),
            unit.identity or known.get(OLD_DWO_ID, 0),
            pool[base : base + length],
            unit.address_size,
            table if isinstance(table, int) else None,
        )

    def _split_part(self, number: int, skeleton: Skeleton) -> _Split | None:
        """The other half of a unit; None where it is not here, or is that of another build."""
        if number not in self._split:
            self._split[number] = None
            for place in skeleton.names:
                with suppress(NotElf, BadDwarf, IndexError, ValueError):
                    found = _Split(open_elf(place), number, skeleton)
                    if skeleton.identity in found.identities:
                        self._split[number] = found
                        break
            places = self._package.places(skeleton.identity) if self._package and not self._split[number] else None
            if self._package and places:
                with suppress(BadDwarf, IndexError, ValueError):
                    self._split[number] = _Split(self._package.file, number, skeleton, places)
        return self._split[number]

    @cached_property
    def _package(self) -> Package | None:
        """The package of .dwo files that lies beside the file; None for none."""
        for place in dict.fromkeys((f"{self.file.path}.dwp", f"{os.path.realpath(self.file.path)}.dwp")):
            with suppress(NotElf):
                return Package(open_elf(place))
        return None

    @cached_property
    def _common(self) -> Dwarf | None:
        """The file that dwz has moved common parts to; None where it is not here."""
        name, _, identity = self.section(".gnu_debugaltlink").partition(b"\0")
        if not name or not identity:
            return None
        build_id = identity.hex()
        places = [os.path.join(os.path.dirname(os.path.realpath(self.file.path)), os.fsdecode(name))]
        places += [os.path.join(one, ".build-id", build_id[:2], f"{build_id[2:]}.debug") for one in self._directories]
        for place in places:
            with suppress(NotElf):
                found = open_elf(place)
                if found.build_id == build_id:
                    return Dwarf(found, COMMON)
        return None

    def common_text(self, at: int) -> str | None:
        """See `Dwarf.common_text`."""
        return self._common.text_at(at) if self._common else None

    def declaration(self, entry: Entry) -> Entry:
        """The entry that says a variable's or function's name: of a member, its declaration in the class."""
        for _ in range(DEEPEST):
            at = entry.attributes.get(AT_SPECIFICATION, entry.attributes.get(AT_ORIGIN))
            if not isinstance(at, int):
                break
            entry = self.entry(at)
        return entry

    def function_around(self, parents: Sequence[int]) -> str:
        """The name of the innermost function among ancestors; empty for none."""
        for parent in reversed(parents):
            entry = self.entry(parent)
            if entry.tag in (TAG_FUNCTION, TAG_INLINED):
                return self.declaration(entry).name
        return ""

    def file_name(self, offset: int, number: int) -> str:
        """The last part of the name of a source file, by its number in the unit of an entry; empty where not known."""
        from gdb_tls.elf.dwarf_lines import file_names

        part, at = self.part(offset), self.unit_entry(offset).attributes.get(AT_STMT_LIST)
        split = self._split.get(offset // PART)
        if split is not None:
            part, at = self, split.skeleton.line_table
        if not isinstance(at, int):
            return ""
        lines = part.section(".debug_line")
        names = file_names(lines, at, self.order, part.strings, part.line_strings, self.address_size(offset))
        return names[number] if 0 <= number < len(names) else ""


class _Split(Dwarf):
    """A .dwo file, or what a package has of one."""

    def __init__(
        self, file: ElfFile, number: int, skeleton: Skeleton, places: Mapping[str, tuple[int, int]] | None = None
    ) -> None:
        self._places = places or {}
        super().__init__(file, number, ".dwo")
        self.skeleton = skeleton

    def section(self, name: str) -> bytes:
        """See `Dwarf.section`."""
        whole = super().section(name)
        start, size = self._places.get(name, (0, len(whole)))
        return whole[start : start + size]

    @cached_property
    def identities(self) -> set[int]:
        """What its units have in common with their other halves."""
        old = [self.unit_entry(self.base + one.first).attributes.get(OLD_DWO_ID, 0) for one in self.units]
        return {one.identity for one in self.units} | set(old) - {0}

    @cached_property
    def thread_local(self) -> dict[int, list[int]]:
        """Offset in the block, or a symbol's address -> the places of locations that say it."""
        found: dict[int, list[int]] = {}
        pool, size = self.skeleton.pool, self.skeleton.size
        for match in re.finditer(INDEXED, self.info, re.DOTALL):
            at = leb(match[1], 0)[0] * size
            offset = int.from_bytes(pool[at : at + size], "little" if self.order == "<" else "big")
            found.setdefault(offset, []).append(self.base + match.start())
        return found


def _in_pool(skeleton: Skeleton, number: int, order: str) -> bool:
    raw = number.to_bytes(skeleton.size, "little" if order == "<" else "big")
    at = skeleton.pool.find(raw)
    while at >= 0 and at % skeleton.size:
        at = skeleton.pool.find(raw, at + 1)
    return at >= 0


def _places(dwarf: Dwarf) -> dict[int, list[int]]:
    """Offset in the block -> the places of locations that say it."""
    found: dict[int, list[int]] = {}
    for match in re.finditer(WIDE if dwarf.file.pointer_size == 8 else NARROW, dwarf.info, re.DOTALL):
        offset = int.from_bytes(match[1], "little" if dwarf.order == "<" else "big")
        found.setdefault(offset, []).append(dwarf.base + match.start())
    return found
