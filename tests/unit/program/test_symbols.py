"""From what a user types to the variable: names, scopes, paths, and the errors with what to type instead."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from unit.elfwriter import LOCAL, Elf, Symbol, file_row
from unit.fake import INTEGER, POINTER
from unit.process import Process

from gdb_tls.errors import AmbiguousName, BadArgument, MissingFile, NotThreadLocal, TlsError, UnknownName
from gdb_tls.program.names import PlaceName, Query, place_name, plain, queries, split_path, without_parameters
from gdb_tls.program.symbols import Symbols
from gdb_tls.target.facts import DebugSymbol
from gdb_tls.target.model import Variable


class TestSplitPath:
    @pytest.mark.parametrize(
        ("text", "name", "path"),
        [
            ("buffer", "buffer", ""),
            ("buffer->str", "buffer", "->str"),
            ("buffer ->str", "buffer", "->str"),
            ("buffer.field[2]", "buffer", ".field[2]"),
            ("table[3].x->y", "table", "[3].x->y"),
            ("ns::Class::member->next", "ns::Class::member", "->next"),
            ("libfoo.so::name", "libfoo.so::name", ""),
            ("libfoo.so.1::ns::name.x", "libfoo.so.1::ns::name", ".x"),
            ("'file.cc'::name", "'file.cc'::name", ""),
            ("'file.cc'::name->x", "'file.cc'::name", "->x"),
            ("f(std::pair<int, char>)::local.x", "f(std::pair<int, char>)::local", ".x"),
            ("f(int (*)(char...))::local", "f(int (*)(char...))::local", ""),
            ("Pool<a.b>::free_list->next", "Pool<a.b>::free_list", "->next"),
            ("make[abi:cxx11](int)::cache", "make[abi:cxx11](int)::cache", ""),
            ("cache[abi:cxx11].size", "cache[abi:cxx11]", ".size"),
            ("counter.0", "counter", ".0"),
            ("", "", ""),
        ],
    )
    def test_split(self, text: str, name: str, path: str) -> None:
        assert split_path(text) == (name, path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("buffer", [Query("buffer", "buffer", "", "")]),
        (" buffer ", [Query("buffer", "buffer", "", "")]),
        ("counter.0", [Query("counter.0", "counter.0", "", ""), Query("counter.0", "counter", "", ".0")]),
        ("'odd name'", [Query("'odd name'", "odd name", "", "")]),
        (
            "ns::name",
            [Query("ns::name", "ns::name", "", ""), Query("ns::name", "name", "ns", "")],
        ),
        (
            "'a b.cc'::name->x",
            [
                Query("'a b.cc'::name->x", "'a b.cc'::name->x", "", ""),
                Query("'a b.cc'::name->x", "name->x", "a b.cc", ""),
                Query("'a b.cc'::name->x", "'a b.cc'::name", "", "->x"),
                Query("'a b.cc'::name->x", "name", "a b.cc", "->x"),
            ],
        ),
    ],
)
def test_queries(text: str, expected: list[Query]) -> None:
    assert list(queries(text)) == expected


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("buffer", "buffer"),
        ("::buffer", "buffer"),
        ("(anonymous namespace)::buffer", "buffer"),
        ("ns::(anonymous namespace)::buffer", "ns::buffer"),
        ("cache[abi:cxx11]", "cache"),
        ("f(int)::local", "f::local"),
        ("C::f(int) const::local", "C::f::local"),
        ("f(int)::{lambda(char)#1}::operator()(char) const::local", "f::{lambda(char)#1}::operator()::local"),
        ("f(int (*)(char))::local", "f::local"),
    ],
)
def test_plain(name: str, short: str) -> None:
    assert plain(name) == short


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("push", "push"),
        ("push(int, char const*)", "push"),
        ("ns::C::get() const", "ns::C::get"),
        ("f(int (*)(char))", "f"),
        ("ns::C::operator()", "ns::C::operator()"),
        ("ns::C::operator()(int) const", "ns::C::operator()"),
        ("(anonymous namespace)::push(int)", "(anonymous namespace)::push"),
        ("f(int)::{lambda(char)#1}::operator()(char) const", "f(int)::{lambda(char)#1}::operator()"),
        ("push(int) [clone .cold]", "push"),
    ],
)
def test_without_parameters(name: str, bare: str) -> None:
    assert without_parameters(name) == bare


@pytest.fixture
def app(process: Process) -> Process:
    """Two libraries: C++ and C, with namesakes in two files and in both libraries."""
    process.module(
        "libone.so",
        [
            file_row("first.cc"),
            Symbol("_ZL7counter", 0x00, 4, binding=LOCAL),
            Symbol("_ZZ3runvE5local", 0x30, 8, binding=LOCAL),
            file_row("second.cc"),
            Symbol("_ZL7counter", 0x04, 4, binding=LOCAL),
            Symbol("only_here", 0x08, 8, binding=LOCAL),
            Symbol("_ZN2ns5Class6memberE", 0x10, 8),
            Symbol("_ZN5other5Class6memberE", 0x18, 8),
            Symbol("everywhere", 0x20, 8),
            Symbol("buffer", 0x28, 8),
            Symbol("buffer_alias", 0x28, 8),
        ],
    )
    process.module(
        "libtwo.so.2",
        [file_row("two.c"), Symbol("visits.0", 0x40, 4, binding=LOCAL), Symbol("everywhere", 0x00, 4)],
    )
    process.target.debug.demangled = {
        "_ZL7counter": "counter",
        "_ZN2ns5Class6memberE": "ns::Class::member",
        "_ZN5other5Class6memberE": "other::Class::member",
        "_ZZ3runvE5local": "run()::local",
    }
    return process


def find(process: Process, text: str, module: str | None = None) -> Variable:
    return process.program().symbols(module).find(text)[0]


class TestFind:
    @pytest.mark.parametrize(
        ("text", "module", "offset"),
        [
            ("only_here", 1, 0x08),
            ("  only_here ", 1, 0x08),
            ("'only_here'", 1, 0x08),
            ("::only_here", 1, 0x08),
            ("ns::Class::member", 1, 0x10),
            ("other::Class::member", 1, 0x18),
            ("_ZN2ns5Class6memberE", 1, 0x10),
            ("run()::local", 1, 0x30),
            ("run::local", 1, 0x30),
            ("local", 1, 0x30),
            ("'first.cc'::counter", 1, 0x00),
            ("second.cc::counter", 1, 0x04),
            ("'second.cc'::_ZL7counter", 1, 0x04),
            ("libone.so::everywhere", 1, 0x20),
            ("libone::everywhere", 1, 0x20),
            ("libtwo.so::everywhere", 2, 0x00),
            ("libtwo.so.2::everywhere", 2, 0x00),
            ("libtwo::everywhere", 2, 0x00),
            ("libone.so::ns::Class::member", 1, 0x10),
            ("visits.0", 2, 0x40),
            ("visits", 2, 0x40),
            ("'two.c'::visits", 2, 0x40),
            ("buffer", 1, 0x28),
            ("buffer_alias", 1, 0x28),
        ],
    )
    def test_one(self, app: Process, text: str, module: int, offset: int) -> None:
        found = find(app, text)
        assert (found.module.id, found.offset) == (module, offset)

    def test_two_names_of_one_place_are_one_variable(self, process: Process) -> None:
        process.module("libx.so", [Symbol("_ZN1a1xE", 8), Symbol("_ZN1b1xE", 8), Symbol("other", 16)])
        process.target.debug.demangled = {"_ZN1a1xE": "a::x", "_ZN1b1xE": "b::x"}
        assert find(process, "x").offset == 8

    def test_path_is_split_off(self, app: Process) -> None:
        variable, path = app.program().symbols().find("libone.so::buffer->length[2]")[:2]
        assert (variable.name, path) == ("buffer", "->length[2]")

    def test_static_of_a_c_function(self, app: Process) -> None:
        app.target.debug.functions = {"visits.0": "visit"}
        assert find(app, "visit::visits").linkage_name == "visits.0"
        with pytest.raises(UnknownName):
            find(app, "elsewhere::visits")

    @pytest.mark.parametrize("pattern", ["2", "libtwo*", "libtwo.so.2", "libtwo", "/lib/libtwo.so.2", "*/libtwo*"])
    def test_module_pattern(self, app: Process, pattern: str) -> None:
        assert find(app, "everywhere", pattern).module.id == 2

    @pytest.mark.parametrize("pattern", ["3", "two", "libthree*", "", "²"])
    def test_module_pattern_that_means_none(self, app: Process, pattern: str) -> None:
        with pytest.raises(BadArgument, match=r"There are: libone\.so \(1\), libtwo\.so\.2 \(2\)"):
            find(app, "everywhere", pattern)

    def test_what_the_symbol_table_says(self, app: Process) -> None:
        one = find(app, "everywhere", "1")
        assert (one.size, one.exported, one.is_static, one.source, one.type) == (8, True, False, "symtab", None)
        one = find(app, "'second.cc'::counter")
        assert (one.size, one.exported, one.is_static, one.file, one.line) == (4, False, True, "second.cc", 0)

    def test_what_debug_information_says(self, app: Process) -> None:
        app.target.debug.declared["everywhere"] = DebugSymbol("everywhere", POINTER, "/src/every.cc", 47, "opaque")
        one = find(app, "everywhere", "1")
        assert (one.type, one.file, one.line, one.source) == (POINTER, "every.cc", 47, "gdb")
        assert one.debugger_symbol == "opaque"

    def test_size_of_the_type_where_the_symbol_has_none(self, process: Process) -> None:
        process.module("libasm.so", [Symbol("bare", 0, 0)])
        process.target.debug.declared["bare"] = DebugSymbol("bare", INTEGER, "", 0, None)
        assert find(process, "bare").size == 4

    def test_global_symbol_by_the_file_that_debug_information_knows(self, app: Process) -> None:
        app.target.debug.declared["only_here"] = DebugSymbol("only_here", None, "second.cc", 1, None)
        app.target.debug.declared["buffer"] = DebugSymbol("buffer", None, "/src/ring.cc", 9, None)
        assert find(app, "'ring.cc'::buffer").offset == 0x28

    def test_variables_come_once(self, app: Process) -> None:
        found = [(one.module.id, one.offset) for one in app.program().symbols().variables()]
        assert found == sorted(set(found))
        assert len(found) == 10

    def test_names_for_completion(self, app: Process) -> None:
        names = app.program().symbols().names()
        assert names == sorted(set(names))
        assert {"counter", "ns::Class::member", "run::local", "visits.0"} <= set(names)


def test_a_member_of_a_common_block(process: Process) -> None:
    """Fortran's `common /blk/ ca, cb` has one symbol, blk_; its members have none."""
    process.module("prog", [Symbol("blk_", 0, 8), Symbol("__state_MOD_hits", 8, 4)])
    with pytest.raises(UnknownName) as caught:
        process.program().symbols().find("ca")
    assert "inspect the block, like blk_" in caught.value.hint


