"""Resolvers other than the passive one: what is called where, and where nothing may be called."""

from __future__ import annotations

import struct

import pytest
from unit.elfwriter import DATA_AT, LOCAL, STT_FUNC, Symbol
from unit.process import Process

from gdb_tls.errors import BadArgument, ResolverUnavailable
from gdb_tls.program import resolve
from gdb_tls.program.program import Program
from gdb_tls.program.resolve import native
from gdb_tls.program.resolve.calls import RUNS_CODE, UNSAFE_FUNCTION
from gdb_tls.questions.verify import answer as verify
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Absence, Place, State, Thread, Variable

CALLERS = ("dlsym", "tls-get-addr", "call")


class Live:
    """A live process in which `dlsym` and `__tls_get_addr` work as glibc's: they allocate."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.target = process.target
        self.module = process.module(
            "libx.so",
            [Symbol("shown", 0x10), Symbol("hidden", 0x20, binding=LOCAL)],
        )
        self.threads = [process.thread(lwp) for lwp in (100, 101, 102)]
        self.dlsym = self.function("libc.so.6", "dlsym")
        self.get_address = self.function("ld-linux-x86-64.so.2", "__tls_get_addr")
        self.target.made_calls.functions = {
            self.dlsym: lambda thread, data: self.block(thread) + {b"shown\0": 0x10}[data],
            self.get_address: lambda thread, data: self.block(thread) + struct.unpack("<QQ", data)[1],
        }
        self.said: list[str] = []

    def function(self, name: str, symbol: str) -> int:
        """Adds a function to an object; gives its address."""
        loaded = next(one for one in self.process.objects if one.name == name)
        loaded.elf.dynsym = [*(loaded.elf.dynsym or ()), Symbol(symbol, DATA_AT + 0x4000, 8, STT_FUNC)]
        loaded.elf.write(self.process.folder / name)
        return loaded.base + DATA_AT + 0x4000

    def block(self, thread: Thread) -> int:
        """The module's block, allocated if need be."""
        own = next(one for one in self.threads if one.num == thread.num)
        found = self.process.memory.word(self.process.entry(own, self.module))
        return found if found != (1 << 64) - 1 else self.process.block(own, self.module)

    def program(self) -> Program:
        return Program(self.target, self.said.append)

    def variable(self, name: str) -> Variable:
        return self.program().symbols().find(name)[0]

    def places(self, name: str, via: str) -> list[Place]:
        program = self.program()
        return resolve.make(via, program).resolve(program.symbols().find(name)[0], program.threads)

    @property
    def called(self) -> list[int | None]:
        """The threads in which something was called, in order."""
        return [number for number, *_ in self.target.made_calls.log]


@pytest.fixture
def live(tmp_path) -> Live:  # type: ignore[no-untyped-def]
    return Live(Process(tmp_path, kind="live"))


def reasons(places: list[Place]) -> list[str]:
    return [place.reason if isinstance(place, Absence) else "" for place in places]


