"""Keys of glibc on plain bytes, and what tls-keys makes of them."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from gdb_tls.libc.glibc.descriptors import Descriptors
from gdb_tls.libc.glibc.thread_data import GlibcThreadData
from gdb_tls.libc.thread_data import Key, KeySlot, KeyTable, UnknownThreadData
from gdb_tls.objects.words import Words
from gdb_tls.questions.keys import answer as keys
from gdb_tls.questions.keys.answer import Answer
from gdb_tls.questions.keys.document import document, records
from gdb_tls.questions.keys.table import sentences, table
from gdb_tls.target import architectures as arch
from gdb_tls.target.model import Absence, State, TargetInfo, Thread
from gdb_tls.target.protocol import UnreadableMemory
from gdb_tls.views.screen import Screen

TABLE, PTHREAD, FIRST, SECOND = 0x10000, 0x20000, 0x20100, 0x30000
SPECIFIC = 0x510
KEYS, BLOCKS, BLOCK_KEYS = 64, 4, 16


class Memory:
    """Words by address."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}
        self.missing: set[int] = set()

    def put(self, address: int, *words: int) -> None:
        for index, word in enumerate(words):
            self.words[address + 8 * index] = word

    def read(self, address: int, size: int) -> bytes:
        if any(address <= missing < address + size for missing in self.missing):
            raise UnreadableMemory(address)
        return b"".join(struct.pack("<Q", self.words.get(at, 0)) for at in range(address, address + size, 8))

    def read_many(self, addresses: list[int], size: int) -> list[bytes | None]:
        found: list[bytes | None] = []
        for address in addresses:
            try:
                found.append(self.read(address, size))
            except UnreadableMemory:
                found.append(None)
        return found


@pytest.fixture
def memory() -> Memory:
    made = Memory()
    made.put(PTHREAD + SPECIFIC, FIRST, SECOND)
    return made


def reader(memory: Memory, symbols: bool = True, **others: tuple[int, int, int]) -> GlibcThreadData:
    """A reader of a libc that describes itself as nptl_db/structs.def has it."""
    fields = {
        "__pthread_keys": (128, KEYS, 0),
        "pthread_key_struct_seq": (64, 1, 0),
        "pthread_key_struct_destr": (64, 1, 8),
        "pthread_specific": (64 * BLOCKS, 1, SPECIFIC),
        "pthread_key_data_level2_data": (128, BLOCK_KEYS, 0),
        "pthread_key_data_seq": (64, 1, 0),
        "pthread_key_data_data": (64, 1, 8),
        "pthread_tid": (32, 1, 720),
        "dtv_dtv": (128, 1, 0),
        **others,
    }
    raw = {name: struct.pack("<3I", *field) for name, field in fields.items()}
    raw["sizeof_pthread"] = struct.pack("<I", 0x900)
    known = {"__pthread_keys": SimpleNamespace(value=TABLE - 0x1000)} if symbols else {}
    owner: Any = SimpleNamespace(
        path="/lib/libc.so.6", load_base=0x1000, file=SimpleNamespace(symbols=lambda names: known)
    )
    row = next(row for row in arch.ARCHITECTURES if row.name == "x86-64")
    target: Any = SimpleNamespace(memory=memory, architecture=row)
    return GlibcThreadData(target, Words(target), Descriptors(owner, raw, "<"), 0, list)


class TestGlibc:
    def test_keys(self, memory: Memory) -> None:
        memory.put(TABLE, 1, 0xAAAA, 2, 0xBBBB, 0, 0, 5, 0)
        table = reader(memory).keys()
        assert (table.address, table.end, table.problem) == (TABLE, TABLE + 16 * KEYS, "")
        assert [(key.number, key.sequence, key.destructor, key.in_use) for key in table.keys] == [
            (0, 1, 0xAAAA, True),
            (1, 2, 0xBBBB, False),
            (3, 5, 0, True),
        ]
        assert table.keys[2].address == TABLE + 3 * 16

    def test_no_symbol(self, memory: Memory) -> None:
        table = reader(memory, symbols=False).keys()
        assert table.keys == () and "__pthread_keys" in table.problem

    def test_table_is_not_in_the_core(self, memory: Memory) -> None:
        memory.missing.add(TABLE + 0x100)
        assert "cannot be read" in reader(memory).keys().problem

    def test_slots(self, memory: Memory) -> None:
        memory.put(FIRST + 16 * 2, 7, 0x1234)
        memory.put(SECOND + 16, 1, 0x5678)
        (slots,) = reader(memory).key_slots([PTHREAD])
        assert isinstance(slots, list) and len(slots) == 2 * BLOCK_KEYS
        used = [slot for slot in slots if slot.sequence]
        assert used == [KeySlot(2, FIRST + 32, 16, 0x1234, 7), KeySlot(17, SECOND + 16, 16, 0x5678, 1)]

    @pytest.mark.parametrize("missing", [PTHREAD + SPECIFIC, SECOND + 64])
    def test_slots_are_not_in_the_core(self, memory: Memory, missing: int) -> None:
        memory.missing.add(missing)
        other = PTHREAD + 0x100000
        memory.put(other + SPECIFIC, 0)
        lost, empty = reader(memory).key_slots([PTHREAD, other])
        assert isinstance(lost, Absence) and lost.state is State.UNREADABLE
        assert empty == []

    @pytest.mark.parametrize("capacity", [0, 1 << 40])
    def test_damaged_dtv(self, memory: Memory, capacity: int) -> None:
        memory.put(0x40000 - 16, capacity, 0, 3)
        (found,) = reader(memory).dtvs([0x40000])
        assert isinstance(found, Absence) and "damaged" in found.reason

    def test_dtv(self, memory: Memory) -> None:
        memory.put(0x40000 - 16, 12, 0, 3)
        found, unknown = reader(memory).dtvs([0x40000, None])
        assert not isinstance(found, Absence)
        assert (found.generation, found.capacity) == (3, 12)
        assert (found.start, found.end) == (0x40000 - 16, 0x40000 + 13 * 16)
        assert isinstance(unknown, Absence)

    def test_control_block_without_the_keys_own_structures(self, memory: Memory) -> None:
        block = reader(memory).control_block(PTHREAD)
        assert (block.address, block.size) == (PTHREAD, 0x900)
        assert block.fields == {"tid": (720, 4), "specific": (SPECIFIC, 8 * BLOCKS)}


