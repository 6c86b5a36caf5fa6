"""glibc's lists and blocks: every branch of the walk, with the structures as glibc leaves them and damaged."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from unit.elfwriter import DATA_AT, Elf, Symbol
from unit.process import MACHINE, FakeModule, FakeThread, Process

from gdb_tls.errors import CorruptMemory, MissingFile, TlsError, UnsupportedTarget
from gdb_tls.libc import find as libc
from gdb_tls.libc.glibc.descriptors import Descriptors
from gdb_tls.libc.glibc.library import Glibc
from gdb_tls.libc.library import CLibrary
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.target.model import Absence, Place, State

GARBAGE = 0x7EADBEEF7EADBEE8
FLAVOURS = ("glibc", "old", "static")


def glibc(process: Process) -> CLibrary:
    """glibc itself, without what the ABI alone fixes to fall back on."""
    objects = LoadedObjects(process.target)
    descriptors = Descriptors.find(process.target, objects)
    return Glibc(process.target, objects, descriptors) if descriptors else libc.detect(process.target, objects)


def block(process: Process, module: FakeModule, thread: FakeThread) -> Place:
    """One module's block in one thread, found by a fresh reader."""
    library = glibc(process)
    found = next(one for one in library.modules() if one.id == module.id)
    (place,) = library.blocks(found, [thread.thread_pointer])
    return place


def absence(place: Place) -> Absence:
    assert isinstance(place, Absence), hex(place)
    return place


@pytest.fixture
def module(process: Process) -> FakeModule:
    """A module in dynamic TLS."""
    process.module("libfirst.so", static_offset=0x40)
    return process.module("libdynamic.so", alignment=16, generation=2)


@pytest.fixture
def thread(process: Process, module: FakeModule) -> FakeThread:
    """A thread whose DTV is up to date."""
    return process.thread(100, generation=2)


