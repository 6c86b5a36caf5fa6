"""The objects that the program has loaded, from its own memory: the chain of `struct link_map` (glibc elf/link.h).

This needs no help from the debugger beyond reading memory, so it works where GDB lists no libraries.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property

from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import PT_INTERP, PT_LOAD, ProgramHeader, TlsSegment
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.objects.builds import objection
from gdb_tls.objects.images import Images
from gdb_tls.objects.link_map import first_link_map
from gdb_tls.objects.words import Words
from gdb_tls.target.model import Module
from gdb_tls.target.protocol import Target, UnreadableMemory
from gdb_tls.tuples import NamedTuple

AT_EXECFN = 31

# The vDSO: the kernel's own object, which has no file.
KERNEL_OBJECTS = ("linux-vdso.so", "linux-gate.so", "linux-vdso64.so", "linux-vdso32.so")
MOST_OBJECTS = 100_000


class LoadedObject(NamedTuple):
    """One entry of the program's link map.

    Attributes:
        link_map: the address of its `struct link_map`; 0 where there is none (a static executable).
        load_base: what is added to the file's addresses (`l_addr`).
        target_path: `l_name`; empty for the executable.
        dynamic: the address of its dynamic section (`l_ld`); 0 where there is none.
        path: the file on this machine; None where it is missing.
        build_id: of the object in memory or else of the file; None where neither has one.
        problem: why `path` is None; empty where it is not.
        noted: its name in the memory map, where `path` is no name that says something (`/proc/PID/map_files/...`).
        set_aside: why a file that is likelier by its name is not `path`; empty where there is none.  The debugger
            may have read that file.
    """

    link_map: int
    load_base: int
    target_path: str
    dynamic: int
    path: str | None
    build_id: str | None
    problem: str = ""
    noted: str = ""
    set_aside: str = ""

    @property
    def name(self) -> str:
        """The last part of the file's name, or what else the object is called."""
        return self.own_name or "the executable"

    @property
    def own_name(self) -> str:
        """The last part of the file's name; empty where it is not known."""
        return os.path.basename(self.target_path or self.noted or self.path or "")

    @property
    def file(self) -> ElfFile | None:
        """The opened file; None where it is missing."""
        return open_elf(self.path) if self.path else None

    def module(self, number: int, segment: TlsSegment, static_offset: int | None) -> Module:
        """The object as a TLS module, for a C library that keeps no list of them."""
        return Module(
            id=number,
            name=self.name,
            path=self.path,
            target_path=self.target_path,
            load_base=self.load_base,
            generation=0,
            static_offset=static_offset,
            segment=segment,
            build_id=self.build_id,
            problem=self.problem,
        )


