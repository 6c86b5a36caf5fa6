"""The pipeline: from a request to the report, on a whole process."""

from __future__ import annotations

import pytest
from unit.elfwriter import LOCAL, Symbol, file_row
from unit.fake import INTEGER, POINTER
from unit.process import FakeModule, FakeThread, Process

from gdb_tls.errors import BadArgument, BadPath, CorruptMemory, NoProcess, TlsError, UnknownName
from gdb_tls.program.report import Report, inspect
from gdb_tls.target.facts import DebugSymbol
from gdb_tls.target.model import Flag, Kind, Life, State, Type

STRING = Type("String *", Kind.POINTER, 8)


@pytest.fixture
def module(process: Process) -> FakeModule:
    process.module("libstatic.so", [Symbol("number", 0x10, 4)], static_offset=0x80, image=bytes(16) + b"\x2a")
    made = process.module("swoole.so", [file_row("server.cc"), Symbol("_ZL6buffer", 0x30, 8, binding=LOCAL)])
    process.target.debug.demangled = {"_ZL6buffer": "buffer"}
    process.target.debug.declared["_ZL6buffer"] = DebugSymbol("buffer", STRING, "/src/server.cc", 47, "opaque")
    process.target.debug.members = {"String *->length": (0, INTEGER), "String *->str": (8, POINTER)}
    return made


@pytest.fixture
def threads(process: Process, module: FakeModule) -> list[FakeThread]:
    """Six: the main thread has a string, 2 and 3 share another, 4 is null, 5 untouched, the last has ended."""
    made = [process.thread(lwp) for lwp in (100, 101, 102, 103, 104, 0)]
    strings = [process.allocate(0x40) for _ in range(2)]
    for thread, value in zip(made, (strings[0], strings[1], strings[1], 0)):
        block = process.block(thread, module)
        process.memory.put(block + 0x30, value)
    process.memory.put(strings[0], 5, strings[0] + 0x20)
    process.memory.write(strings[0] + 0x20, b"hello\0")
    return made


def look(process: Process, name: str = "buffer", **more: object) -> Report:
    return inspect(process.program(), name, **more)  # type: ignore[arg-type]