class TestBlocks:
    def test_static(self, process: Process) -> None:
        module = process.module("libstatic.so", static_offset=0x40)
        thread = process.thread(100)
        assert block(process, module, thread) == thread.thread_pointer - 0x40

    def test_static_after_the_threads_started(self, process: Process) -> None:
        """Built initial-exec and loaded late: its DTV entries stay empty, and the generation old."""
        thread = process.thread(100, generation=1, capacity=1)
        process.module("libfirst.so")
        late = process.module("liblate.so", static_offset=0x1C0, generation=7)
        assert block(process, late, thread) == thread.thread_pointer - 0x1C0

    def test_static_needs_no_dtv(self, process: Process) -> None:
        module = process.module("libstatic.so", static_offset=0x40)
        thread = process.thread(100)
        process.memory.put(thread.thread_pointer + 8, 0)
        assert block(process, module, thread) == thread.thread_pointer - 0x40

    @pytest.mark.parametrize("offset", [0x41, 0x8, GARBAGE])
    def test_garbage_offset(self, process: Process, offset: int) -> None:
        """Not aligned as the module asks for, above the block's place, or far outside: no block is there."""
        module = process.module("libstatic.so", static_offset=offset, size=0x100, alignment=8)
        thread = process.thread(100)
        assert absence(block(process, module, thread)).state is State.UNRESOLVED

    @pytest.mark.parametrize("machine", MACHINE)
    def test_offsets_that_are_none(self, tmp_path: Path, machine: str) -> None:
        """NO_TLS_OFFSET and FORCED_DYNAMIC_TLS_OFFSET are no offsets."""
        process = Process(tmp_path, machine)
        undecided = process.module("libundecided.so")
        forced = process.module("libforced.so", static_offset=process.abi.forced)
        process.thread(100)
        assert [one.static_offset for one in glibc(process).modules()] == [None, None]
        for one in (undecided, forced):
            assert absence(block(process, one, process.threads[0])).state is State.UNALLOCATED

    def test_dynamic(self, process: Process, module: FakeModule, thread: FakeThread) -> None:
        address = process.block(thread, module)
        assert block(process, module, thread) == address

    @pytest.mark.parametrize("entry", [0, -1])
    def test_entry_that_says_unallocated(
        self, process: Process, module: FakeModule, thread: FakeThread, entry: int
    ) -> None:
        process.memory.put(process.entry(thread, module), entry)
        state, reason = absence(block(process, module, thread))
        assert state is State.UNALLOCATED
        assert reason == "this thread has not touched libdynamic.so yet"

    def test_generation_too_old(self, process: Process, module: FakeModule) -> None:
        """What is in the entry belongs to the module that had the id before."""
        thread = process.thread(100, generation=1)
        process.block(thread, module)
        assert absence(block(process, module, thread)).state is State.UNALLOCATED

    def test_generation_as_old_as_the_module(self, process: Process, module: FakeModule, thread: FakeThread) -> None:
        process.module("libnewer.so", generation=3)
        address = process.block(thread, module)
        assert block(process, module, thread) == address

    @pytest.mark.parametrize("capacity", [1, 2])
    def test_capacity(self, process: Process, module: FakeModule, capacity: int) -> None:
        """The last entry counts; what lies behind it is not the DTV's."""
        assert module.id == 2
        thread = process.thread(100, capacity=capacity, generation=2)
        address = process.block(thread, module)
        place = block(process, module, thread)
        if capacity == 2:
            assert place == address
        else:
            assert absence(place).state is State.UNALLOCATED

    def test_misaligned_entry(self, process: Process, module: FakeModule, thread: FakeThread) -> None:
        process.memory.put(process.entry(thread, module), process.block(thread, module) + 8)
        state, reason = absence(block(process, module, thread))
        assert state is State.UNRESOLVED
        assert "entry 2" in reason and "damaged" in reason

    def test_generation_of_a_dlopen_that_failed(self, process: Process, module: FakeModule, thread: FakeThread) -> None:
        """It counts, and leaves no slot that has it: the case of glibc's elf/tst-tls-ie."""
        address = process.block(thread, module)
        process.memory.put(thread.dtv, 3)
        assert block(process, module, thread) == address

    @pytest.mark.parametrize("generation", [1 << 40, GARBAGE])
    def test_garbage_generation(
        self, process: Process, module: FakeModule, thread: FakeThread, generation: int
    ) -> None:
        process.block(thread, module)
        process.memory.put(thread.dtv, generation)
        state, reason = absence(block(process, module, thread))
        assert state is State.UNRESOLVED
        assert f"generation {generation}" in reason

    @pytest.mark.parametrize("capacity", [0, GARBAGE, (1 << 64) - 1])
    def test_garbage_capacity(self, process: Process, module: FakeModule, thread: FakeThread, capacity: int) -> None:
        process.block(thread, module)
        process.memory.put(thread.dtv - 16, capacity)
        assert absence(block(process, module, thread)).state is State.UNRESOLVED

    @pytest.mark.parametrize("pointer", [0, 8, GARBAGE, 0x1001, (1 << 64) - 8])
    def test_garbage_dtv(self, process: Process, module: FakeModule, thread: FakeThread, pointer: int) -> None:
        process.memory.put(thread.thread_pointer + 8, pointer)
        state, reason = absence(block(process, module, thread))
        assert state is State.UNRESOLVED
        assert "DTV" in reason

    def test_dtv_pointer_inside_of_a_word(self, process: Process, module: FakeModule, thread: FakeThread) -> None:
        process.memory.put(thread.thread_pointer + 8, thread.dtv + 4)
        assert absence(block(process, module, thread)) == (State.UNRESOLVED, "the thread's DTV cannot be read")

    def test_dtv_that_the_core_left_out(self, process: Process, module: FakeModule, thread: FakeThread) -> None:
        process.block(thread, module)
        process.memory.leave_out(thread.dtv)
        assert absence(block(process, module, thread)) == (State.UNRESOLVED, "the thread's DTV cannot be read")

    def test_entry_that_the_core_left_out(self, process: Process) -> None:
        for number in range(1, 300):
            module = process.module(f"lib{number}.so") if number in (1, 2) else process.register(process.loader)
        process.memory.put(process.loader.link_map + 0x91 * 8, module.id)
        thread = process.thread(100)
        entry = process.entry(thread, module)
        assert entry // 4096 != thread.dtv // 4096
        process.memory.leave_out(entry)
        state, reason = absence(block(process, module, thread))
        assert state is State.UNRESOLVED
        assert reason == f"entry 299 of the thread's DTV at 0x{thread.dtv:x} cannot be read"

    def test_one_bad_thread_spoils_no_other(self, process: Process, module: FakeModule) -> None:
        threads = [process.thread(lwp, generation=2) for lwp in (100, 101, 102)]
        addresses = [process.block(thread, module) for thread in threads]
        process.memory.put(threads[1].thread_pointer + 8, GARBAGE)
        library = glibc(process)
        places = library.blocks(library.modules()[1], [thread.thread_pointer for thread in threads])
        assert (places[0], places[2]) == (addresses[0], addresses[2])
        assert absence(places[1]).state is State.UNRESOLVED

    def test_thread_pointer_that_points_nowhere(self, process: Process, module: FakeModule, thread: FakeThread) -> None:
        library = glibc(process)
        for pointer in (0, GARBAGE, (1 << 64) - 1):
            (place,) = library.blocks(library.modules()[1], [pointer])
            assert absence(place).state is State.UNRESOLVED

    def test_block_without_alignment_to_check(self, process: Process) -> None:
        """p_vaddr need not be a multiple of p_align; then a block's address need not be one either."""
        module = process.module("libodd.so", alignment=64)
        elf = module.loaded.elf
        assert elf.tls
        elf.tls = elf.tls._replace(address=0x408)
        elf.write(Path(module.loaded.path))
        process.memory.write(module.loaded.base, elf.image())
        thread = process.thread(100)
        process.memory.put(process.entry(thread, module), process.allocate(256, 64) + 8)
        assert isinstance(block(process, module, thread), int)