class TestMeant:
    """Several are called so: the selected frame's first, then the program's before its libraries', else an error."""

    @pytest.fixture
    def pools(self, process: Process) -> Process:
        process.module(
            "libstdc++.so.6", [Symbol("current", 0x10, 8), Symbol("buffer", 0x18, 8), Symbol("errno", 0x20, 4)]
        )
        process.module(
            "libserver.so",
            [
                Symbol("_ZN2db4Pool7currentE", 0x08, 8),
                Symbol("_ZN1a6bufferE", 0x00, 8),
                Symbol("_ZN1b6bufferE", 0x18, 8),
                Symbol("_ZGVN2db4Pool7currentE", 0x20, 8),
                Symbol("_ZN2db4Pool5errnoE", 0x28, 8),
                Symbol("errno", 0x30, 8),
            ],
        )
        process.target.debug.demangled = {
            "_ZN2db4Pool7currentE": "db::Pool::current",
            "_ZN1a6bufferE": "a::buffer",
            "_ZN1b6bufferE": "b::buffer",
            "_ZGVN2db4Pool7currentE": "guard variable for db::Pool::current",
            "_ZN2db4Pool5errnoE": "db::Pool::errno",
        }
        for index, name in enumerate(process.target.debug.demangled):
            process.target.debug.declared[name] = DebugSymbol(
                process.target.debug.demangled[name], POINTER, "/src/app.cc", index + 1, None
            )
        return process

    @pytest.mark.parametrize(
        ("text", "module", "offset", "left_out"),
        [
            ("current", 2, 0x08, ["libstdc++.so.6::current"]),
            ("libstdc++.so.6::current", 1, 0x10, []),
            ("libstdc++::current", 1, 0x10, []),
            ("db::Pool::current", 2, 0x08, []),
            ("errno", 2, 0x30, ["db::Pool::errno", "libstdc++.so.6::errno"]),
        ],
    )
    def test_own_before_the_libraries(
        self, pools: Process, text: str, module: int, offset: int, left_out: list[str]
    ) -> None:
        found = pools.program().symbols().find(text)
        assert (found.variable.module.id, found.variable.offset, list(found.left_out)) == (module, offset, left_out)
        for other in found.left_out:
            assert find(pools, other)[:5] != found.variable[:5]

    def test_several_of_the_program(self, pools: Process) -> None:
        with pytest.raises(AmbiguousName, match=r"2 thread-local .* Type one of: a::buffer, b::buffer\.$"):
            find(pools, "buffer")

    def test_what_to_type_for_each(self, pools: Process) -> None:
        """Also where a variable's name alone means another one, or several."""
        symbols = pools.program().symbols()
        for variable in symbols.variables():
            typed = symbols.exact_text(variable)
            assert symbols.find(typed).variable[:5] == variable[:5], typed

    def test_what_the_frame_sees(self, pools: Process) -> None:
        pools.target.debug.seen = {"buffer": pools.target.debug.declared["_ZN1b6bufferE"]}
        found = pools.program().symbols().find("buffer->x")
        assert (found.variable.offset, found.path) == (0x18, "->x")
        assert list(found.left_out) == ["a::buffer", "libstdc++.so.6::buffer"]

    def test_a_library_that_is_called_as_the_program(self, process: Process) -> None:
        process.module("tls-shared", [Symbol("i_tls", 8)])
        process.module("tls-shared.so", [Symbol("i_tls", 16)])
        assert find(process, "tls-shared::i_tls").module.id == 1
        assert find(process, "tls-shared.so::i_tls").module.id == 2
        assert find(process, "i_tls", "tls-shared").module.id == 1
        with pytest.raises(AmbiguousName, match=r"Type one of: tls-shared::i_tls, tls-shared\.so::i_tls\."):
            find(process, "i_tls")


