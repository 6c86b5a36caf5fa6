"""What the index says of code, against the marks in its source: every compiler, level, model and linker."""

from __future__ import annotations

import re
import subprocess
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from gdb_tls.code.accesses import ADDRESS_TAKEN, KINDS, READ, Recorder
from gdb_tls.code.index import CodeIndex
from gdb_tls.code.values import Loaded, Number
from gdb_tls.elf.file import ElfFile

PROGRAMS = Path(__file__).resolve().parents[2] / "programs"
SOURCES = ("accesses.c", "accesses.cc")
LINKED = ["-nostdlib", "-Wl,--build-id"]
LIBRARY = ["-shared", "-fPIC"]
PROGRAM = ["-Wl,-e,begin"]
# The compilers' ways to reach a variable, and the kinds of files.
WAYS = {
    "library": LIBRARY,
    "library, initial-exec": [*LIBRARY, "-ftls-model=initial-exec"],
    "library, local symbols": [*LIBRARY, "-Wl,-Bsymbolic", "-fvisibility=hidden"],
    "program": ["-fPIE", "-pie", *PROGRAM],
    "program of library code": ["-fPIC", "-pie", *PROGRAM],
    "program at a fixed place": ["-fno-pie", "-no-pie", *PROGRAM],
    "static program": ["-fno-pie", "-static", *PROGRAM],
    "static program of library code": ["-fPIC", "-static", *PROGRAM],
    "static program that may lie anywhere": ["-fPIE", "-static-pie", *PROGRAM],
    "calls without a table": [*LIBRARY, "-fno-plt"],
    "link time optimisation": [*LIBRARY, "-flto"],
    "no frame pointer": [*LIBRARY, "-fomit-frame-pointer"],
    "frame pointer": [*LIBRARY, "-fno-omit-frame-pointer"],
}
DESCRIPTORS = {"library, descriptors": "gnu2", "program, descriptors": "gnu2", "library, __tls_get_addr": "trad"}
MARK = re.compile(r"/\* tls: (.*?) \*/")


@dataclass(frozen=True)
class Build:
    """One compiler run."""

    machine: str
    compiler: str
    level: int
    way: str
    linker: str = ""

    @property
    def flags(self) -> list[str]:
        flags = list(WAYS.get(self.way, PROGRAM if self.way.startswith("program") else LIBRARY))
        if self.way in DESCRIPTORS:
            flags += [f"-mtls-dialect={DESCRIPTORS[self.way]}", "-fPIC"]
            if self.way.startswith("program"):
                flags.append("-pie")
        if self.linker:
            flags.append(f"-fuse-ld={self.linker}")
        if self.machine == "aarch64":
            flags.append("-mno-outline-atomics")
        return flags

    def command(self, plus: bool) -> list[str]:
        if self.compiler == "clang":
            name = [
                "clang++" if plus else "clang",
                *(["--target=aarch64-linux-gnu"] if self.machine == "aarch64" else []),
            ]
        else:
            name = [("aarch64-linux-gnu-" if self.machine == "aarch64" else "") + ("g++" if plus else "gcc")]
        return [*name, "-g", f"-O{self.level}", *(["-std=c++17", "-fno-exceptions"] if plus else [])]

    def make(self, folder: Path) -> list[tuple[str, Path]]:
        """Makes a file of each source; returns (source, file)."""
        made = []
        own = folder / "".join(one if one.isalnum() else "-" for one in str(self))
        own.mkdir()
        pic = [one for one in self.flags if one in ("-fPIC", "-fPIE", "-fno-pie")]
        outside = compiled_outside((*replace(self, level=1).command(False), *pic), folder)
        for source in SOURCES:
            output = own / f"{source}.out"
            command = [*self.command(source.endswith(".cc")), *self.flags, *LINKED]
            run([*command, str(PROGRAMS / source), str(outside), "-o", str(output)])
            made.append((source, output))
        return made


