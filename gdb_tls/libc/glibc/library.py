"""glibc's threads, modules and blocks, by glibc's own description of itself.

nptl_db/structs.def lists what libthread_db needs to know of glibc's private structures;
the compiler's answers are in the library as the `_thread_db_*` objects.  The walks follow
nptl_db/td_ta_thr_iter.c (threads) and nptl_db/td_thr_tlsbase.c (blocks).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from gdb_tls.errors import CorruptMemory, MissingFile
from gdb_tls.libc.abi import doubt
from gdb_tls.libc.glibc.descriptors import PREFIX, Descriptors
from gdb_tls.libc.glibc.dtv import MOST_MODULES, Dtvs
from gdb_tls.libc.glibc.stack_lists import StackLists
from gdb_tls.libc.library import ListedThreads
from gdb_tls.libc.thread_exit import DestructorList
from gdb_tls.objects.loaded import LoadedObject, LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.target.facts import Region
from gdb_tls.target.model import Absence, Module, Place, State
from gdb_tls.target.protocol import Target, UnreadableMemory
from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    from gdb_tls.libc.glibc.heap import FreeChunks
    from gdb_tls.libc.glibc.thread_data import GlibcThreadData
    from gdb_tls.libc.loader_errors import LoaderError
    from gdb_tls.libc.static_tls import StaticTls

LARGEST_STATIC = 1 << 31
FEW = 4
# nptl/descr.h: the thread has left its start routine.
EXITING = 0x10
LARGEST_SLOT = 32
# Of more threads than this the first ones are asked for the cache of malloc that they have.
MOST_CACHES = 1_000


class Slot(NamedTuple):
    """One used entry of the slotinfo list: which module has which id since when."""

    id: int
    generation: int
    link_map: int


class Glibc:
    """glibc, static or dynamic, of any version that has the descriptors."""

    name = "glibc"

    def __init__(self, target: Target, objects: LoadedObjects, descriptors: Descriptors) -> None:
        """Reads nothing yet."""
        self._target = target
        self._memory = target.memory
        self._architecture = target.architecture
        self._objects = objects
        self._words = Words(target)
        self._descriptors = descriptors
        self._newest_generation = 0
        self._free_chunks: FreeChunks | None = None
        self._routines: dict[int, int | None] = {}
        self._thread_pointers: Sequence[int] = ()

    # Threads

    def threads(self) -> ListedThreads:
        """Walks `_dl_stack_used` and `_dl_stack_user`; stops quietly where a list is damaged."""
        # tcbhead_t.tcb; the thread pointer is the structure's own address there.
        self_offset = 0 if self._architecture.static_below else None
        lists = StackLists(self._memory, self._words, self._descriptors, self_offset)
        distance = self._pthread_distance - self._descriptors.field("pthread_list").offset
        pointers: list[int] = []
        lwps: list[int] = []
        own: list[int] = []
        for head, is_own in self._stack_lists():
            nodes, tids, more = lists.read(head)
            here = [node + distance for node in nodes]
            if more:
                dtvs, routines = more
                self._dtvs.take(here, dtvs)
                self._routines.update(zip(here, routines))
            pointers += here
            lwps += [max(tid, 0) for tid in tids]
            own += here if is_own else []
        self._thread_pointers = pointers
        return ListedThreads(pointers, lwps, own)

    def _stack_lists(self) -> Iterator[tuple[int, bool]]:
        """Each list, and whether it is that of the main thread and of stacks that the program made itself."""
        for in_rtld, names in (
            ("rtld_global__dl_stack_used", ("_dl_stack_used", "stack_used")),
            ("rtld_global__dl_stack_user", ("_dl_stack_user", "__stack_user")),
        ):
            head = self._variable(in_rtld, names)
            if head:
                yield head, "user" in in_rtld

    def _variable(self, in_rtld: str, names: tuple[str, ...]) -> int | None:
        """The address of a variable that lives in `_rtld_global`, or stands alone in older and static libcs."""
        field = self._descriptors.find_field(in_rtld) if in_rtld else None
        if field:
            rtld_global = self._objects.symbol_address("_rtld_global", likely="ld")
            if rtld_global:
                return rtld_global[2] + field.offset
            missing = next(
                (o for o in self._objects.all if o.path is None and o.name.startswith(("ld-", "ld.", "ld64"))), None
            )
            if missing:
                raise MissingFile(f"The dynamic loader's file is needed to read TLS, and {missing.problem}")
        owner = self._descriptors.owner
        symbols = owner.file.symbols(names) if owner.file else {}
        for name in names:
            if name in symbols:
                return owner.load_base + symbols[name].value
        return None

    @cached_property
    def _pthread_distance(self) -> int:
        """Bytes from `struct pthread` to the thread pointer: both know where the DTV pointer is.

        nptl_db/structs.def has its offset in the one, sysdeps/*/nptl/tls.h that from the other.
        """
        return self._descriptors.field("pthread_dtvp").offset - self._architecture.dtv_offset

    def check_thread_pointer(self, thread_pointer: int) -> str:
        """Checks alignment and, where the TCB begins with its own address, that."""
        unreadable = f"the thread control block at 0x{thread_pointer:x} cannot be read"
        return doubt(thread_pointer, self._words, self._architecture, unreadable)

    def have_ended(self, thread_pointers: Sequence[int]) -> list[bool | None]:
        """Reads EXITING_BITMASK in `cancelhandling` (nptl/descr.h), as nptl_db/td_thr_get_info.c does."""
        field = self._descriptors.find_field("pthread_cancelhandling")
        if field is None:
            return [None] * len(thread_pointers)
        at = field.offset - self._pthread_distance
        read = self._memory.read_many([pointer + at for pointer in thread_pointers], 4)
        shape = self._words.order + "I"
        return [bool(struct.unpack(shape, raw)[0] & EXITING) if raw else None for raw in read]

    def start_routines(self, thread_pointers: Sequence[int]) -> list[int | None]:
        """Reads `start_routine` of each `struct pthread` (nptl/descr.h)."""
        unknown = [pointer for pointer in thread_pointers if pointer not in self._routines]
        self._routines.update(zip(unknown, self._started_with(unknown, 0)))
        return list(map(self._routines.get, thread_pointers))

    def start_arguments(self, thread_pointers: Sequence[int]) -> list[int | None]:
        """Reads `arg` of each `struct pthread`, which follows `start_routine` there."""
        return self._started_with(thread_pointers, self._words.size)

    def _started_with(self, thread_pointers: Sequence[int], behind: int) -> list[int | None]:
        field = self._descriptors.find_field("pthread_start_routine")
        if field is None:
            return [None] * len(thread_pointers)
        at = field.offset + behind - self._pthread_distance
        read = self._memory.read_many([pointer + at for pointer in thread_pointers], self._words.size)
        return [self._word_in(raw, 0) if raw else None for raw in read]

    # Modules

    def modules(self) -> Sequence[Module]:
        """Walks the slotinfo list (elf/dl-tls.c); it covers every dlmopen namespace.

        Raises:
            CorruptMemory: where the list is not there or cannot be read.
        """
        return self._modules

    @cached_property
    def _modules(self) -> list[Module]:
        known = {loaded.link_map: loaded for loaded in self._objects.all}
        found = []
        for slot in self._slots():
            try:
                loaded = known.get(slot.link_map) or self._objects.from_link_map(slot.link_map)
                if self._word_field(slot.link_map, "link_map_l_tls_modid") == slot.id:
                    found.append(self._module(slot, loaded))
            except UnreadableMemory:
                continue
        return sorted(found, key=lambda module: module.id)

    def _slots(self) -> Iterator[Slot]:
        describe = self._descriptors.field
        node_address = self._variable("rtld_global__dl_tls_dtv_slotinfo_list", ("_dl_tls_dtv_slotinfo_list",))
        if node_address is None:
            raise CorruptMemory("The loader's list of TLS modules (_dl_tls_dtv_slotinfo_list) was not found")
        slots_at = describe("dtv_slotinfo_list_slotinfo").offset
        slot_size = self._descriptors.number("sizeof_dtv_slotinfo")
        fields = (describe("dtv_slotinfo_gen"), describe("dtv_slotinfo_map"))
        if slot_size > LARGEST_SLOT or any(field.offset + self._words.size > slot_size for field in fields):
            raise CorruptMemory(f"{self._descriptors.owner.path} has garbage in {PREFIX}sizeof_dtv_slotinfo")
        first_id = 0
        seen: set[int] = set()
        try:
            node = self._words.read(node_address)
            while node and node not in seen and first_id < MOST_MODULES:
                seen.add(node)
                length = self._words.read(node + describe("dtv_slotinfo_list_len").offset)
                if length > MOST_MODULES:
                    raise CorruptMemory(
                        f"The loader's list of TLS modules has {length} entries at 0x{node:x}: it is damaged"
                    )
                data = self._memory.read(node + slots_at, length * slot_size)
                for index in range(length):
                    at = index * slot_size
                    generation = self._word_in(data, at + describe("dtv_slotinfo_gen").offset)
                    link_map = self._word_in(data, at + describe("dtv_slotinfo_map").offset)
                    self._newest_generation = max(self._newest_generation, generation)
                    if link_map and first_id + index:
                        yield Slot(first_id + index, generation, link_map)
                first_id += length
                node = self._words.read(node + describe("dtv_slotinfo_list_next").offset)
        except UnreadableMemory as error:
            if not first_id:
                raise CorruptMemory(
                    "The loader's list of TLS modules cannot be read",
                    "The dump may be truncated or made with a narrow coredump_filter.",
                ) from error

    def _module(self, slot: Slot, loaded: LoadedObject) -> Module:
        file = loaded.file
        segment = file.tls_segment if file else self._objects.tls_segment_at(loaded.load_base)
        return Module(
            id=slot.id,
            name=loaded.own_name or os.path.basename(self._target.executable or "") or "?",
            path=loaded.path,
            target_path=loaded.target_path,
            load_base=loaded.load_base,
            generation=slot.generation,
            static_offset=self._static_offset(slot.link_map),
            segment=segment,
            build_id=loaded.build_id,
            problem=loaded.problem,
        )

    def _static_offset(self, link_map: int) -> int | None:
        offset = self._word_field(link_map, "link_map_l_tls_offset")
        none = self._architecture.no_static_offset
        mask = (1 << 8 * self._words.size) - 1
        return None if offset in (none & mask, none - 1 & mask) else offset

    def _word_field(self, structure: int, name: str) -> int:
        field = self._descriptors.field(name)
        data = self._memory.read(structure + field.offset, field.bits // 8)
        return int.from_bytes(data, "little" if self._words.order == "<" else "big")

    def _word_in(self, data: bytes, at: int) -> int:
        return int(struct.unpack_from(self._words.format, data, at)[0])

    # Blocks

    def blocks(self, module: Module, thread_pointers: Sequence[int]) -> list[Place]:
        """Follows td_thr_tlsbase.c.

        A module with a static offset has its block there in every thread, whatever the DTV
        says (an initial-exec library that came after the threads has empty DTV entries), so
        the DTV is read for dynamic modules only, and of a few threads to check the offset.
        """
        if module.static_offset is None:
            return self._dtvs.blocks(module, thread_pointers, self._newest_generation)
        offset = -module.static_offset if self._architecture.static_below else module.static_offset
        offset -= self._architecture.thread_pointer_bias
        mask = (1 << 8 * self._words.size) - 1
        fixed: list[Place] = [thread_pointer + offset & mask for thread_pointer in thread_pointers]
        if self._is_offset_damaged(module, fixed, thread_pointers):
            reason = f"the link map of {module.name} is damaged (its l_tls_offset is 0x{module.static_offset:x})"
            return [Absence(State.UNRESOLVED, reason)] * len(fixed)
        return fixed

    def _is_offset_damaged(self, module: Module, fixed: Sequence[Place], thread_pointers: Sequence[int]) -> bool:
        """Whether no block of the module's size can be there, or every DTV that has the block has it elsewhere."""
        segment, offset = module.segment, module.static_offset or 0
        if segment and segment.address % segment.alignment == 0 and offset % segment.alignment:
            return True
        if offset > LARGEST_STATIC or (segment and self._architecture.static_below and offset < segment.size):
            return True
        known = self._dtvs.blocks(module, thread_pointers[:FEW], self._newest_generation)
        said = [place == here for place, here in zip(known, fixed) if isinstance(place, int)]
        return bool(said) and not any(said)

    @cached_property
    def _dtvs(self) -> Dtvs:
        return Dtvs(self._memory, self._words, self._descriptors, self._pthread_distance)

    # What else a thread has

    def loader_errors(self, thread_pointers: Sequence[int]) -> list[LoaderError | None]:
        """See `libc.loader_errors.KeepsLoaderErrors`."""
        from gdb_tls.libc.glibc.loader_errors import RESULT, read_results

        return read_results(self._own_variable(RESULT, thread_pointers), self._words, self._memory)

    @cached_property
    def _main_library(self) -> LoadedObject:
        """libc.so.6, or the static program; until glibc 2.33 the descriptors were in libpthread.so.0, apart from it."""
        from gdb_tls.libc.glibc.destructors import REGISTER

        found = self._objects.symbol_address(REGISTER, likely="libc.")
        return found[0] if found else self._descriptors.owner

    def destructors(self, thread_pointers: Sequence[int]) -> list[DestructorList]:
        """See `libc.thread_exit.KeepsDestructors`."""
        from gdb_tls.libc.glibc.destructors import Destructors, UnknownPlace, list_offset

        try:
            offset = list_offset(self._main_library)
        except UnknownPlace as error:
            why = f"where glibc keeps its list of destructors is not known: {error}"
            return [DestructorList((), why)] * len(thread_pointers)
        if offset is None:
            return [DestructorList(())] * len(thread_pointers)
        lists = Destructors(self._memory, self._words, self._architecture, self._objects)
        return lists.read(self._in_own_block(offset, thread_pointers), thread_pointers)

    def _own_variable(self, name: str, thread_pointers: Sequence[int]) -> list[int | None]:
        """The addresses of a thread-local variable of libc's that has a symbol; None where there is none."""
        owner = self._main_library
        symbol = owner.file.symbols([name]).get(name) if owner.file else None
        return self._in_own_block(symbol.value if symbol else None, thread_pointers)

    def _in_own_block(self, offset: int | None, thread_pointers: Sequence[int]) -> list[int | None]:
        """The addresses of an offset in libc's own block."""
        own = self._own_module
        if offset is None or own is None:
            return [None] * len(thread_pointers)
        places = self.blocks(own, thread_pointers)
        return [place + offset if isinstance(place, int) else None for place in places]

    def freed(self, pointers: Sequence[int], regions: Sequence[Region]) -> set[int]:
        """See `libc.heap.KnowsFreed`."""
        from gdb_tls.libc.glibc.heap import FreeChunks

        if self._words.size != 8:
            return set()
        if self._free_chunks is None:
            owner = self._main_library
            symbol = owner.file.symbols(["tcache_key"]).get("tcache_key") if owner.file else None
            address = owner.load_base + symbol.value if symbol else None
            self._free_chunks = FreeChunks(
                self._memory, self._words, address, regions, self._own_words, self._thread_pointers
            )
        return self._free_chunks.among(pointers)

    @property
    def _own_module(self) -> Module | None:
        """The C library's own block; None where it has none."""
        return next((one for one in self._modules if one.load_base == self._main_library.load_base), None)

    def _own_words(self) -> Iterator[int]:
        """The words of libc's own thread-local variables, in some threads."""
        own = self._own_module
        if own is not None and own.segment is not None:
            blocks = self.blocks(own, self.threads().thread_pointers[:MOST_CACHES])
            places = [one for one in blocks if isinstance(one, int)]
            for raw in self._memory.read_many(places, own.segment.size & ~7):
                yield from self._words.each(raw) if raw is not None else ()

    @cached_property
    def static_tls(self) -> StaticTls:
        """See `libc.static_tls.HasStaticTls`."""
        from gdb_tls.libc.glibc.static_tls import read_static_tls

        found = (self._objects, self._words, self._descriptors, self._architecture, self._modules, self._variable)
        return read_static_tls(*found)

    @cached_property
    def thread_data(self) -> GlibcThreadData:
        """See `libc.thread_data.HasThreadData`."""
        from gdb_tls.libc.glibc.thread_data import GlibcThreadData

        return GlibcThreadData(
            self._target, self._words, self._descriptors, self._pthread_distance, self._dtvs.pointers
        )