class TestInitialImage:
    def image(self, process: Process, offset: int, size: int) -> bytes | None:
        symbols = process.program().symbols()
        return symbols.initial_image(symbols.modules[0], offset, size)

    def test_data_then_zeros(self, process: Process) -> None:
        process.module("libx.so", image=b"abcdef", size=0x10)
        assert self.image(process, 0, 4) == b"abcd"
        assert self.image(process, 4, 4) == b"ef\0\0"
        assert self.image(process, 8, 8) == bytes(8)
        assert self.image(process, 8, 9) is None, "beyond the block"
        assert self.image(process, 0, 0) is None, "no size known"

    def test_what_lies_behind_it_in_the_file_is_not_its(self, process: Process) -> None:
        module = process.module("libx.so", image=b"abcdefOTHER", size=0x10)
        elf = module.loaded.elf
        assert elf.tls
        elf.tls = elf.tls._replace(held=6)
        elf.write(Path(module.loaded.path))
        process.memory.write(module.loaded.base, elf.image())
        assert self.image(process, 4, 8) == b"ef" + bytes(6)
        assert self.image(process, 8, 8) == bytes(8)

    def test_from_memory_where_the_file_is_missing(self, process: Process) -> None:
        process.module("libx.so", image=b"abcdef", size=0x10)
        process.target.known_files.pop("/lib/libx.so")
        assert self.image(process, 1, 3) == b"bcd"
        assert self.image(process, 6, 2) == b"\0\0"

    def test_neither(self, process: Process) -> None:
        module = process.module("libx.so", image=b"abcdef", size=0x10)
        process.target.known_files.pop("/lib/libx.so")
        symbols = process.program().symbols()
        process.memory.leave_out(module.loaded.base)
        assert symbols.initial_image(symbols.modules[0], 0, 4) is None

    def test_is_in_the_variable(self, process: Process) -> None:
        process.module("libx.so", [Symbol("number", 4, 4)], image=b"0123\x2a", size=0x10)
        assert find(process, "number").initial == b"\x2a\0\0\0"


