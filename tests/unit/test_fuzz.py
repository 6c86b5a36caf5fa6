"""Garbage over everything that is read: the answer is a report or one sentence, soon, and never an invention.

Seeded, so that a failure comes back: `FUZZ_ROUNDS=5000 pytest tests/unit/test_fuzz.py` runs more of it.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from unit.elfwriter import LOCAL, Elf, Symbol, Tls, file_row
from unit.fake import INTEGER, POINTER, FakeMemory
from unit.process import FakeModule, Process

from gdb_tls.elf.file import ElfFile, NotElf
from gdb_tls.errors import TlsError
from gdb_tls.program.report import inspect
from gdb_tls.questions.inspect import document as views
from gdb_tls.questions.inspect.answer import OneAnswer
from gdb_tls.target.facts import DebugSymbol
from gdb_tls.target.model import Kind, State, Type
from gdb_tls.views import json as json_format

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "200"))
# A whole look at the sound process takes some 300 reads.
MOST_READS = 20_000
QUESTIONS = ("near", "far", "far->length", "late", "shown", "missing")


class Subject:
    """A process with four threads and three modules, and the places that a walk reads in it."""

    def __init__(self, folder: Path, machine: str) -> None:
        self.process = process = Process(folder, machine)
        word = process.word
        holder = Type("Holder *", Kind.POINTER, word, debugger_type="Holder *")
        near = process.module("libnear.so", [file_row("near.c"), Symbol("near", 0x10, word)], static_offset=0x80)
        far = process.module("libfar.so", [Symbol("far", 0x18, word, binding=LOCAL)], image=b"\1" * 0x18, generation=1)
        late = process.module("liblate.so", [Symbol("late", 0x20, 4), Symbol("shown", 0x28, word)], generation=2)
        debug = process.target.debug
        debug.declared = {
            "far": DebugSymbol("far", holder, "far.cc", 7, None),
            "shown": DebugSymbol("shown", POINTER._replace(size=word), "late.cc", 9, None),
        }
        debug.members = {"Holder *->length": (8, INTEGER)}
        threads = [process.thread(lwp, generation=2) for lwp in (100, 101, 102, 0)]
        blocks = [process.block(thread, module) for thread in threads[:3] for module in (far, late)]
        for block in blocks:
            process.memory.put(block + 0x18, blocks[0])
        process.target.registers = {number: thread.thread_pointer for number, thread in enumerate(threads[:3], 1)}
        modules: list[FakeModule] = [near, far, late]
        self.places = [
            *((node, 16 * word) for node in process.slot_nodes),
            *((loaded.link_map, 4 * word) for loaded in process.objects),
            *((module.loaded.link_map + 0x8F * word, 3 * word) for module in modules),
            *((loaded.base, 0x400) for loaded in process.objects),
            *((thread.thread_pointer, 2 * word) for thread in threads),
            *((thread.thread_pointer + process.abi.dtv, word) for thread in threads),
            *((thread.node, 6 * word) for thread in threads),
            *((thread.dtv - 2 * word, 12 * word) for thread in threads),
            *((block, 0x40) for block in blocks),
            (process.r_debug, 5 * word),
            (process.slot_list, word),
            (process.used, 2 * word),
            (process.user, 2 * word),
        ]
        self.sound = {number: bytes(page) for number, page in process.memory.pages.items()}

    def restore(self) -> None:
        """Undoes all damage."""
        memory = self.process.memory
        memory.pages = {number: bytearray(page) for number, page in self.sound.items()}
        memory.left_out = set()
        memory.reads = 0

    def damage(self, chance: random.Random) -> None:
        """Writes garbage over some of the places, word by word or in whole."""
        memory, word = self.process.memory, self.process.word
        largest = (1 << 8 * word) - 1

        def garbage() -> int:
            kind = chance.randrange(8)
            if kind == 0:
                return chance.choice((0, 1, 2, largest, largest - 1, largest >> 1, (largest >> 1) + 1))
            if kind == 1:
                return chance.randrange(64)
            if kind in (2, 3, 4):  # into the process, which hurts most: what is there can be read
                return chance.choice(self.places)[0] + chance.choice((0, 0, 1, 4, word, 0x18, 0x1000))
            if kind == 5:
                return 1 << chance.randrange(8 * word)
            return chance.randrange(largest)

        for _ in range(chance.choice((1, 1, 2, 5, 20))):
            address, size = chance.choice(self.places)
            way = chance.randrange(6)
            if way == 0:
                memory.write(address, chance.randbytes(size))
            elif way == 1:
                memory.leave_out(address)
            elif way == 2:
                memory.write(address, bytes(size))
            else:
                at = address + word * chance.randrange(max(size // word, 1))
                memory.put(at, garbage())


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Subject]:
    made: dict[str, Subject] = {}

    def subject(machine: str) -> Subject:
        if machine not in made:
            made[machine] = Subject(tmp_path_factory.mktemp(machine), machine)
        made[machine].restore()
        return made[machine]

    return subject


def check(subject: Subject, question: str) -> State | None:
    """Asks once; gives the first thread's state, or None where the answer was a sentence."""
    process = subject.process
    try:
        report = inspect(process.program(), question)
    except TlsError as error:
        assert str(error).endswith((".", "?")) and len(str(error)) < 2000
        return None
    listed = [one.thread.num for one in report.instances if one.thread.num is not None]
    assert listed == [1, 2, 3], "no thread is dropped, and none comes twice"
    assert len(report.instances) <= 3 + len(subject.places)
    largest = 1 << 8 * process.word
    for one in report.instances:
        assert (one.reason is None) == (one.state in (State.SET, State.NULL) and one.text != ""), one
        assert one.address is None or 0 <= one.address < largest, one
        if one.state in (State.UNALLOCATED, State.UNRESOLVED):
            assert one.address is None and one.value is None and one.text == ""
        if one.state in (State.SET, State.NULL) and one.reason is None:
            assert one.address is not None
            process.memory.read(one.address, 1)  # what was read is there
    document = "".join(json_format.render(views.document(OneAnswer(report, (), {}))))
    assert len(json.loads(document)["threads"]) == len(report.instances)
    return report.instances[0].state