class TestCalls:
    @pytest.mark.parametrize("via", CALLERS)
    def test_address_in_every_thread(self, live: Live, via: str) -> None:
        places = live.places("shown", via)
        assert places == [live.block(thread) + 0x10 for thread in live.target.listed]
        assert live.called == [1, 2, 3]
        assert (live.target.made_calls.entered, live.target.made_calls.left) == (1, 1)

    def test_arguments_of_dlsym(self, live: Live) -> None:
        live.places("shown", "dlsym")
        assert live.target.made_calls.log[0] == (1, live.dlsym, b"shown\0", (0, None))

    def test_arguments_of_tls_get_addr(self, live: Live) -> None:
        live.places("hidden", "tls-get-addr")
        assert live.target.made_calls.log[0] == (1, live.get_address, struct.pack("<QQ", 1, 0x20), (None,))

    @pytest.mark.parametrize(("machine", "bias"), [("riscv64", 0x800), ("ppc64le", 0x8000), ("aarch64", 0)])
    def test_offset_with_the_architectures_bias(self, tmp_path, machine: str, bias: int) -> None:  # type: ignore[no-untyped-def]
        live = Live(Process(tmp_path, machine, kind="live"))
        live.places("hidden", "tls-get-addr")
        assert live.target.made_calls.log[0][2] == struct.pack("<QQ", 1, (0x20 - bias) % (1 << 64))

    def test_call_takes_dlsym_where_the_symbol_is_exported(self, live: Live) -> None:
        live.places("shown", "call")
        live.places("hidden", "call")
        functions = [function for _, function, _, _ in live.target.made_calls.log]
        assert functions == [live.dlsym] * 3 + [live.get_address] * 3

    def test_it_is_announced(self, live: Live) -> None:
        live.places("shown", "passive")
        assert live.said == []
        live.places("shown", "dlsym")
        assert live.said == [RUNS_CODE]

    def test_static_symbol_and_dlsym(self, live: Live) -> None:
        """Not exported says nothing of the value."""
        with pytest.raises(ResolverUnavailable) as caught:
            live.places("hidden", "dlsym")
        assert "is not exported" in caught.value.what
        assert "tls-get-addr" in caught.value.hint
        assert live.called == []

    def test_symbol_that_two_libraries_export(self, live: Live) -> None:
        live.process.module("liby.so", [Symbol("shown", 0x18)])
        program = live.program()
        variable = program.symbols("libx.so").find("shown")[0]
        with pytest.raises(ResolverUnavailable, match=r"libx\.so and liby\.so"):
            resolve.make("dlsym", program).resolve(variable, program.threads)
        assert live.called == []

    @pytest.mark.parametrize("via", CALLERS)
    def test_zero_is_not_null(self, live: Live, via: str) -> None:
        live.target.made_calls.functions = dict.fromkeys((live.dlsym, live.get_address), lambda thread, data: 0)
        for place in live.places("shown", via):
            assert isinstance(place, Absence) and place.state is State.UNRESOLVED
            assert "returned 0" in place.reason

    def test_zero_of_dlsym_names_another_way(self, live: Live) -> None:
        live.target.made_calls.functions = dict.fromkeys((live.dlsym, live.get_address), lambda thread, data: 0)
        assert "use --via tls-get-addr" in reasons(live.places("shown", "dlsym"))[0]
        assert "tls-get-addr" not in reasons(live.places("shown", "tls-get-addr"))[0], "that is what was done"

    def test_failed_call_spoils_no_other_thread(self, live: Live) -> None:
        good = live.target.made_calls.functions[live.get_address]
        live.target.made_calls.functions[live.get_address] = lambda thread, data: (
            "the call failed: SIGSEGV" if thread.num == 2 else good(thread, data)  # type: ignore[operator]
        )
        places = live.places("shown", "tls-get-addr")
        assert reasons(places) == ["", "the call failed: SIGSEGV", ""]
        assert live.called == [1, 2, 3]
        assert live.target.made_calls.left == 1

    @pytest.mark.parametrize("via", CALLERS)
    def test_core(self, live: Live, via: str) -> None:
        live.target.kind = "core"
        with pytest.raises(ResolverUnavailable) as caught:
            live.places("shown", via)
        assert "core dump" in caught.value.what and "--via passive" in caught.value.hint

    def test_debugger_that_refuses(self, live: Live) -> None:
        live.target.refuses_calls = "GDB's setting may-call-functions is off"
        with pytest.raises(ResolverUnavailable, match="may-call-functions"):
            live.places("shown", "call")
        assert live.said == [], "nothing is announced that is not done"

    def test_process_without_the_function(self, live: Live) -> None:
        live.process.libc.elf.dynsym = [one for one in live.process.libc.elf.dynsym or () if one.name != "dlsym"]
        live.process.libc.elf.write(live.process.folder / "libc.so.6")
        with pytest.raises(ResolverUnavailable, match="has no dlsym to call"):
            live.places("shown", "dlsym")