class TestSeparateDebugFiles:
    """GDB manual, "Separate Debug Files"."""

    @pytest.fixture
    def stripped(self, process: Process) -> Process:
        process.module(
            "libx.so", [Symbol("shown", 0x8)], symtab=None, build_id=b"\xab\xcd\xef", debuglink="libx.so.debug"
        )
        return process

    def write(self, path: Path, build_id: bytes = b"\xab\xcd\xef") -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        symbols = [file_row("x.c"), Symbol("hidden_away", 0x10, 8, binding=LOCAL), Symbol("shown", 0x8)]
        return Elf(build_id=build_id, symtab=symbols).write(path)

    def check(self, process: Process) -> None:
        hidden = find(process, "hidden_away")
        assert (hidden.offset, hidden.source, hidden.file, hidden.exported) == (0x10, "debug-file", "x.c", False)
        assert find(process, "shown").exported

    def test_without(self, stripped: Process) -> None:
        assert find(stripped, "shown").source == "dynsym"
        with pytest.raises(UnknownName) as caught:
            find(stripped, "hidden_away")
        assert caught.value.hint.endswith("Stripped, so not all of their names are known: libx.so.")

    def test_by_build_id(self, stripped: Process, tmp_path: Path) -> None:
        self.write(tmp_path / "debug" / ".build-id" / "ab" / "cdef.debug")
        stripped.target.debug.directories = [str(tmp_path / "debug")]
        self.check(stripped)

    @pytest.mark.parametrize("folder", [".", ".debug"])
    def test_by_link(self, stripped: Process, tmp_path: Path, folder: str) -> None:
        self.write(tmp_path / folder / "libx.so.debug")
        self.check(stripped)

    def test_by_link_in_the_global_directory(self, stripped: Process, tmp_path: Path) -> None:
        self.write(Path(f"{tmp_path}/debug{tmp_path}/libx.so.debug"))
        stripped.target.debug.directories = [f"{tmp_path}/debug"]
        self.check(stripped)

    def test_as_the_debugger_found_it(self, stripped: Process, tmp_path: Path) -> None:
        path = self.write(tmp_path / "somewhere" / "else")
        stripped.target.debug.debug_files = {str(tmp_path / "libx.so"): path}
        self.check(stripped)

    def test_of_another_build(self, stripped: Process, tmp_path: Path) -> None:
        self.write(tmp_path / "libx.so.debug", build_id=b"\x01")
        with pytest.raises(UnknownName):
            find(stripped, "hidden_away")

    def test_damaged(self, stripped: Process, tmp_path: Path) -> None:
        """A bad debug file takes nothing away from what the object itself says."""
        (tmp_path / "libx.so.debug").write_bytes(b"garbage")
        assert find(stripped, "shown").offset == 0x8