Make = Callable[[Build], list[tuple[str, Path]]]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes the files of a build, once for all tests."""
    return cache(lambda build: build.make(tmp_path_factory.getbasetemp()))


@cache
def compiled_outside(command: tuple[str, ...], folder: Path) -> Path:
    """What the code under test calls, compiled once for all levels."""
    output = folder / "".join(one if one.isalnum() else "-" for one in "".join(command) + ".o")
    run([*command, "-c", PROGRAMS / "accesses_outside.c", "-o", output])
    return output


def run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, " ".join(map(str, command)) + "\n" + done.stderr


@dataclass
class Score:
    """How one file compares with its marks."""

    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    expected: int = 0
    unknown: int = 0


def marks(source: str) -> dict[tuple[int, str], list[tuple[set[str], bool]]]:
    """(line, variable) -> (kinds, whether it may be missing) of each mark."""
    found = defaultdict(list)
    for number, line in enumerate((PROGRAMS / source).read_text().splitlines(), 1):
        match = MARK.search(line)
        for item in match.group(1).split(", ") if match else ():
            name, kinds = item.split()
            allowed = {one.rstrip("?") for one in kinds.split("|")}
            assert allowed <= set(KINDS), item
            found[number, name].append((allowed, "?" in kinds))
    return dict(found)


def lines(path: Path, source: str) -> list[tuple[int, int]]:
    """(address, line) of each row of the line table, by address; line 0 where the code is of another file."""
    rows = []
    with path.open("rb") as stream:
        dwarf = ELFFile(stream).get_dwarf_info()
        for unit in dwarf.iter_CUs():
            program = dwarf.line_program_for_CU(unit)
            files = program["file_entry"]
            first = 0 if program["version"] >= 5 else 1
            for entry in program.get_entries():
                if entry.state and (entry.state.line or entry.state.end_sequence):
                    name = files[entry.state.file - first].name.decode()
                    known = name == source and not entry.state.end_sequence
                    rows.append((entry.state.address, entry.state.line if known else 0))
    return sorted(rows, key=lambda row: row[0])


def line_at(rows: list[tuple[int, int]], address: int) -> int:
    index = bisect_right(rows, (address, sys.maxsize))
    return rows[index - 1][1] if index else 0


def names(file: ElfFile, wanted: set[str]) -> list[tuple[int, int, str]]:
    """(first, last, name as marked) of each variable in the block."""
    found = []
    for symbol in file.tls_symbols():
        for name in wanted:
            mangled = symbol.name.startswith("_Z") and f"{len(name)}{name}" in symbol.name
            guard = symbol.name.startswith("_ZGV")
            if symbol.name == name or (mangled and not guard):
                found.append((symbol.value, symbol.value + symbol.size, name))
    return found


def judge(source: str, path: Path) -> Score:
    score = Score()
    truth = marks(source)
    with path.open("rb") as stream:
        file = ElfFile(str(path), stream)
        wanted = {name for _, name in truth}
        variables = names(file, wanted)
        rows = lines(path, source)
        found = defaultdict(list)
        index = CodeIndex(file)
        for access in index.accesses():
            by_offset = [name for first, last, name in variables if first <= access.offset < last]
            name = access.target.symbol if access.target.symbol in wanted else (by_offset or [None])[0]
            line = line_at(rows, access.address)
            # The compiler's own functions have the line of the declaration.
            artificial = (index.functions.name(access.function or 0) or "").startswith(("_ZTW", "_ZTH", "__tls_init"))
            if name and line and not artificial:
                found[line, name].append(access)
    for place, accesses in found.items():
        allowed = set().union(*(kinds for kinds, _ in truth.get(place, ())))
        for access in accesses:
            if place not in truth or access.kind not in allowed | {READ}:
                score.wrong.append(f"{source}:{place[0]} {place[1]} at {access.address:#x} {access.kind}")
            score.unknown += access.kind == READ and READ not in allowed
    for place, expected in truth.items():
        required = sum(not optional for _, optional in expected)
        score.expected += required
        if required and place not in found:
            score.missing.append(f"{source}:{place[0]} {place[1]}")
    return score


BUILDS = [
    # Every level, in the way that most libraries and most programs are built.
    *(
        Build(machine, compiler, level, way)
        for machine in ("x86-64", "aarch64")
        for compiler in ("gcc", "clang")
        for level in (0, 1, 2, 3)
        for way in ("library", "program")
    ),
    # Every other way, without and with optimisation.
    *(
        Build(machine, compiler, level, way)
        for machine in ("x86-64", "aarch64")
        for compiler in ("gcc", "clang")
        for way in WAYS
        for level in ((0, 2) if machine == "x86-64" else (2,))
        if way not in ("library", "program")
    ),
    *(Build("x86-64", "gcc", level, f"{what}, descriptors") for level in (0, 2) for what in ("library", "program")),
    *(Build("aarch64", "gcc", level, "library, __tls_get_addr") for level in (0, 2)),
    *(
        Build(machine, "clang", level, way, "lld")
        for machine in ("x86-64", "aarch64")
        for level in (0, 2)
        for way in ("library", "program of library code", "static program")
    ),
]


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: " ".join(map(str, vars(build).values())).strip())
def test_accesses_are_as_the_source_says(build: Build, make: Make) -> None:
    """No kind is wrong, and at least 95 of 100 are found; at -O3, where loops are rebuilt, nothing is wrong either."""
    for source, path in make(build):
        score = judge(source, path)
        assert not score.wrong
        assert len(score.missing) <= score.expected * 0.05, score.missing
        assert score.unknown <= score.expected * 0.15, "too often it could not be told"


@pytest.mark.parametrize("machine", ["x86-64", "aarch64"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_handlers_of_exceptions(machine: str, compiler: str, level: int, tmp_path: Path) -> None:
    """What comes to them is what the tables say: not the address that some other call has left in a register."""
    build = Build(machine, compiler, level, "library")
    source, path = "accesses_thrown.cc", tmp_path / "thrown.so"
    command = [*build.command(True), "-fexceptions", *build.flags, *LINKED, "-o", str(path)]
    run([*command, str(PROGRAMS / source)])
    score = judge(source, path)
    assert not score.wrong and not score.missing
    with path.open("rb") as stream:
        index = CodeIndex(ElfFile(str(path), stream))
        assert not [access for access in index.accesses() if access.kind == ADDRESS_TAKEN]
        handlers = {
            site.handler for start in index.functions._unwind.starts for site in index.functions.call_sites(start)
        }
        assert len(handlers) >= 4
        for handler in handlers:
            flow = index.flow(handler)
            assert flow and flow.before(handler) is not None, hex(handler)


def test_stripped_file_has_the_same_accesses(make: Make) -> None:
    """All of it comes from relocations, unwind tables and code."""
    for build in (Build("x86-64", "gcc", 2, "library"), Build("x86-64", "gcc", 0, "static program")):
        for _, path in make(build):
            stripped = path.with_suffix(".stripped")
            run(["strip", "--strip-all", "-o", str(stripped), str(path)])
            whole, bare = (everything(one) for one in (path, stripped))
            assert whole and bare == whole


def everything(path: Path) -> list[object]:
    with path.open("rb") as stream:
        return list(CodeIndex(ElfFile(str(path), stream)).accesses())


@pytest.mark.parametrize("machine", ["x86-64", "aarch64"])
@pytest.mark.parametrize("way", ["library", "library, local symbols", "program", "static program of library code"])
def test_offsets_are_those_of_all_accesses(machine: str, way: str, make: Make) -> None:
    """The cheap list leaves no variable out that code touches, and has none besides; also without symbols."""
    for _, path in make(Build(machine, "gcc", 2, way)):
        stripped = path.with_suffix(".bare")
        run(["aarch64-linux-gnu-strip" if machine == "aarch64" else "strip", "--strip-all", "-o", stripped, path])
        with path.open("rb") as whole, stripped.open("rb") as stream:
            variables = [(one.value, one.value + one.size) for one in ElfFile("whole", whole).tls_symbols()]
            file = ElfFile("stripped", stream)
            accesses = {one.offset for one in CodeIndex(file).accesses() if one.target.defined}
            used = CodeIndex(file).offsets()
        touched = among(variables, accesses)
        assert len(touched) > 3
        assert among(variables, {one.offset for one in used}) == touched
        assert not any(one.width is not None and one.offset not in accesses for one in used)


def among(variables: list[tuple[int, int]], offsets: set[int]) -> set[tuple[int, int]]:
    """The variables in which the offsets lie."""
    return {(first, last) for first, last in variables for one in offsets if first <= one < last}


LEVELS = [
    (machine, compiler, level)
    for machine in ("x86-64", "aarch64")
    for compiler in ("gcc", "clang")
    for level in (0, 1, 2)
]


def variable_at(file: ElfFile, offset: int) -> str | None:
    """The name of the variable in which an offset lies."""
    symbols = (one for one in file.tls_symbols() if not one.name.startswith("$"))  # a mark of AAELF64, no variable
    found = (one.name for one in symbols if one.value <= offset < one.value + max(one.size, 1))
    return next(found, None)


@pytest.mark.parametrize(("machine", "compiler", "level"), LEVELS)
def test_what_is_made_at_first_use(machine: str, compiler: str, level: int, make: Make) -> None:
    """A variable that a function sets where it found it null, and what C++ constructs behind a guard; nothing else."""
    for way in ("library", "program"):
        for source, path in make(Build(machine, compiler, level, way)):
            rows = lines(path, source)
            truth = {
                number
                for number, line in enumerate((PROGRAMS / source).read_text().splitlines(), 1)
                if "made at first use" in line
            }
            with path.open("rb") as stream:
                file = ElfFile(str(path), stream)
                uses = CodeIndex(file).first_uses()
                guarded = {variable_at(file, one.made.offset) for one in uses if not one.by_itself}
                guards = {variable_at(file, one.guard.offset) for one in uses if not one.by_itself}
            found = {line_at(rows, one.made.address) for one in uses if one.by_itself and one.made.width == 8}
            if source.endswith(".cc"):
                # Clang's -O0 constructs in a function of its own, which the one that looks at the guard calls.
                assert (compiler, level) == ("clang", 0) or any("box" in str(one) for one in guarded)
                assert all("box" in str(one) or "local" in str(one) for one in guarded)
                assert all("_ZGV" in str(one) or "__tls_guard" in str(one) for one in guards)
            else:
                assert found == truth
                assert not guarded


@pytest.mark.parametrize(("machine", "compiler", "level"), LEVELS)
def test_arguments(machine: str, compiler: str, level: int, make: Make) -> None:
    """What a call is given, as the data flow has it."""
    for source, path in make(Build(machine, compiler, level, "library")):
        if source != "accesses.c":
            continue
        with path.open("rb") as stream:
            file = ElfFile(str(path), stream)
            index = CodeIndex(file)
            named = file.symbols(["take_unchecked", "pass_unchecked"])
            functions = {name: symbol.value for name, symbol in named.items()}
            (passed,) = [
                one
                for one in index.accesses()
                if one.kind == "read-passed" and one.function == functions["pass_unchecked"]
            ]
            called = [
                at for at, target in index.places.calls if index.callees.called(target) == functions["take_unchecked"]
            ]
            (arguments,) = [
                flow.arguments(at)
                for at in called
                for flow in [index.flow(at)]
                if flow and index.function_of(at) == functions["pass_unchecked"]
            ]
            assert isinstance(arguments[1], Loaded) and arguments[1].at == passed.address
            assert arguments[0] == Number(5)


def test_question_about_one_variable(make: Make) -> None:
    """It finds what the whole index has of that variable."""
    for _, path in make(Build("x86-64", "clang", 2, "library")):
        with path.open("rb") as stream:
            file = ElfFile(str(path), stream)
            whole = CodeIndex(file).accesses()
            symbols = file.tls_symbols()
            assert symbols
            for symbol in symbols:
                first, last = symbol.value, symbol.value + symbol.size
                expected = [
                    one
                    for one in whole
                    if one.target.defined and one.offset < last and one.offset + max(one.width, 1) > first
                ]
                fresh = CodeIndex(file)
                assert fresh.accesses(first, last) == expected, symbol.name
                # All that refers to it is explained; were nothing found there, that would be noticed.
                assert fresh.unexplained(first, last) == []
                if symbol.name == "item":
                    forgetful = CodeIndex(file)
                    forgetful.followed.accesses = lambda start: []  # type: ignore[method-assign]
                    assert set(forgetful.unexplained(first, last)) == {one.function for one in expected}


QUICK_WAYS = ("library", "library, initial-exec", "library, local symbols", "program")


@pytest.mark.parametrize("machine", ["x86-64", "aarch64"])
def test_quick_way_agrees_with_whole_functions(machine: str, make: Make) -> None:
    """What is told without decoding whole functions is what they say."""
    quick = 0
    for way in (*QUICK_WAYS, "library, descriptors" if machine == "x86-64" else "library, __tls_get_addr"):
        for _, path in make(Build(machine, "gcc", 2, way)):
            with path.open("rb") as stream:
                index = CodeIndex(ElfFile(str(path), stream))
                for start in {access.function for access in index.accesses()} - {None}:
                    piece = index.functions.at(start or 0)
                    told = index.followed.quickly(piece)
                    flow = index.flow(piece.start)
                    if told is not None and flow is not None:
                        whole = Recorder()
                        flow.record(whole)
                        assert set(told.accesses(start)) == set(whole.accesses(start)), hex(piece.start)
                        quick += 1
    assert quick > 100


def test_functions_without_unwind_tables(tmp_path: Path) -> None:
    """Names end where functions do; without names, candidates are all there is."""
    path = tmp_path / "bare.so"
    source = PROGRAMS / "accesses.c"
    bare = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]
    run(
        [
            "gcc",
            "-g",
            "-O2",
            *LIBRARY,
            *bare,
            *LINKED,
            str(source),
            str(PROGRAMS / "accesses_outside.c"),
            "-o",
            str(path),
        ]
    )
    score = judge("accesses.c", path)
    assert not score.wrong
    assert len(score.missing) <= score.expected * 0.05
    run(["strip", "--strip-all", str(path)])
    assert everything(path)