class TestModules:
    @pytest.mark.parametrize("flavour", FLAVOURS)
    @pytest.mark.parametrize("machine", MACHINE)
    def test_list(self, tmp_path: Path, machine: str, flavour: str) -> None:
        """More of them than one node of the list holds, and in the order of their ids."""
        process = Process(tmp_path, machine, flavour)
        for number in range(1, 10):
            process.module(f"lib{number}.so", size=16 * number, generation=number, static_offset=64 * number)
        found = glibc(process).modules()
        assert [(one.id, one.name, one.generation, one.static_offset) for one in found] == [
            (number, f"lib{number}.so", number, 64 * number) for number in range(1, 10)
        ]
        assert [one.segment.size for one in found if one.segment] == [16 * number for number in range(1, 10)]
        assert [one.load_base for one in found] == [known.loaded.base for known in process.modules]
        assert {one.storage for one in found} == {"static"}
        assert len(process.slot_nodes) > 2

    def test_slot_zero_is_never_a_module(self, process: Process) -> None:
        """glibc 2.36 leaves a link map there."""
        module = process.module("libone.so")
        process.memory.put(process.slot_address(0), 0, module.loaded.link_map)
        assert [one.id for one in glibc(process).modules()] == [1]

    def test_slot_zero_with_a_module_id_of_zero(self, process: Process) -> None:
        process.module("libone.so")
        process.memory.put(process.slot_address(0), 0, process.libc.link_map)
        assert process.memory.word(process.libc.link_map + 0x91 * 8) == 0
        assert [one.id for one in glibc(process).modules()] == [1]

    def test_module_id_must_match_its_slot(self, process: Process) -> None:
        stale = process.module("libstale.so")
        process.module("libgood.so")
        process.memory.put(stale.loaded.link_map + 0x91 * 8, 7)
        assert [one.name for one in glibc(process).modules()] == ["libgood.so"]

    def test_empty_slots(self, process: Process) -> None:
        """A library that was closed leaves its slot with a generation and without a map."""
        closed = process.module("libclosed.so", generation=1)
        process.module("libopen.so", generation=2)
        process.memory.put(closed.slot, 3, 0)
        library = glibc(process)
        assert [one.id for one in library.modules()] == [2]
        thread = process.thread(100, generation=3)
        address = process.block(thread, process.modules[1])
        assert library.blocks(library.modules()[0], [thread.thread_pointer]) == [address]

    def test_reused_slot(self, process: Process) -> None:
        """The new module's generation is newer than a thread's DTV, whose entry is the old module's block."""
        old = process.module("libold.so")
        thread = process.thread(100)
        stale = process.block(thread, old)
        new = process.load("libnew.so", process._elf())
        process.modules.clear()
        reused = process.register(new, generation=5)
        assert reused.id == old.id
        assert process.memory.word(process.entry(thread, reused)) == stale
        assert absence(block(process, reused, thread)).state is State.UNALLOCATED

    def test_map_outside_of_the_link_map_list(self, process: Process) -> None:
        """A dlmopen namespace: the slot has the only way to it."""
        module = process.module("libother.so", size=0x30)
        before = process.objects[-2].link_map
        process.memory.put(before + 3 * 8, 0)
        (found,) = glibc(process).modules()
        assert (found.name, found.load_base) == ("libother.so", module.loaded.base)
        assert found.segment is not None and found.segment.size == 0x30

    @pytest.mark.parametrize("garbage", [8, GARBAGE, (1 << 64) - 1])
    def test_garbage_map_is_skipped(self, process: Process, garbage: int) -> None:
        bad = process.module("libbad.so")
        process.module("libgood.so")
        process.memory.put(bad.slot, 1, garbage)
        assert [one.name for one in glibc(process).modules()] == ["libgood.so"]

    def test_missing_file(self, process: Process) -> None:
        module = process.module("libgone.so", image=b"xyz", size=0x50, build_id=b"\xfe\xed")
        del process.target.known_files["/lib/libgone.so"]
        (found,) = glibc(process).modules()
        assert (found.name, found.path, found.build_id) == ("libgone.so", None, "feed")
        assert "build id feed" in found.problem
        assert found.segment is not None and (found.segment.image_size, found.segment.size) == (3, 0x50)
        assert found.load_base == module.loaded.base

    def test_list_with_a_cycle(self, process: Process) -> None:
        for number in range(1, 6):
            process.module(f"lib{number}.so")
        process.memory.put(process.slot_nodes[-1] + 8, process.slot_nodes[0])
        process.memory.most_reads = 1000
        assert [one.id for one in glibc(process).modules()] == [1, 2, 3, 4, 5]

    def test_list_that_breaks_off(self, process: Process) -> None:
        for number in range(1, 6):
            process.module(f"lib{number}.so")
        process.memory.put(process.slot_nodes[0] + 8, GARBAGE)
        assert [one.id for one in glibc(process).modules()] == [1, 2, 3]

    def test_list_that_cannot_be_read(self, process: Process) -> None:
        process.module("libone.so")
        process.memory.leave_out(process.slot_nodes[0])
        with pytest.raises(CorruptMemory, match="cannot be read"):
            glibc(process).modules()

    @pytest.mark.parametrize("length", [GARBAGE, 1 << 33, (1 << 64) - 1])
    def test_absurd_length(self, process: Process, length: int) -> None:
        process.module("libone.so")
        process.memory.put(process.slot_nodes[0], length)
        with pytest.raises(CorruptMemory, match=f"has {length} entries"):
            glibc(process).modules()

    def test_damage_does_not_come_and_go(self, process: Process) -> None:
        """A second question gets the same answer: nothing half-read is kept."""
        process.module("libone.so")
        process.memory.put(process.slot_nodes[0], GARBAGE)
        library = glibc(process)
        for _ in range(2):
            with pytest.raises(CorruptMemory):
                library.modules()