class TestErrors:
    def error(self, process: Process, text: str, kind: type[TlsError]) -> TlsError:
        with pytest.raises(kind) as caught:
            find(process, text)
        return caught.value

    def choices(self, error: TlsError) -> list[str]:
        """What the hint of an ambiguous name says to type."""
        match = re.fullmatch(r"Type one of: (.*)\.", error.hint)
        assert match, error.hint
        return match.group(1).split(", ")

    def can_be_typed(self, process: Process, text: str) -> set[tuple[int, int]]:
        """Types each choice, and gives the places that were found."""
        choices = self.choices(self.error(process, text, AmbiguousName))
        places = []
        for choice in choices:
            words = shlex.split(choice.replace("'", "\\'"))
            module = words[words.index("--module") + 1] if "--module" in words else None
            found = find(process, words[0], module)
            places.append((found.module.id, found.offset))
        assert len(set(places)) == len(choices), "each choice means another variable"
        return set(places)

    @pytest.mark.parametrize(
        ("text", "places"),
        [
            ("counter", {(1, 0x00), (1, 0x04)}),
            ("_ZL7counter", {(1, 0x00), (1, 0x04)}),
            ("libone.so::counter", {(1, 0x00), (1, 0x04)}),
            ("everywhere", {(1, 0x20), (2, 0x00)}),
            ("member", {(1, 0x10), (1, 0x18)}),
            ("Class::member", {(1, 0x10), (1, 0x18)}),
        ],
    )
    def test_ambiguous(self, app: Process, text: str, places: set[tuple[int, int]]) -> None:
        assert self.can_be_typed(app, text) == places

    def test_ambiguous_text(self, app: Process) -> None:
        error = self.error(app, "counter", AmbiguousName)
        assert str(error) == (
            "2 thread-local variables are called counter. Type one of: 'first.cc'::counter, 'second.cc'::counter."
        )
        error = self.error(app, "everywhere->x", AmbiguousName)
        assert error.hint == "Type one of: libone.so::everywhere->x, libtwo.so.2::everywhere->x."

    def test_one_library_twice(self, process: Process) -> None:
        """Opened by dlmopen in two namespaces: only the id tells them apart."""
        for folder in ("a", "b"):
            process.module("libx.so", [Symbol("value", 8)], target_path=f"/{folder}/libx.so")
        assert self.can_be_typed(process, "value") == {(1, 8), (2, 8)}

    def test_one_library_twice_with_namesakes_inside(self, process: Process) -> None:
        symbols = [
            file_row("a.c"),
            Symbol("value", 0, binding=LOCAL),
            file_row("b.c"),
            Symbol("value", 8, binding=LOCAL),
        ]
        for folder in ("a", "b"):
            process.module("libx.so", symbols, target_path=f"/{folder}/libx.so")
        assert self.can_be_typed(process, "value") == {(1, 0), (1, 8), (2, 0), (2, 8)}

    def test_overloads(self, process: Process) -> None:
        names = {"_ZZ1fiE1x": "f(int)::x", "_ZZ1fcE1x": "f(char)::x"}
        process.module(
            "libx.so", [file_row("a.cc"), *(Symbol(name, 8 * i, binding=LOCAL) for i, name in enumerate(names))]
        )
        process.target.debug.demangled = names
        assert self.can_be_typed(process, "f::x") == {(1, 0), (1, 8)}
        assert find(process, "f(char)::x").offset == 8

    def test_numbered_statics_of_c(self, process: Process) -> None:
        process.module(
            "libx.so",
            [file_row("a.c"), *(Symbol(f"count.{i}", 8 * i, binding=LOCAL) for i in range(3))],
        )
        assert self.can_be_typed(process, "count") == {(1, 0), (1, 8), (1, 16)}

    def test_files_of_one_name(self, process: Process) -> None:
        """src/a/util.c and src/b/util.c: the STT_FILE rows have the last part only."""
        process.module(
            "libx.so",
            [
                file_row("util.c"),
                Symbol("cache", 0, binding=LOCAL),
                file_row("util.c"),
                Symbol("cache", 8, binding=LOCAL),
            ],
        )
        assert self.can_be_typed(process, "cache") == {(1, 0), (1, 8)}

    def test_many(self, process: Process) -> None:
        symbols: list[Symbol] = []
        for index in range(25):
            symbols += [file_row(f"f{index}.c"), Symbol("value", 8 * index, binding=LOCAL)]
        process.module("libx.so", symbols, size=0x1000)
        error = self.error(process, "value", AmbiguousName)
        assert "25 thread-local variables" in error.what
        assert error.hint.endswith("'f9.c'::value, and 15 more.")

    def test_suggestions(self, app: Process) -> None:
        assert "Did you mean only_here?" in self.error(app, "only_hear", UnknownName).hint
        assert "ns::Class::member" in self.error(app, "ns::Class::membr", UnknownName).hint
        assert "everywhere" in self.error(app, "libone.so::everywere", UnknownName).hint
        assert "buffer" in self.error(app, "Buffer->str", UnknownName).hint

    def test_nothing_near(self, app: Process) -> None:
        error = self.error(app, "xyzzy", UnknownName)
        assert error.what == "No thread-local variable is called xyzzy in 2 modules"
        assert "tls-inspect" in error.hint

    def test_not_thread_local(self, app: Process) -> None:
        app.target.debug.others = {"main": "a function"}
        error = self.error(app, "main", NotThreadLocal)
        assert str(error) == ("main is a function, not a thread-local variable. Its hint.")
        assert isinstance(self.error(app, "main->x", NotThreadLocal), NotThreadLocal)

    def test_missing_files_are_named(self, app: Process) -> None:
        app.module("libgone.so", [Symbol("lost", 0)], build_id=b"\xfe\xed")
        del app.target.known_files["/lib/libgone.so"]
        error = self.error(app, "lost", MissingFile)
        assert "/lib/libgone.so (build id feed) is not on this machine" in error.what
        assert "set sysroot" in error.hint
        # What is known is found all the same, and a near name is suggested.
        assert find(app, "only_here").offset == 8
        assert "only_here" in self.error(app, "only_hear", MissingFile).hint

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "::",
            "->",
            "->x",
            ".",
            "[",
            "[0]",
            "'",
            "''",
            "'::'",
            "a::",
            "::a::",
            "(",
            "a(b",
            "\x1b[31m",
            "é",
            "%s",
            "a" * 10_000,
            "a::" * 200,
            "<" * 500,
            "'a'::'b'::'c'",
        ],
    )
    def test_odd_text(self, app: Process, text: str) -> None:
        self.error(app, text, TlsError)