class Tables(UnknownThreadData):
    """What `read_keys` asks for, as tables."""

    def __init__(self, table: KeyTable, slots: dict[int, Any]) -> None:
        super().__init__("glibc")
        self.table, self.slots = table, slots

    def keys(self) -> KeyTable:
        return self.table

    def key_slots(self, thread_pointers: Any) -> list[Any]:
        return [self.slots[pointer] for pointer in thread_pointers]


def program(data: Any) -> Any:
    target = SimpleNamespace(symbol_at={0xAA: "free_it"}.get)
    return SimpleNamespace(
        thread_data=data,
        target=target,
        info=TargetInfo("core", 1, "/bin/x", "x86-64", "glibc"),
        region=lambda address: SimpleNamespace(file="/lib/libx.so") if address == 0xAA else None,
    )


THREADS = [Thread(1, 10, "main", 0x100), Thread(2, 11, "", 0x200), Thread(3, 12, "", None, problem="it is running")]


def slot(number: int, value: int, sequence: int | None) -> KeySlot:
    return KeySlot(number, 0x1000 + 16 * number, 16, value, sequence)


def report() -> keys.KeysReport:
    table = KeyTable(
        [Key(0, 0, 1, 0xAA, True), Key(1, 16, 3, 0, True), Key(2, 32, 2, 0xBB, False), Key(3, 48, 2, 0, False)]
    )
    slots = {
        0x100: [slot(0, 0xDEAD, 1), slot(1, 0xBEEF, 1), slot(2, 0, 0), slot(3, 0, 0)],
        0x200: [slot(0, 0, 1), slot(1, 0, 1), slot(2, 0xF00D, 1), slot(3, 0, 0)],
    }
    return keys.read_keys(program(Tables(table, slots)), THREADS)


class TestJudgement:
    def test_states(self) -> None:
        states = {key.number: [value.state.value for value in key.values] for key in report().keys}
        assert states == {
            0: ["set", "null", "unreadable"],
            1: ["stale", "unset", "unreadable"],
            2: ["unset", "stale", "unreadable"],
        }

    def test_destructors(self) -> None:
        found = report().keys
        assert (found[0].destructor_name, found[0].destructor_file) == ("free_it", "libx.so")
        assert (found[1].destructor, found[1].destructor_name) == (0, "")

    def test_sentences(self) -> None:
        words = sentences(report())
        assert words[0] == "2 keys in use, in 3 threads."
        assert any(one.startswith("Key 1 was deleted and created again: thread 1 still holds") for one in words)
        assert any(one.startswith("Key 2 was deleted, but thread 2 still holds") for one in words)

    def test_document_and_records_agree(self) -> None:
        answer = Answer(report(), None)
        rows = list(records(answer).rows)
        listed = [(key, row) for key in document(answer)["keys"] for row in key["threads"]]
        assert len(rows) == len(listed) == 9
        for row, (key, thread) in zip(rows, listed):
            cells = dict(zip(records(answer).columns, row))
            assert (cells["key"], cells["num"], cells["state"]) == (key["key"], thread["num"], thread["state"])
            assert cells["value"] == thread["value"]

    def test_keys_that_are_not_known(self) -> None:
        """The values are shown all the same, and that they are unchecked is said."""
        slots = {0x100: [slot(4, 0xDEAD, None), slot(5, 0, None)], 0x200: [slot(4, 0, None)]}
        found = keys.read_keys(program(Tables(KeyTable((), problem="nobody knows"), slots)), THREADS)
        (key,) = found.keys
        assert (key.number, key.in_use, key.destructor) == (4, None, None)
        assert key.values[0].state is keys.KeyState.SET
        assert sentences(found)[0] == "Nobody knows."
        assert "whether they are in use is not known" in sentences(found)[1]
        assert table(Answer(found, None), Screen(80, False)) is not None

    def test_library_without_an_answer(self) -> None:
        found = keys.read_keys(program(UnknownThreadData("musl")), THREADS)
        assert found.keys == [] and found.problem == "where this musl keeps its pthread keys is not known"