class TestThreads:
    @pytest.mark.parametrize("flavour", FLAVOURS)
    @pytest.mark.parametrize("machine", MACHINE)
    def test_lists(self, tmp_path: Path, machine: str, flavour: str) -> None:
        process = Process(tmp_path, machine, flavour)
        for lwp in (100, 101, 0, 103):
            process.thread(lwp)
        assert sorted(zip(*glibc(process).threads()[:2])) == sorted(
            (thread.thread_pointer, thread.lwp) for thread in process.threads
        )

    @pytest.mark.parametrize("machine", ["x86-64", "aarch64"])
    def test_long_list(self, tmp_path: Path, machine: str) -> None:
        """Runs at equal distances, read at once, with holes and shifts between them."""
        process, chance = Process(tmp_path, machine), random.Random(machine)
        for lwp in range(1000, 1400):
            if chance.random() < 0.03:
                process.allocate(chance.choice((0x10, 0x1000, 0x5000)))
            process.thread(lwp)
        found = glibc(process).threads()
        assert sorted(zip(*found[:2])) == sorted((thread.thread_pointer, thread.lwp) for thread in process.threads)
        assert len(set(found.lwps)) == 400

    def test_cycle_past_the_head(self, process: Process) -> None:
        threads = [process.thread(lwp) for lwp in (100, 101, 102, 103)]
        process.memory.put(threads[3].node, threads[2].node)
        assert glibc(process).threads().lwps == [101, 102, 103, 100]

    @pytest.mark.parametrize("garbage", [0, 0x18, GARBAGE, (1 << 64) - 8])
    def test_broken_link(self, process: Process, garbage: int) -> None:
        """What came before the damage is good."""
        threads = [process.thread(lwp) for lwp in (100, 101, 102, 103)]
        process.memory.put(threads[2].node, garbage)
        assert glibc(process).threads().lwps == [101, 102, 100]

    def test_link_into_other_memory(self, process: Process) -> None:
        """Zeros that can be read are no thread: none may be invented."""
        threads = [process.thread(lwp) for lwp in (100, 101, 102)]
        process.memory.put(threads[1].node, process.allocate(0x4000) + 0x1000)
        assert glibc(process).threads().lwps == [101, 100]

    def test_thread_that_the_core_left_out(self, process: Process) -> None:
        threads = [process.thread(lwp) for lwp in (100, 101, 102)]
        process.memory.leave_out(threads[1].pthread, 0x900)
        assert glibc(process).threads().lwps == [100]

    @pytest.mark.parametrize("garbage", [0, GARBAGE])
    def test_lost_heads(self, process: Process, garbage: int) -> None:
        process.thread(100)
        for head in (process.used, process.user):
            process.memory.put(head, garbage, garbage)
        assert glibc(process).threads()[:2] == ([], [])

    def test_negative_thread_id(self, process: Process) -> None:
        """Older glibc marks a thread whose memory waits to be reused with a negative id."""
        process.thread(-100)
        assert glibc(process).threads().lwps == [0]

    def test_check_of_a_thread_pointer(self, process: Process) -> None:
        good = process.thread(100).thread_pointer
        library = glibc(process)
        assert library.check_thread_pointer(good) == ""
        assert "not aligned" in library.check_thread_pointer(good + 4)
        assert "no thread control block" in library.check_thread_pointer(good + 8)
        assert "cannot be read" in library.check_thread_pointer(GARBAGE)