@pytest.mark.parametrize("machine", ["x86-64", "aarch64", "riscv64", "i386", "s390x"])
def test_garbage_in_memory(subjects: Callable[[str], Subject], machine: str) -> None:
    subject = subjects(machine)
    sound = [check(subject, question) for question in QUESTIONS]
    assert sound.count(None) == 1, "the sound process answers all but one"
    assert subject.process.memory.reads < MOST_READS / 20
    chance = random.Random(f"gdb-tls {machine}")
    answered = 0
    for number in range(ROUNDS // 5):
        subject.restore()
        subject.process.memory.most_reads = MOST_READS
        subject.damage(chance)
        for question in chance.sample(QUESTIONS, 2):
            try:
                answered += check(subject, question) is not None
            except Exception as error:
                raise AssertionError(f"round {number}, {question}: {type(error).__name__}: {error}") from error
    # Most damage is local: one bad word must not spoil everything.
    assert answered > ROUNDS // 10


def test_garbage_in_the_auxiliary_vector(subjects: Callable[[str], Subject]) -> None:
    subject = subjects("x86-64")
    sound = dict(subject.process.target.vector)
    chance = random.Random("auxv")
    for _ in range(ROUNDS // 4):
        subject.restore()
        vector = dict(sound)
        vector[chance.choice([*vector, 31, 7])] = chance.choice(
            (0, 1, chance.getrandbits(64), chance.choice(subject.places)[0])
        )
        subject.process.target.vector = vector
        check(subject, "near")
    subject.process.target.vector = sound


def an_elf(order: str, bits: int) -> bytes:
    symbols = [
        file_row("a.c"),
        Symbol("one", 0, binding=LOCAL),
        Symbol("two", 8),
        Symbol("_thread_db_x", 0x1000, 12, 1),
    ]
    elf = Elf(bits, order, tls=Tls(b"data", 64), symtab=symbols, dynsym=symbols[2:], build_id=b"\xab" * 20)
    elf.debuglink, elf.data = "a.debug", {0x1000: bytes(64)}
    return elf.file()


def read_all(file: ElfFile) -> list[object]:
    return [
        file.segments,
        file.tls_segment,
        file.build_id,
        file.debug_link,
        file.has_debug_info,
        file.tls_symbols(),
        file.symbols(["two", "_thread_db_x"]),
        file.symbols_with_prefix("_thread_db_"),
        file.at_address(0x1000, 12),
    ]


@pytest.mark.parametrize(("order", "bits"), [("<", 64), (">", 32)])
def test_garbage_in_files(order: str, bits: int) -> None:
    """A damaged file is `NotElf` or has less in it; nothing else is raised, and nothing large is read."""
    sound = an_elf(order, bits)
    chance = random.Random(f"ELF {order} {bits}")
    headers = [range(0, 64), range(64, 64 + 56 * 5), range(len(sound) - 64 * 8, len(sound)), range(0x1000, len(sound))]
    for _ in range(ROUNDS):
        damaged = bytearray(sound)
        for _ in range(chance.choice((1, 2, 8))):
            at = chance.choice(chance.choice(headers))
            size = chance.choice((1, 2, 4, 8))
            damaged[at : at + size] = chance.choice((chance.randbytes(size), b"\xff" * size, bytes(size)))
        cut = bytes(damaged[: chance.randrange(len(sound))] if chance.random() < 0.2 else damaged)
        try:
            read_all(ElfFile("damaged", BytesIO(cut)))
        except NotElf as error:
            assert len(str(error)) < 500


def test_garbage_in_libcs_description(tmp_path: Path) -> None:
    """The `_thread_db_` objects of a damaged libc file: sizes and offsets that make no sense."""
    process = Process(tmp_path)
    process.module("libx.so", [Symbol("value", 8)])
    thread = process.thread(100)
    process.block(thread, process.modules[0])
    address, content = next(iter(process.libc.elf.data.items()))
    chance = random.Random("descriptors")
    for number in range(ROUNDS // 4):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 4))):
            at = 4 * chance.randrange(len(damaged) // 4)
            damaged[at : at + 4] = chance.choice(
                (bytes(4), b"\xff" * 4, chance.randbytes(4), b"\1\0\0\0", b"\0\0\0\x40")
            )
        process.libc.elf.data = {address: bytes(damaged)}
        process.libc.elf.write(Path(process.libc.path))
        os.utime(process.libc.path, ns=(number, number))
        process.memory.reads, process.memory.most_reads = 0, MOST_READS
        try:
            inspect(process.program(), "value")
        except TlsError:
            pass
        except Exception as error:
            raise AssertionError(f"round {number}: {type(error).__name__}: {error}") from error


def test_the_bound_is_one(tmp_path: Path) -> None:
    """The guard of these tests itself works."""
    memory = FakeMemory()
    memory.map(0, 16)
    memory.most_reads = 3
    with pytest.raises(AssertionError):
        for _ in range(5):
            memory.read(0, 1)