class TestUnsafeThreads:
    def inside(self, live: Live, number: int, *functions: str, pc: int = 0x1000) -> None:
        live.target.stacks[number] = [Frame(name, "", 0, pc) for name in functions]

    @pytest.mark.parametrize("via", CALLERS)
    @pytest.mark.parametrize("function", ["malloc", "__lll_lock_wait_private,_int_malloc,malloc,work"])
    def test_thread_inside_malloc(self, live: Live, via: str, function: str) -> None:
        self.inside(live, 2, *function.split(","))
        places = live.places("shown", via)
        assert 2 not in live.called
        assert "inside" in reasons(places)[1] and "use --via passive" in reasons(places)[1]

    def test_the_lock_it_may_hold(self, live: Live) -> None:
        """No thread may call what needs the lock; with its block in place __tls_get_addr needs none."""
        self.inside(live, 2, "malloc")
        live.block(live.target.listed[2])
        places = live.places("shown", "tls-get-addr")
        assert live.called == [3]
        assert "thread 2 is inside malloc" in reasons(places)[0]
        assert isinstance(places[2], int)

    def test_dlsym_always_takes_a_lock(self, live: Live) -> None:
        self.inside(live, 2, "malloc")
        for thread in live.target.listed:
            live.block(thread)
        assert all(reasons(live.places("shown", "dlsym")))
        assert live.called == []

    def test_thread_inside_the_loader(self, live: Live) -> None:
        """Without symbols, by the address of the code."""
        self.inside(live, 2, "", pc=live.process.loader.base + 0x100)
        assert "the dynamic loader" in reasons(live.places("shown", "call"))[1]
        assert live.called == []

    def test_thread_that_called_malloc_from_far_below(self, live: Live) -> None:
        self.inside(live, 1, *["deep"] * 50, "malloc", "main")
        live.places("shown", "call")
        assert live.called == []

    def test_ended_and_running_threads(self, live: Live) -> None:
        live.threads.append(live.process.thread(0))
        live.target.listed[1] = live.target.listed[1]._replace(running=True)
        places = live.places("shown", "tls-get-addr")
        assert live.called == [1, 3]
        assert "running" in reasons(places)[1]
        assert "ended" in reasons(places)[3]

    @pytest.mark.parametrize(
        "name",
        [
            "malloc",
            "free",
            "calloc",
            "realloc",
            "__libc_malloc",
            "_int_free",
            "_int_malloc",
            "cfree",
            "sysmalloc",
            "posix_memalign",
            "__GI___libc_free",
            "tcache_init",
            "malloc_consolidate",
            "je_malloc",
            "tc_malloc",
            "_dl_open",
            "dlopen",
            "__dlsym",
            "dlclose",
            "_dl_fixup",
            "__tls_get_addr",
            "operator new",
            "operator delete[]",
            "unlink_chunk",
        ],
    )
    def test_unsafe_functions(self, live: Live, name: str) -> None:
        self.inside(live, 1, f"{name}(unsigned long)" if name.startswith("operator") else name)
        live.places("shown", "call")
        assert live.called == []

    @pytest.mark.parametrize(
        "name", ["main", "free_list_push", "my_malloc_stats", "Worker::free", "deallocate", "", "dlx"]
    )
    def test_safe_functions(self, name: str) -> None:
        assert not UNSAFE_FUNCTION.fullmatch(name)


class TestNative:
    def test_addresses_and_the_debuggers_own_words(self, live: Live) -> None:
        live.target.native = {1: 0x1234, 2: "Cannot find thread-local storage for Thread 101"}
        places = live.places("shown", "gdb")
        assert places[0] == 0x1234
        assert reasons(places)[1:] == [
            "GDB says: Cannot find thread-local storage for Thread 101",
            "GDB says: Cannot find thread-local storage",
        ]

    def test_threads_that_gdb_does_not_list(self, live: Live) -> None:
        live.threads.append(live.process.thread(0))
        assert reasons(live.places("shown", "gdb"))[3] == "GDB does not list this thread"

    def test_namesakes(self, live: Live) -> None:
        """Without debug information GDB finds one of the two by name, whichever."""
        live.process.module("liby.so", [Symbol("shown", 0x18)])
        live.target.native = dict.fromkeys((1, 2, 3), 0x1234)
        program = live.program()
        variable = program.symbols("libx.so").find("shown")[0]
        places = resolve.make("gdb", program).resolve(variable, program.threads)
        assert all("cannot tell" in reason for reason in reasons(places))


def test_every_name_makes_its_resolver(live: Live) -> None:
    program = live.program()
    for name in resolve.NAMES:
        assert resolve.make(name, program).name == name
    with pytest.raises(BadArgument, match="passive, gdb, dlsym, tls-get-addr, call"):
        resolve.make("magic", program)