class TestInspect:
    def test_states(self, process: Process, threads: list[FakeThread]) -> None:
        found = look(process)
        assert [(one.thread.num, one.thread.lwp, one.state, one.flags) for one in found.instances] == [
            (1, 100, State.SET, ()),
            (2, 101, State.SET, (Flag.SHARED,)),
            (3, 102, State.SET, (Flag.SHARED,)),
            (4, 103, State.NULL, ()),
            (5, 104, State.UNALLOCATED, ()),
            (None, None, State.UNALLOCATED, (Flag.EXITED,)),
        ]
        assert [one.thread.thread_pointer for one in found.instances] == [one.thread_pointer for one in threads]
        assert found.instances.summary == {
            "threads": 6, "set": 3, "null": 1, "unallocated": 2,
            "no-value": 0, "not-constructed": 0, "destroyed": 0, "unreadable": 0, "unresolved": 0,
            "shared": 2, "dangling": 0, "exited": 1,
        }  # fmt: skip
        assert (found.type, found.starts_null, found.selected, found.expression) == (STRING, True, 1, "buffer")
        assert found.target.pid == 100
        assert {one.via for one in found.instances} == {"passive"}

    def test_values(self, process: Process, threads: list[FakeThread]) -> None:
        first = look(process).instances[0]
        assert first.address is not None
        assert first.value == process.memory.word(first.address)
        assert first.text == f"(String *) 0x{first.value:x}"

    def test_no_register_is_read(self, process: Process, threads: list[FakeThread]) -> None:
        look(process)
        assert process.target.asked_registers == []

    def test_path(self, process: Process, threads: list[FakeThread]) -> None:
        found = look(process, "buffer->length")
        assert found.expression == "buffer->length"
        assert found.variable.name == "buffer"
        assert found.type == INTEGER
        assert [(one.state, one.value, one.reason) for one in found.instances[:4]] == [
            (State.SET, 5, None),
            (State.SET, 0, None),
            (State.SET, 0, None),
            (State.NULL, None, "buffer is null"),
        ]
        assert not found.starts_null
        text = look(process, "buffer->str").instances[0].text
        assert text.startswith("(char *) 0x") and text.endswith(' "hello"')

    def test_path_that_does_not_fit(self, process: Process, threads: list[FakeThread]) -> None:
        with pytest.raises(BadPath):
            look(process, "buffer->nothing")

    def test_path_without_a_type(self, process: Process, threads: list[FakeThread]) -> None:
        with pytest.raises(BadPath, match="--type"):
            look(process, "number->x")

    def test_without_a_type(self, process: Process, threads: list[FakeThread]) -> None:
        """Four bytes are a number; eight are taken for a pointer, and say so."""
        process.module("libraw.so", [Symbol("raw", 0x20)], static_offset=0x100)
        number = look(process, "number")
        assert number.instances[0].flags == ()
        assert number.type is not None and number.type.kind is Kind.INTEGER
        raw = look(process, "raw")
        assert raw.type is None
        assert {one.flags[-1] for one in raw.instances} == {Flag.ASSUMED_POINTER}
        assert raw.starts_null

    def test_given_type(self, process: Process, threads: list[FakeThread]) -> None:
        process.module("libraw.so", [Symbol("raw", 0x20)], static_offset=0x100)
        found = look(process, "raw", type="int")
        assert found.type == INTEGER
        assert {one.flags for one in found.instances if not one.thread.exited} == {()}
        assert {one.state for one in found.instances} == {State.SET}
        with pytest.raises(BadArgument):
            look(process, "raw", type="no such type")

    def test_chosen_threads(self, process: Process, threads: list[FakeThread]) -> None:
        found = look(process, threads=[range(4, 6), range(2, 3)])
        assert [one.thread.num for one in found.instances] == [2, 4, 5]
        assert Flag.SHARED in found.instances[0].flags, "with a thread that was not asked for"

    def test_chosen_threads_that_are_not_there(self, process: Process, threads: list[FakeThread]) -> None:
        with pytest.raises(BadArgument, match=r"There is no thread 7,9-12\. .* 1 to 5"):
            look(process, threads=[range(7, 8), range(9, 13)])

    def test_enormous_range(self, process: Process, threads: list[FakeThread]) -> None:
        assert len(look(process, threads=[range(1, 10**15)]).instances) == 5

    def test_unknown_resolver(self, process: Process, threads: list[FakeThread]) -> None:
        with pytest.raises(BadArgument, match="passive, gdb"):
            look(process, via="magic")

    def test_starts_null_is_of_the_initial_image(self, process: Process) -> None:
        process.module("libx.so", [Symbol("handler", 0x8)], image=bytes(8) + b"\1")
        process.thread(100)
        assert not look(process, "handler").starts_null

    def test_no_thread_is_dropped(self, process: Process, threads: list[FakeThread]) -> None:
        """One thread after another is damaged; each stays a row."""
        process.memory.put(threads[1].thread_pointer + 8, 0x1234567)
        process.memory.put(threads[2].dtv, 1 << 50)
        process.memory.unmap(threads[3].dtv)
        found = look(process).instances
        assert len(found) == 6
        assert [one.state for one in found] == [
            State.SET, State.UNRESOLVED, State.UNRESOLVED, State.UNRESOLVED, State.UNALLOCATED, State.UNALLOCATED,
        ]  # fmt: skip
        assert all(one.reason for one in found[1:])

    def test_errors_of_a_whole_process(self, process: Process) -> None:
        process.module("libx.so", [Symbol("value", 0)])
        process.thread(100)
        with pytest.raises(UnknownName):
            look(process, "other")
        process.memory.leave_out(process.slot_nodes[0])
        # The file says that the variable is there; where, only the list could tell.
        found = look(process, "value").instances
        assert {instance.state for instance in found} == {State.UNRESOLVED}
        assert all("list of TLS modules" in (instance.reason or "") for instance in found)