class LoadedObjects:
    """Finds the loaded objects and their files.  Every walk is bounded."""

    def __init__(self, target: Target) -> None:
        """Reads nothing yet."""
        self._target = target
        self._words = Words(target)
        self._images = Images(target)
        self._bounds: dict[int, tuple[int, int]] = {}

    @cached_property
    def all(self) -> list[LoadedObject]:
        """The executable and everything on its link map, in load order."""
        found: list[LoadedObject] = []
        with suppress(UnreadableMemory):  # what came before a damaged link is still good
            for address in self._link_maps():
                found.append(self.from_link_map(address))
        return found or [self._executable()]

    @cached_property
    def _executable_base(self) -> int:
        """The executable's load base: the first object's; what the kernel started may be the loader."""
        first = self._first_link_map
        if first:
            load_base, _, dynamic = self._words.read_some(first, 3)
            self._images.learn(load_base, dynamic)
            return load_base
        base = self._images.started_base
        return (base if base is not None else self._images.base_of(self._file_headers())) or 0

    @cached_property
    def _executable_headers(self) -> list[ProgramHeader]:
        return self._images.headers(self._executable_base) or self._file_headers()

    def _file_headers(self) -> list[ProgramHeader]:
        for found in self._target.files_for("", 0):
            with suppress(NotElf):
                return open_elf(found.path).segments
        return []

    @property
    def list_is_lost(self) -> bool:
        """Whether the program has a dynamic loader, but its link map cannot be read."""
        dynamic = any(header.type == PT_INTERP for header in self._executable_headers)
        return dynamic and not any(loaded.link_map for loaded in self.all)

    @cached_property
    def interpreter(self) -> str:
        """The dynamic loader that the executable asks for (PT_INTERP); empty for a static one."""
        header = next((one for one in self._executable_headers if one.type == PT_INTERP), None)
        if header is None:
            return ""
        try:
            return self._words.string(self._interpreter_address)
        except UnreadableMemory:
            file = self._executable().file
            raw = file.at_address(header.address, header.file_size) if file else None
            return os.fsdecode(raw.rstrip(b"\0")) if raw else "?"

    @cached_property
    def _interpreter_address(self) -> int:
        header = next((one for one in self._executable_headers if one.type == PT_INTERP), None)
        return self._executable_base + header.address if header else 0

    def symbol_address(self, *names: str, likely: str = "") -> tuple[LoadedObject, ElfSymbol, int] | None:
        """Finds an object that defines one of the symbols, and the symbol's address in memory.

        Args:
            names: the symbols, the best first.
            likely: how the name of the object begins that is asked first.
        """
        for loaded in sorted(self.all, key=lambda one: not (likely and one.name.startswith(likely))):
            symbols = loaded.file.symbols(names) if loaded.file else {}
            for name in names:
                if name in symbols:
                    return loaded, symbols[name], loaded.load_base + symbols[name].value
        return None

    def from_link_map(self, address: int) -> LoadedObject:
        """Reads one `struct link_map` (its public head: l_addr, l_name, l_ld).

        Raises:
            UnreadableMemory: where it cannot be read.
        """
        load_base, name, dynamic = self._words.read_some(address, 3)
        try:
            target_path = self._words.string(name) if name else ""
        except UnreadableMemory:
            # The loader's own name is the executable's PT_INTERP string, which a core need not hold.
            target_path = self.interpreter if name == self._interpreter_address else ""
        return self._identify(address, load_base, target_path, dynamic)

    def _executable(self) -> LoadedObject:
        return self._identify(0, self._executable_base, "", 0)

    def _identify(self, link_map: int, load_base: int, target_path: str, dynamic: int) -> LoadedObject:
        self._images.learn(load_base, dynamic)
        in_memory = self._images.build_id(load_base)

        def loaded(path: str | None, build_id: str | None, problem: str = "") -> LoadedObject:
            return LoadedObject(link_map, load_base, target_path, dynamic, path, build_id, problem)

        # The executable has no name, and a static one is on no list.
        if link_map and not target_path and self._first_link_map not in (0, link_map):
            return loaded(None, in_memory, f"the name of the object that is loaded at 0x{load_base:x} cannot be read")
        if target_path.startswith(KERNEL_OBJECTS):
            return loaded(None, in_memory)
        # Of `ld.so ./program` the kernel and the debugger have the loader's name only.
        is_started = load_base == (self._images.started_base or load_base)
        shown = target_path or (is_started and (self._target.executable or self._noted_name)) or "the executable"
        wanted = f"{shown} (build id {in_memory})" if in_memory else shown
        problem = ""
        for found in self._target.files_for(target_path, dynamic, in_memory):
            if not is_started and not target_path and self._is_started(found.path):
                continue
            why_not = objection(self._images, load_base, found, wanted)
            if not why_not:
                known = loaded(found.path, in_memory or open_elf(found.path).build_id)
                return known._replace(noted=found.noted, set_aside=problem)
            problem = problem or why_not
        missing = loaded(None, in_memory, problem or f"the file {wanted} is not on this machine")
        return missing._replace(set_aside=problem)

    def _is_started(self, path: str) -> bool:
        """Whether a file is the loader that the kernel has started."""
        with suppress(NotElf):
            return open_elf(path).build_id == self._images.build_id(self._images.started_base or 0)
        return False

    @cached_property
    def _noted_name(self) -> str:
        """The name under which the kernel started the executable."""
        try:
            return self._words.string(self._target.auxiliary_vector().get(AT_EXECFN, 0))
        except UnreadableMemory:
            return ""

    def bounds(self, loaded: LoadedObject) -> tuple[int, int] | None:
        """The first address of a loaded object and the one after its last; None where nothing tells."""
        headers = self.headers_at(loaded.load_base)
        if not any(header.type == PT_LOAD for header in headers) and loaded.file:
            with suppress(NotElf):
                headers = loaded.file.segments
        ends = [(header.address, header.address + header.size) for header in headers if header.type == PT_LOAD]
        if not ends:
            return None
        return loaded.load_base + min(start for start, _ in ends), loaded.load_base + max(end for _, end in ends)

    @cached_property
    def misread(self) -> list[tuple[int, int]]:
        """Where the debugger's names and lines may be those of another build."""
        return [bounds for loaded in self.all if loaded.set_aside and (bounds := self.bounds(loaded))]

    def at(self, address: int) -> LoadedObject | None:
        """The object that lies around an address; None for none."""
        index = bisect_right(self._bases, address) - 1
        if index < 0:
            return None
        if index not in self._bounds:
            self._bounds[index] = self.bounds(self._by_base[index]) or (0, 0)
        start, end = self._bounds[index]
        return self._by_base[index] if start <= address < end else None

    def place_name(self, address: int) -> str:
        """What something without a symbol is called, `MODULE+0xADDRESS` of the file; empty outside of all files."""
        loaded = self.at(address)
        return f"{loaded.name}+0x{address - loaded.load_base:x}" if loaded else ""

    @cached_property
    def _by_base(self) -> list[LoadedObject]:
        return sorted(self.all, key=lambda one: one.load_base)

    @cached_property
    def _bases(self) -> list[int]:
        return [one.load_base for one in self._by_base]

    def tls_segment_at(self, load_base: int) -> TlsSegment | None:
        """The PT_TLS header from memory, for an object whose file is missing."""
        return self._images.tls_segment(load_base)

    def headers_at(self, load_base: int) -> list[ProgramHeader]:
        """The program headers of the ELF image that is loaded at a base; empty where they cannot be read."""
        return self._images.headers(load_base)

    def _link_maps(self) -> Iterator[int]:
        seen: set[int] = set()
        address = self._first_link_map
        while address and address not in seen and len(seen) < MOST_OBJECTS:
            seen.add(address)
            yield address
            try:
                address = self._words.read(address + 3 * self._words.size)
            except UnreadableMemory:
                return

    @cached_property
    def _first_link_map(self) -> int:
        return first_link_map(self._target, self._images)
