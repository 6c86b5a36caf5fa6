"""A believable glibc process in a fake target's memory, with ELF files on disk to go with it.

What glibc's headers leave to the machine is here a table of its own, taken from the ABI
documents, so that the product's table is tested against it and not against itself.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from unit.elfwriter import (
    DATA_AT,
    ET_EXEC,
    GLOBAL,
    LOCAL,
    MACHINES,
    STT_OBJECT,
    Elf,
    Symbol,
    Tls,
)
from unit.fake import FakeTarget, architecture

from gdb_tls.program.program import Program
from gdb_tls.target.model import Thread

AT_PHDR, AT_PHNUM = 3, 5
DT_DEBUG = 21
PTHREAD_SIZE = 0x900
SURPLUS = 14


class Machine(NamedTuple):
    """What differs between machines: glibc sysdeps/*/nptl/tls.h and elf/tls.h.

    Attributes:
        thread_pointer: from the address of `struct pthread`.
        dtv: where the DTV pointer is, from the thread pointer.
        static: what is added to the thread pointer before an `l_tls_offset` is.
        below: the offset is subtracted instead.
        none: `l_tls_offset` of a module without a place in static TLS.
        forced: the same, of one that may not get one.
        self_pointer: `struct pthread` begins with its own address.
    """

    thread_pointer: int
    dtv: int
    static: int = 0
    below: bool = False
    none: int = 0
    forced: int = -1
    self_pointer: bool = False


MACHINE = {
    "x86-64": Machine(0, 8, below=True, self_pointer=True),
    "i386": Machine(0, 4, below=True, self_pointer=True),
    "s390x": Machine(0, 8, below=True, self_pointer=True),
    "aarch64": Machine(PTHREAD_SIZE, 0),
    "arm": Machine(PTHREAD_SIZE, 0),
    "riscv64": Machine(PTHREAD_SIZE, -16, none=-1, forced=-2),
    "ppc64le": Machine(PTHREAD_SIZE + 0x7000, -0x7008, static=-0x7000, none=-1, forced=-2),
}


@dataclass(repr=False)
class Loaded:
    """One loaded object."""

    name: str
    path: str
    base: int
    link_map: int
    elf: Elf


@dataclass(repr=False)
class FakeModule:
    """One loaded object with thread-local storage."""

    id: int
    loaded: Loaded
    slot: int
    generation: int


@dataclass(repr=False)
class FakeThread:
    """One thread."""

    num: int | None
    lwp: int
    pthread: int
    thread_pointer: int
    dtv: int
    node: int


@dataclass(repr=False)
class Process:
    """The process; everything is in memory as soon as a method returns.

    Args:
        folder: for the files.
        machine: a name of `MACHINE`.
        flavour: "glibc" (2.34 and newer), "old" (libpthread apart) or "static".
        kind: "core", "live" or "remote".
    """

    folder: Path
    machine: str = "x86-64"
    flavour: str = "glibc"
    kind: str = "core"
    threads: list[FakeThread] = field(default_factory=list)
    modules: list[FakeModule] = field(default_factory=list)
    objects: list[Loaded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.row = architecture(self.machine)
        self.target = FakeTarget(self.row, self.kind)
        self.memory = self.target.memory
        self.word = self.row.pointer_size
        self.order = "<" if self.row.byte_order == "little" else ">"
        self.abi = MACHINE[self.machine]
        self._next = 0x7F0000000000 if self.word == 8 else 0x60000000
        self.r_debug = 0
        self.slots_per_node = 4
        self.slot_nodes: list[int] = []
        {"glibc": self._start_glibc, "old": self._start_old, "static": self._start_static}[self.flavour]()

    def program(self) -> Program:
        """A fresh look at it."""
        return Program(self.target)

    # Starting it

    def _start_glibc(self) -> None:
        self._executable()
        symbols, data = self._descriptors(in_rtld=True)
        self.libc = self.load("libc.so.6", self._elf(dynsym=symbols, data=data))
        self._loader()

    def _start_old(self) -> None:
        """Before 2.34: the stack lists are libpthread's own, and so are the descriptors, in its .symtab."""
        self._executable()
        self.load("libc.so.6", self._elf(dynsym=[]))
        symbols, data = self._descriptors(in_rtld=True, stacks_in_rtld=False)
        lists = DATA_AT + 0x800
        data[lists] = bytes(4 * self.word)
        symbols += [
            Symbol("stack_used", lists, 16, STT_OBJECT, LOCAL),
            Symbol("__stack_user", lists + 2 * self.word, 16, STT_OBJECT, LOCAL),
        ]
        loaded = self.load("libpthread.so.0", self._elf(dynsym=[], symtab=symbols, data=data))
        self.libc = loaded
        self.used, self.user = loaded.base + lists, loaded.base + lists + 2 * self.word
        self._loader(stacks=False)
        self._empty_lists()

    def _start_static(self) -> None:
        symbols, data = self._descriptors(in_rtld=False)
        base = 0x400000
        data = {base + address: content for address, content in data.items()}
        symbols = [one._replace(value=base + one.value) for one in symbols]
        lists = base + DATA_AT + 0x800
        data[lists] = bytes(6 * self.word)
        names = ("_dl_stack_used", "_dl_stack_user", "_dl_tls_dtv_slotinfo_list")
        places = (lists, lists + 2 * self.word, lists + 4 * self.word)
        symbols += [Symbol(name, place, 16, STT_OBJECT, LOCAL) for name, place in zip(names, places)]
        elf = self._elf(type=ET_EXEC, base=base, symtab=symbols, data=data, own_header=False)
        elf.tls = Tls(b"", 16)
        self.libc = self._place("app", elf, base)
        self.used, self.user, self.slot_list = places
        self.target.executable = self.libc.path
        self._tell_kernel(self.libc)
        self._empty_lists()
        self._slot_node()

    def _executable(self) -> None:
        """The executable, which comes first on the link map; DT_DEBUG leads there."""
        elf = self._elf(dynamic=[(1, 5), (DT_DEBUG, 0)], build_id=b"\xaa" * 20, interpreter="/lib/ld.so")
        self.r_debug = self.allocate(5 * self.word)
        elf.dynamic = [(1, 5), (DT_DEBUG, self.r_debug)]
        loaded = self._place("app", elf, 0x555555554000 if self.word == 8 else 0x56555000)
        self.target.executable = loaded.path
        self._tell_kernel(loaded)
        self.executable = loaded
        self._link(loaded, "")

    def _tell_kernel(self, loaded: Loaded) -> None:
        bias = loaded.base - loaded.elf.base
        self.target.vector = {AT_PHDR: bias + loaded.elf.headers_at, AT_PHNUM: loaded.elf.header_count}

    def _loader(self, stacks: bool = True) -> None:
        size = 0x300 * self.word
        symbol = Symbol("_rtld_global", DATA_AT, size, STT_OBJECT, GLOBAL)
        elf = self._elf(dynsym=[symbol], data={DATA_AT: bytes(size)})
        self.loader = self.load("ld-linux-x86-64.so.2", elf)
        self.rtld_global = self.loader.base + DATA_AT
        self.slot_list = self.rtld_global + 0x200 * self.word
        if stacks:
            self.used = self.rtld_global + 0x210 * self.word
            self.user = self.rtld_global + 0x212 * self.word
            self._empty_lists()
        self._slot_node()

    def _empty_lists(self) -> None:
        for head in (self.used, self.user):
            self.memory.put(head, head, head)

    # glibc's description of itself (nptl_db/structs.def).  The offsets are not those of a real glibc.

    def _descriptors(self, in_rtld: bool, stacks_in_rtld: bool = True) -> tuple[list[Symbol], dict[int, bytes]]:
        word, bits = self.word, 8 * self.word
        fields = {
            "pthread_list": (2 * bits, 1, 0x58 * word),
            "pthread_tid": (32, 1, 0x5C * word),
            "pthread_dtvp": (bits, 1, self.abi.thread_pointer + self.abi.dtv),
            "list_t_next": (bits, 1, 0),
            "list_t_prev": (bits, 1, word),
            "dtv_dtv": (2 * bits, 0x7FFFFFF, 0),
            "dtv_t_pointer_val": (bits, 1, 0),
            "dtv_t_counter": (bits, 1, 0),
            "dtv_slotinfo_list_len": (bits, 1, 0),
            "dtv_slotinfo_list_next": (bits, 1, word),
            "dtv_slotinfo_list_slotinfo": (2 * bits, 0, 2 * word),
            "dtv_slotinfo_gen": (bits, 1, 0),
            "dtv_slotinfo_map": (bits, 1, word),
            "link_map_l_tls_offset": (bits, 1, 0x8F * word),
            "link_map_l_tls_modid": (bits, 1, 0x91 * word),
        }
        if in_rtld:
            fields["rtld_global__dl_tls_dtv_slotinfo_list"] = (bits, 1, 0x200 * word)
        if in_rtld and stacks_in_rtld:
            fields["rtld_global__dl_stack_used"] = (2 * bits, 1, 0x210 * word)
            fields["rtld_global__dl_stack_user"] = (2 * bits, 1, 0x212 * word)
        numbers = {"sizeof_pthread": PTHREAD_SIZE, "sizeof_dtv_slotinfo": 2 * word, "const_thread_area": PTHREAD_SIZE}
        if self.abi.self_pointer:
            numbers["const_thread_area"] = 25  # the index of a register
        symbols, content = [], b""
        for name, values in [*fields.items(), *((name, (number,)) for name, number in numbers.items())]:
            raw = struct.pack(f"{self.order}{len(values)}I", *values)
            symbols.append(Symbol(f"_thread_db_{name}", DATA_AT + len(content), len(raw), STT_OBJECT))
            content += raw
        return symbols, {DATA_AT: content}

    # Objects

    def _elf(self, **settings: object) -> Elf:
        bits = 8 * self.word
        return Elf(bits=bits, order=self.order, machine=MACHINES[self.machine], **settings)  # type: ignore[arg-type]

    def allocate(self, size: int, alignment: int = 16) -> int:
        """Maps fresh memory, a page or more behind the last piece, so that each can be unmapped."""
        self._next = (self._next + 2 * 4096 - 1) // 4096 * 4096
        address = (self._next + alignment - 1) // alignment * alignment
        self.memory.map(address, size)
        self._next = address + size
        return address

    def load(self, name: str, elf: Elf, target_path: str | None = None) -> Loaded:
        """Loads an object and puts it at the end of the link map."""
        path = f"/lib/{name}" if target_path is None else target_path
        loaded = self._place(name, elf, self.allocate(0x10000))
        self.target.known_files[path] = loaded.path
        self._link(loaded, path)
        return loaded

    def _place(self, name: str, elf: Elf, base: int) -> Loaded:
        image = elf.image()
        self.memory.map(base, max(len(image), elf.memory_size))
        self.memory.write(base, image)
        return Loaded(name, elf.write(self.folder / name), base, 0, elf)

    def _link(self, loaded: Loaded, target_path: str) -> None:
        loaded.link_map = self.allocate(0xA0 * self.word)
        name = self.allocate(256)
        self.memory.write(name, target_path.encode() + b"\0")
        before = self.objects[-1].link_map if self.objects else 0
        self.memory.put(loaded.link_map, loaded.base - loaded.elf.base, name, loaded.base + 0x280, 0, before)
        if self.objects:
            self.memory.put(self.objects[-1].link_map + 3 * self.word, loaded.link_map)
        elif self.r_debug:
            # r_version is an int, and padding follows it.
            self.memory.write(self.r_debug, struct.pack(self.order + "i", 1).ljust(self.word, b"\0"))
            self.memory.put(self.r_debug + self.word, loaded.link_map)
        self.objects.append(loaded)

    # Modules

    def _slot_node(self) -> int:
        node = self.allocate((2 + 2 * self.slots_per_node) * self.word)
        self.memory.put(node, self.slots_per_node, 0)
        self.memory.put(self.slot_nodes[-1] + self.word if self.slot_nodes else self.slot_list, node)
        self.slot_nodes.append(node)
        return node

    def slot_address(self, module_id: int) -> int:
        """Where a module's slotinfo is."""
        while module_id >= self.slots_per_node * len(self.slot_nodes):
            self._slot_node()
        node, index = divmod(module_id, self.slots_per_node)
        return self.slot_nodes[node] + (2 + 2 * index) * self.word

    def module(
        self,
        name: str,
        symbols: Sequence[Symbol] = (),
        *,
        image: bytes = b"",
        size: int | None = None,
        alignment: int = 8,
        static_offset: int | None = None,
        generation: int = 1,
        target_path: str | None = None,
        **settings: object,
    ) -> FakeModule:
        """Loads an object with thread-local storage.

        Args:
            name: its file's name.
            symbols: all of its symbols; those that are not local are exported too.
            image: the initial image.
            size: of a block; if None, one that fits.
            alignment: of a block.
            static_offset: `l_tls_offset` where it is in static TLS.
            generation: of its slot.
            target_path: the program's name for it.
            settings: further ones of `Elf`.
        """
        exported = [one for one in symbols if one.binding != LOCAL and not one.visibility]
        settings.setdefault("symtab", symbols)
        settings.setdefault("dynsym", exported)
        settings.setdefault("debug_info", True)
        if size is None:  # what is in static TLS ends below the thread pointer
            size = 0x100 if static_offset is None or static_offset < 0 else 0x40
        loaded = self.load(name, self._elf(tls=Tls(image, size, alignment), **settings), target_path)
        return self.register(loaded, static_offset, generation)

    def register(self, loaded: Loaded, static_offset: int | None = None, generation: int = 1) -> FakeModule:
        """Gives a loaded object the next module id."""
        number = len(self.modules) + 1
        if not loaded.link_map:  # the loader of a static program has one for it all the same
            loaded.link_map = self.allocate(0xA0 * self.word)
            self.memory.put(loaded.link_map, 0, 0, 0, 0)
        made = FakeModule(number, loaded, self.slot_address(number), generation)
        self.memory.put(made.slot, generation, loaded.link_map)
        self.memory.put(loaded.link_map + 0x8F * self.word, self.abi.none if static_offset is None else static_offset)
        self.memory.put(loaded.link_map + 0x91 * self.word, number)
        self.modules.append(made)
        return made

    # Threads

    def thread(
        self, lwp: int, *, name: str = "app", capacity: int | None = None, generation: int = 1, listed: bool = True
    ) -> FakeThread:
        """Starts a thread with an empty DTV; the first is the main thread.

        Args:
            lwp: 0 for one that has ended and is not joined.
            name: the thread's.
            capacity: room in the DTV; for 14 more modules than there are, as glibc has it, if None.
            generation: of the DTV.
            listed: whether the debugger lists it.
        """
        capacity = len(self.modules) + SURPLUS if capacity is None else capacity
        below, above = 0x2000, 0x10000
        area = self.allocate(below + PTHREAD_SIZE + above)
        pthread = area + below
        thread_pointer = pthread + self.abi.thread_pointer
        dtv = self.allocate((capacity + 2) * 2 * self.word) + 2 * self.word
        self.memory.put(dtv - 2 * self.word, capacity)
        self.memory.put(dtv, generation)
        for entry in range(1, capacity + 1):
            self.memory.put(dtv + entry * 2 * self.word, -1)  # TLS_DTV_UNALLOCATED
        self.memory.put(thread_pointer + self.abi.dtv, dtv)
        if self.abi.self_pointer:
            self.memory.put(thread_pointer, thread_pointer)
        self.memory.write(pthread + 0x5C * self.word, struct.pack(self.order + "i", lwp))
        node = pthread + 0x58 * self.word
        self._append(self.used if self.threads else self.user, node)
        num = None
        if listed and lwp:
            num = len(self.target.listed) + 1
            self.target.listed.append(Thread(num, lwp, ""))
            self.target.thread_names[num] = name
        if not self.threads:
            self.target.pid = lwp
            self.target.selected = 1
        made = FakeThread(num, lwp, pthread, thread_pointer, dtv, node)
        self.threads.append(made)
        return made

    def _append(self, head: int, node: int) -> None:
        last = self.memory.word(head + self.word)
        self.memory.put(last, node)
        self.memory.put(node, head, last)
        self.memory.put(head + self.word, node)

    def entry(self, thread: FakeThread, module: FakeModule) -> int:
        """Where a module's entry in a thread's DTV is."""
        return thread.dtv + module.id * 2 * self.word

    def block(self, thread: FakeThread, module: FakeModule, content: bytes = b"") -> int:
        """Allocates a module's dynamic block in a thread, as the first access there does."""
        tls = module.loaded.elf.tls
        assert tls
        block = self.allocate(max(tls.size, 1), max(tls.alignment, 16))
        self.memory.write(block, tls.image)
        self.memory.write(block, content)
        self.memory.put(self.entry(thread, module), block)
        return block

    def static_block(self, thread: FakeThread, offset: int) -> int:
        """Where a block at a static offset is."""
        return thread.thread_pointer + self.abi.static + (-offset if self.abi.below else offset)