class TestVerify:
    def compare(self, live: Live, *names: str) -> verify.Comparison:
        program = live.program()
        return verify.compare(program, program.symbols().variables(), program.threads, names)

    def test_agreement(self, live: Live) -> None:
        for thread in live.target.listed:
            live.block(thread)
        found = self.compare(live, "passive", "tls-get-addr")
        assert (found.variables, found.threads, found.compared) == (2, 3, 6)
        assert found.answered == {"passive": 6, "tls-get-addr": 6}
        assert (found.disagreements, found.unavailable) == ([], {})

    def test_a_way_that_is_closed_for_one_variable(self, live: Live) -> None:
        for thread in live.target.listed:
            live.block(thread)
        found = self.compare(live, "passive", "dlsym")
        assert found.answered == {"passive": 6, "dlsym": 3}
        assert "hidden is not exported" in found.unavailable["dlsym"]

    def test_disagreement(self, live: Live) -> None:
        for thread in live.target.listed:
            live.block(thread)
        blocks = [live.block(thread) for thread in live.target.listed]
        live.target.native = {1: blocks[0] + 0x10, 2: 0x666, 3: "none"}
        program = live.program()
        found = verify.compare(program, [program.symbols().find("shown")[0]], program.threads, ["passive", "gdb"])
        (one,) = found.disagreements
        assert (one.variable.name, one.thread.num) == ("shown", 2)
        assert one.places == {"passive": blocks[1] + 0x10, "gdb": 0x666}
        assert found.compared == 2, "an absence disagrees with nothing"

    def test_stopped_by_the_user(self, live: Live) -> None:
        """What was found until then counts, and the rest is said to be missing."""
        for thread in live.target.listed:
            live.block(thread)
        live.target.native = {1: 0x666}
        live.target.interrupted_at = {2}
        found = self.compare(live, "passive", "gdb")
        assert (found.threads, found.left, len(found.disagreements)) == (1, 2, 2)
        assert found.answered == {"passive": 2, "gdb": 2}

    @pytest.mark.parametrize("misplaced", [0, 8])
    def test_too_many_to_ask_for_each(self, live: Live, monkeypatch: pytest.MonkeyPatch, misplaced: int) -> None:
        """What follows from the module's first variable in some threads does so in all; what does not is asked for."""
        for thread in live.target.listed:
            block = live.block(thread)
            live.target.native[thread.num] = lambda variable, block=block: (  # type: ignore[misc]
                block + variable.offset + misplaced * (variable.name == "hidden")
            )
        monkeypatch.setattr(native, "MOST_QUESTIONS", 1)
        monkeypatch.setattr(native, "SAMPLE", 1)
        found = self.compare(live, "passive", "gdb")
        assert (found.compared, found.answered) == (6, {"passive": 6, "gdb": 6})
        assert len(found.disagreements) == (3 if misplaced else 0)
        assert found.derived == (0 if misplaced else 2)
        assert live.target.asked_variables.count("hidden") == (3 if misplaced else 1)

    def test_the_one_that_others_follow_is_quick_to_ask_for(self, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
        for thread in live.target.listed:
            block = live.block(thread)
            live.target.native[thread.num] = lambda variable, block=block: block + variable.offset  # type: ignore[misc]
        monkeypatch.setattr(native, "MOST_QUESTIONS", 1)
        monkeypatch.setattr(native, "SAMPLE", 1)
        for slow, quick in (("shown", "hidden"), ("hidden", "shown")):
            live.target.searched, live.target.asked_variables = {slow}, []
            assert self.compare(live, "passive", "gdb").derived == 2
            assert [live.target.asked_variables.count(name) for name in (slow, quick)] == [1, 3]

    def test_no_time_to_ask_everywhere(self, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
        """The threads in which GDB is asked are spread evenly; in the others it has not answered."""
        for thread in live.target.listed:
            block = live.block(thread)
            live.target.native[thread.num] = lambda variable, block=block: block + variable.offset  # type: ignore[misc]
        program = live.program()
        variables = program.symbols().variables()
        for most in (native.MOST_QUESTIONS, 1):  # all of a module's variables are asked for, or one
            monkeypatch.setattr(native, "MOST_QUESTIONS", most)
            monkeypatch.setattr(native, "SAMPLE", 1)
            found = verify.compare(program, variables, program.threads, ["passive", "gdb"], longest=0)
            assert (found.threads, found.left, found.disagreements) == (3, 0, [])
            assert found.asked == (1 if most > 1 else 2)
            assert found.answered == {"passive": 6, "gdb": 2 * found.asked}
            assert found.compared == 2 * found.asked

    def test_spread(self) -> None:
        order = native._spread(1000)
        assert sorted(order) == list(range(1000))
        for number in (10, 100, 500):
            halves = [sum(at < 500 for at in order[:number]), sum(at >= 500 for at in order[:number])]
            assert abs(halves[0] - halves[1]) <= 0.1 * number + 1
        assert native._spread(3) == [0, 1, 2]

    def test_passive_comes_before_the_calls_that_allocate(self, live: Live) -> None:
        found = self.compare(live, "passive", "tls-get-addr")
        assert found.answered["passive"] < found.answered["tls-get-addr"]
        assert found.disagreements == []