class TestThreads:
    def test_thread_that_libc_does_not_list(self, process: Process, module: FakeModule) -> None:
        """A damaged list: the registers give the thread pointer."""
        first, second = process.thread(100), process.thread(101)
        process.memory.put(process.used, process.used, process.used)
        process.target.registers = {2: second.thread_pointer}
        assert [one.thread_pointer for one in process.program().threads] == [
            first.thread_pointer, second.thread_pointer
        ]  # fmt: skip
        assert process.target.asked_registers == [2]

    def test_register_with_garbage(self, process: Process, module: FakeModule) -> None:
        process.thread(100)
        process.thread(101)
        process.memory.put(process.used, process.used, process.used)
        process.target.registers = {2: 0x123456}
        found = process.program().threads[1]
        assert found.thread_pointer is None
        assert "0x123456" in found.problem
        instance = look(process).instances[1]
        assert (instance.state, instance.reason) == (State.UNRESOLVED, found.problem)

    def test_no_thread_pointer_at_all(self, process: Process, module: FakeModule) -> None:
        process.thread(100)
        process.memory.put(process.user, process.user, process.user)
        (found,) = look(process).instances
        assert (found.state, found.address) == (State.UNRESOLVED, None)
        assert "registers cannot be read" in (found.reason or "")

    def test_running_thread(self, process: Process, module: FakeModule) -> None:
        """Non-stop mode: its registers are not asked for, but libc's list has it."""
        one = process.thread(100)
        two = process.thread(101)
        process.target.listed = [thread._replace(running=True) for thread in process.target.listed]
        assert [t.thread_pointer for t in process.program().threads] == [one.thread_pointer, two.thread_pointer]
        process.memory.put(process.used, process.used, process.used)
        found = process.program().threads[1]
        assert found.thread_pointer is None and "running" in found.problem
        assert process.target.asked_registers == []

    def test_ended_threads_come_last(self, process: Process, module: FakeModule) -> None:
        process.thread(100)
        ended = process.thread(0)
        process.thread(101)
        found = process.program().threads
        assert [(one.num, one.lwp, one.exited) for one in found] == [
            (1, 100, False),
            (2, 101, False),
            (None, None, True),
        ]
        assert found[2].thread_pointer == ended.thread_pointer

    def test_ended_thread_with_a_stale_id(self, process: Process, module: FakeModule) -> None:
        """glibc 2.43 leaves the id of a thread that has ended."""
        process.thread(100)
        process.thread(999, listed=False)
        assert [(one.num, one.lwp, one.exited) for one in process.program().threads] == [
            (1, 100, False), (None, 999, True)
        ]  # fmt: skip

    def test_ids_of_another_namespace(self, process: Process, module: FakeModule) -> None:
        """A container's ids match nowhere; its threads have not ended for that."""
        inside = [process.thread(lwp) for lwp in (1, 7)]
        process.target.listed = [
            thread._replace(lwp=4000 + number) for number, thread in enumerate(process.target.listed)
        ]
        process.target.registers = {number: one.thread_pointer for number, one in enumerate(inside, 1)}
        other = process.thread(9, listed=False)
        found = process.program().threads
        assert [(one.num, one.lwp, one.thread_pointer, one.life) for one in found] == [
            (1, 4000, inside[0].thread_pointer, Life.LISTED),
            (2, 4001, inside[1].thread_pointer, Life.LISTED),
            (None, None, other.thread_pointer, Life.NOT_ATTACHED),  # its id says nothing
        ]
        process.target.registers.pop(2)  # then the third may be the second
        assert [one.num for one in process.program().threads] == [1, 2]

    def test_a_thread_that_the_debugger_does_not_know_yet_while_all_run(
        self, process: Process, module: FakeModule
    ) -> None:
        """As in the condition of a breakpoint while threads are being made: the main thread's id fits."""
        known = [process.thread(lwp) for lwp in (100, 101)]
        process.thread(102, listed=False)
        process.target.listed = [thread._replace(running=True) for thread in process.target.listed]
        found = process.program().threads
        assert [one.thread_pointer for one in found if one.num] == [one.thread_pointer for one in known]

    def test_a_stub_without_registers_and_process_id(self, process: Process, module: FakeModule) -> None:
        """QEMU's: it lists the very threads that libc does."""
        known = [process.thread(lwp) for lwp in (100, 101)]
        process.target.pid = 1
        assert [one.thread_pointer for one in process.program().threads] == [one.thread_pointer for one in known]

    def test_ids_of_another_namespace_that_are_other_threads_ids(self, process: Process, module: FakeModule) -> None:
        """A container's ids overlap those outside: the map is not taken because some of them fit."""
        inside = [process.thread(lwp) for lwp in (100, 101, 102)]
        process.target.listed = [thread._replace(lwp=(thread.lwp or 0) + 1) for thread in process.target.listed]
        process.target.registers = {number: one.thread_pointer for number, one in enumerate(inside, 1)}
        assert [one.thread_pointer for one in process.program().threads] == [one.thread_pointer for one in inside]

    def test_list_with_garbage_invents_no_thread(self, process: Process, module: FakeModule) -> None:
        one = process.thread(100)
        process.memory.put(one.node, process.allocate(0x8000) + 0x1000)
        assert [thread.num for thread in process.program().threads] == [1]

    @pytest.mark.parametrize("machine", ["aarch64", "riscv64"])
    def test_list_with_garbage_invents_no_thread_without_a_self_pointer(self, tmp_path: object, machine: str) -> None:
        process = Process(tmp_path, machine)  # type: ignore[arg-type]
        process.module("libx.so", [Symbol("value", 0)], static_offset=0x40)
        one = process.thread(100)
        process.memory.put(one.node, process.allocate(0x8000) + 0x1000)
        assert [thread.num for thread in process.program().threads] == [1]

    def test_names(self, process: Process, module: FakeModule) -> None:
        process.thread(100, name="main")
        process.thread(101, name="worker")
        process.thread(0)
        assert [one.name for one in process.program().threads] == ["main", "worker", ""]

    def test_where(self, process: Process, module: FakeModule) -> None:
        from gdb_tls.program.where import Where
        from gdb_tls.target.facts import Frame

        process.thread(100)
        program = process.program()
        assert program.where(program.threads[0]) is None
        process.target.stacks[1] = [Frame("", "", 0, 0x10), Frame("main", "app.c", 7, 0x20)]
        assert program.where(program.threads[0]) == Where(Frame("main", "app.c", 7, 0x20))
        process.target.stacks[1] = [Frame("", "", 0, 0x10)]
        assert program.where(program.threads[0]) == Where(Frame("", "", 0, 0x10))


def test_errors_are_of_one_root() -> None:
    for kind in (NoProcess, BadArgument, UnknownName, CorruptMemory, BadPath):
        assert issubclass(kind, TlsError)