class TestPlaces:
    """`MODULE+0xOFFSET`."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("libone.so+0x18", PlaceName("libone.so", 0x18, "")),
            ("libstdc++.so.6 + 24", PlaceName("libstdc++.so.6", 24, "")),
            ("'lib odd [b].so'+0x8->str", PlaceName("lib odd [b].so", 8, "->str")),
            ("3+0x08[2].x", PlaceName("3", 8, "[2].x")),
            ("buffer", None),
            ("+0x8", None),
            ("libone.so+", None),
            ("libone.so+0x", None),
            ("Pool<a+1>::free", None),
        ],
    )
    def test_taken_apart(self, text: str, expected: PlaceName | None) -> None:
        assert place_name(text) == expected

    @pytest.mark.parametrize("text", ["libone.so+0x38", "libone+0x38", "1+56", "/lib/libone.so+0x38"])
    def test_nameless(self, app: Process, text: str) -> None:
        found = find(app, text)
        assert (found.name, found.offset, found.size) == ("libone.so+0x38", 0x38, 8)
        assert (found.type, found.exported, found.source, found.initial) == (None, False, "offset", bytes(8))

    def test_what_a_symbol_begins_at_is_that_variable(self, app: Process) -> None:
        assert find(app, "libone.so+0x10").linkage_name == "_ZN2ns5Class6memberE"

    def test_the_block_ends(self, app: Process) -> None:
        """Nothing behind it is read: the last bytes are fewer than a pointer has."""
        segment = find(app, "libone.so+0x38").module.segment
        assert segment is not None
        assert find(app, f"libone.so+{segment.size - 4}").size == 4
        with pytest.raises(BadArgument, match=f"libone.so's block ends at {segment.size:#x}, before {segment.size:#x}"):
            find(app, f"libone.so+{segment.size:#x}")

    def test_two_modules(self, app: Process) -> None:
        with pytest.raises(AmbiguousName) as raised:
            find(app, "lib*+0x8")
        assert "1+0x8 (libone.so), 2+0x8 (libtwo.so.2)" in str(raised.value)

    def test_no_module(self, app: Process) -> None:
        with pytest.raises(UnknownName, match=r"No module .* is called libthree.so. There are: libone.so \(1\)"):
            find(app, "libthree.so+0x8")
        with pytest.raises(UnknownName, match="No thread-local variable"):
            find(app, "three+0x8")


def test_no_modules(process: Process) -> None:
    symbols = Symbols(process.target, [])
    with pytest.raises(UnknownName):
        symbols.find("anything")
    assert symbols.names() == [] and symbols.variables() == []