class TestFindingIt:
    def test_no_libc_at_all(self, process: Process) -> None:
        elf = Elf(dynsym=[Symbol("printf", DATA_AT, kind=2)])
        elf.write(Path(process.libc.path))
        process.memory.write(process.libc.base, elf.image())
        with pytest.raises(UnsupportedTarget, match="_thread_db_"):
            glibc(process)

    def test_missing_libc(self, process: Process) -> None:
        del process.target.known_files["/lib/libc.so.6"]
        with pytest.raises(MissingFile, match=r"the file /lib/libc\.so\.6 is not on this machine"):
            glibc(process)

    def test_missing_loader(self, process: Process) -> None:
        process.module("libone.so")
        del process.target.known_files["/lib/ld-linux-x86-64.so.2"]
        with pytest.raises(MissingFile, match=r"ld-linux-x86-64\.so\.2 is not on this machine"):
            glibc(process).modules()

    def test_lost_link_map(self, process: Process) -> None:
        process.memory.leave_out(process.r_debug)
        with pytest.raises(CorruptMemory, match="list of loaded objects"):
            glibc(process)

    def test_nothing_is_here(self, process: Process) -> None:
        process.target.known_files.clear()
        process.target.executable = None
        with pytest.raises(MissingFile):
            glibc(process)

    @pytest.mark.parametrize("name", ["dtv_dtv", "pthread_dtvp", "link_map_l_tls_modid", "sizeof_dtv_slotinfo"])
    def test_damaged_descriptors(self, process: Process, name: str) -> None:
        """A libc that lacks one of the descriptors is one sentence, not a traceback."""
        module = process.module("libone.so")
        thread = process.thread(100)
        elf = process.libc.elf
        elf.dynsym = [one for one in elf.dynsym or () if one.name != f"_thread_db_{name}"]
        elf.write(Path(process.libc.path))
        with pytest.raises(TlsError, match=f"_thread_db_{name}"):
            block(process, module, thread)

    def test_descriptors_come_from_the_file(self, process: Process) -> None:
        """A core often lacks the library's read-only pages."""
        module = process.module("libone.so", static_offset=0x40)
        thread = process.thread(100)
        process.memory.leave_out(process.libc.base, 0x3000)
        assert block(process, module, thread) == thread.thread_pointer - 0x40
