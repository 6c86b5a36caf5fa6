"""gdb-tls's command line, and what it reads out of cores, without GDB."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
from pathlib import Path

import pytest

from gdb_tls.cli import arguments, completion, core, manual, subject
from gdb_tls.errors import BadArgument, TlsError
from gdb_tls.questions.every import every


def asked(*words: str) -> str:
    return arguments.parse(words).question


def buildargv(text: str) -> list[str]:
    """libiberty's buildargv, by which GDB takes a line apart (argv.c, before and after its change of 2023)."""
    found, word, inside, quoted, escaped = [], "", False, "", False
    for character in text:
        if not inside and character.isspace():
            continue
        inside = True
        if escaped:
            word, escaped = word + character, False
        elif character == "\\":
            escaped = True
        elif quoted:
            quoted, word = ("", word) if character == quoted else (quoted, word + character)
        elif character in "'\"":
            quoted = character
        elif character.isspace():
            found.append(word)
            word, inside = "", False
        else:
            word += character
    return found + [word] * inside


@pytest.mark.parametrize(
    "word", ["plain", "a b", "it's", 'say "x"', "back\\slash", "<b>", "$x;`y`", "ns::f(int)::x[2]", "ä"]
)
def test_quoting_is_undone_by_gdb(word: str) -> None:
    assert buildargv(f"tls-inspect {arguments.quote(word)} --all") == ["tls-inspect", word, "--all"]


def test_a_line_end_is_refused() -> None:
    with pytest.raises(BadArgument):
        arguments.quote("a\nquit 0")


def test_question() -> None:
    assert asked("core", "file", "name") == "tls-inspect name"
    assert asked("core", "--format", "json", "file", "name", "--all") == "tls-inspect name --format json --all"
    assert asked("core", "file", "a->b", "--threads", "1,3-5") == "tls-inspect a->b --threads 1,3-5"
    assert asked("pid", "7", "--command", "verify", "--all") == "tls-verify --all"
    assert (
        asked("core", "file", "name", "--exe", "x", "--sysroot", "/", "--verbose", "--gdb", "g") == "tls-inspect name"
    )


def test_run_takes_the_program_as_it_is() -> None:
    wanted = arguments.parse(["run", "name", "--all", "--", "./server", "--format", "--", "x y"])
    assert wanted.question == "tls-inspect name --all"
    assert wanted.program == ["./server", "--format", "--", "x y"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "none is given"),
        (["frob"], "frob is none of them"),
        (["core"], "FILE"),
        (["core", "file", "name", "--calls"], "--calls is no option of tls-inspect"),
        (["core", "file", "name", "--format", "xml"], "xml"),
        (["core", "file", "name", "--output"], "--output"),
        (["core", "file", "--command", "frob"], "no command frob"),
        (["run", "name"], "needs a program"),
        (["run", "name", "--"], "needs a program"),
    ],
)
def test_what_makes_no_sense(words: list[str], said: str) -> None:
    with pytest.raises(TlsError, match=said):
        arguments.parse(words)


def test_everything_is_made_from_the_specs() -> None:
    """A command or option that is added is in the manual, the completions, the table and the help."""
    specs = every()
    man, table = manual.page(specs), manual.table(specs)
    texts = [completion.bash(specs), completion.zsh(specs), completion.fish(specs)]
    for spec in specs:
        assert spec.name.replace("-", "\\-") in man
        assert f"`{spec.name}" in table
        assert all(spec.name in text for text in [*texts, arguments.help_text()])
    for option in arguments.options(arguments.WAYS[0]):
        assert option.name.replace("-", "\\-") in man
        assert all(option.name.lstrip("-") in text for text in [*texts, arguments.help_text()])


# A core, made here


def note(kind: int, data: bytes) -> bytes:
    padded = data + bytes(-len(data) % 4)
    return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + padded


def elf(kind: int, segments: list[tuple[int, int, bytes]]) -> bytes:
    """An x86-64 ELF file of (type, address, contents) segments."""
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", kind, 62, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
    at, table, body = 64 + 56 * len(segments), b"", b""
    for number, address, data in segments:
        table += struct.pack("<IIQQQQQQ", number, 4, at + len(body), address, address, len(data), len(data), 4)
        body += data
    return head + table + body


BUILD_ID = "0123456789abcdef"
START, STACK = 0x400000, 0x7FFD0000


def executable(build_id: str | None = BUILD_ID) -> bytes:
    data = struct.pack("<III", 4, 8, 3) + b"GNU\0" + bytes.fromhex(build_id) if build_id else b""
    return elf(2, [(4, 0, data)])


def a_core(path: str, *, name: bytes = b"server", memory: bytes | None = None, files: bool = True) -> bytes:
    mapped = struct.pack("<5Q", 1, 4096, START, START + 0x2000, 0) + path.encode() + b"\0"
    vector = struct.pack("<6Q", core.AT_ENTRY, START + 0x1010, core.AT_EXECFN, STACK, 0, 0)
    process = bytes(40) + name.ljust(16, b"\0") + (b"./" + name + b" --port 80").ljust(80, b"\0")
    notes = (
        note(core.NT_PRPSINFO, process) + note(core.NT_AUXV, vector) + (note(core.NT_FILE, mapped) if files else b"")
    )
    page = (executable() if memory is None else memory).ljust(4096, b"\0")
    return elf(4, [(4, 0, notes), (1, START, page), (1, STACK, b"./server\0")])


def written(folder: Path, data: bytes, name: str = "core") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def test_what_a_core_says(tmp_path: Path) -> None:
    found = core.origin(written(tmp_path, a_core("/srv/bin/server (deleted)")))
    assert found == core.Origin(["/srv/bin/server", "./server", "server"], BUILD_ID)


def test_a_core_without_file_names(tmp_path: Path) -> None:
    """As QEMU writes it: the names that are left, and no build id to compare with."""
    found = core.origin(written(tmp_path, a_core("/srv/bin/server", files=False)))
    assert found == core.Origin(["./server", "server"], None)


def test_the_executable_is_the_one_with_the_build_id(tmp_path: Path) -> None:
    there = written(tmp_path, executable(), "bin/server")
    path = written(tmp_path, a_core(there))
    found = core.origin(path)
    assert core.find_executable(path, found) == there
    assert core.find_executable(path, found, given=there) == there
    for other in (executable("ffff000011112222"), executable(None)):
        written(tmp_path, other, "bin/server")
        with pytest.raises(TlsError, match=BUILD_ID):
            core.find_executable(path, found)
        beside = written(tmp_path, executable(), "server")
        assert core.find_executable(path, found) == beside
        Path(beside).unlink()
    below = written(tmp_path, executable(), f"root/{there}")
    assert core.find_executable(path, found, sysroot=str(tmp_path / "root")) == below


def test_a_core_that_does_not_say_what_wrote_it(tmp_path: Path) -> None:
    """That its program is not on this machine is not known then."""
    path = written(tmp_path, a_core(written(tmp_path, executable(), "bin/server")))
    for build_id in (None, "", "ab12"):
        with pytest.raises(TlsError, match="does not say what its program is called") as raised:
            core.find_executable(path, core.Origin([], build_id))
        assert "not on this machine" not in str(raised.value)
        assert ("build id, ab12" in str(raised.value)) is (build_id == "ab12")


def test_a_program_that_had_no_build_id(tmp_path: Path) -> None:
    there = written(tmp_path, executable(None), "server")
    path = written(tmp_path, a_core(there, memory=executable(None)))
    assert core.origin(path).build_id == ""
    assert core.find_executable(path, core.origin(path)) == there
    written(tmp_path, executable(), "server")
    with pytest.raises(TlsError, match="without a build id"):
        core.find_executable(path, core.origin(path))


@pytest.mark.parametrize("memory", [b"", b"\x7fELF", b"garbage" * 100])
def test_a_first_page_that_is_not_there(memory: bytes, tmp_path: Path) -> None:
    """Then any executable of the name will do: GDB compares what it can."""
    there = written(tmp_path, executable(), "server")
    path = written(tmp_path, a_core(there, memory=memory))
    assert core.origin(path).build_id is None
    assert core.find_executable(path, core.origin(path)) == there


def test_damaged_cores_are_a_sentence(tmp_path: Path) -> None:
    whole = a_core("/srv/bin/server")
    for size in range(0, len(whole), 7):
        path = written(tmp_path, whole[:size], "cut")
        try:
            core.find_executable(path, core.origin(path))
        except TlsError as error:
            assert str(error)
    for at in range(64, 600):
        path = written(tmp_path, whole[:at] + b"\xff" + whole[at + 1 :], "bad")
        try:
            core.find_executable(path, core.origin(path))
        except TlsError as error:
            assert str(error)


# The core and its executable among the words


def seen(*words: str) -> tuple[str, str, str | None, list[str]]:
    """The way, what it looks at, the executable, and the variable's name."""
    wanted = arguments.parse(words)
    return wanted.way.name, wanted.subject, wanted.own.exe, wanted.own.name


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a core and other things, in which the commands are typed."""
    whole = a_core("/srv/bin/server")
    written(tmp_path, whole, "server.core")
    written(tmp_path, executable(), "server")
    written(tmp_path, b"text", "notes")
    for name, data in {
        "a.gz": gzip.compress(whole),
        "a.xz": lzma.compress(whole),
        "a.bz2": bz2.compress(whole),
    }.items():
        written(tmp_path, data, name)
    written(tmp_path, gzip.compress(executable()), "server.gz")
    written(tmp_path, gzip.compress(whole)[:12], "cut.gz")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_a_file_is(files: Path) -> None:
    found = {path.name: subject.kind_of(path.name) for path in files.iterdir()}
    assert found == {
        **dict.fromkeys(("server.core", "a.gz", "a.xz", "a.bz2"), subject.CORE),
        "cut.gz": subject.CORE,  # who says that it cannot be unpacked is who unpacks it
        "server": subject.PROGRAM,
        "server.gz": subject.OTHER,
        "notes": subject.OTHER,
        "folder": subject.FOLDER,
    }
    assert subject.kind_of("missing") == ""


def test_without_a_subcommand(files: Path) -> None:
    there = ("core", "server.core", None)
    assert seen("server.core") == (*there, [])
    assert seen("server.core", "buffer") == (*there, ["buffer"])
    assert seen("--format", "json", "server.core", "buffer", "--all") == (*there, ["buffer"])
    assert seen("a.xz", "buffer") == ("core", "a.xz", None, ["buffer"])
    assert seen("./server", "server.core", "buffer") == ("core", "server.core", "./server", ["buffer"])
    assert seen("server.core", "./server", "buffer") == ("core", "server.core", "./server", ["buffer"])
    assert seen("server.core", "server") == (*there, ["server"]), "which may be a variable"
    assert seen("server.core", "--exe", "server") == ("core", "server.core", "server", [])
    assert seen("core", "./server", "server.core") == ("core", "server.core", "./server", [])
    own = str(os.getpid())
    assert seen(own, "buffer") == ("pid", own, None, ["buffer"])
    assert seen("./server", own) == ("pid", own, "./server", [])


def test_a_number_that_is_a_file(files: Path) -> None:
    own = str(os.getpid())
    written(files, a_core("/srv/bin/server"), own)
    assert seen(own) == ("core", own, None, [])
    assert seen("pid", own) == ("pid", own, None, [])
    written(files, b"text", own)
    with pytest.raises(BadArgument, match=f"gdb-tls pid {own}"):
        arguments.parse([own])


def test_a_core_that_is_called_core(files: Path) -> None:
    """As the kernel calls it: the same word as the subcommand."""
    with pytest.raises(BadArgument, match="FILE"):
        arguments.parse(["core"])
    written(files, a_core("/srv/bin/server"), "core")
    assert seen("core") == ("core", "core", None, [])
    assert seen("core", "core", "buffer") == ("core", "core", None, ["buffer"])
    assert seen("core", "buffer") == ("core", "core", None, ["buffer"])
    assert seen("core", "server.core") == ("core", "server.core", None, [])
    assert seen("./server", "core") == ("core", "core", "./server", [])
    assert seen("core", "./missing")[1] == "./missing", "no other core is looked at instead"
    assert seen("core", "4242")[1] == "4242"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["notes"], "notes is no core dump"),
        (["folder"], "a folder"),
        (["server.gz"], "server.gz is no core dump"),
        (["server"], "gdb-tls run -- server"),
        (["server", "buffer"], "no core dump or process id of it follows"),
        (["./missing"], r"There is no file ./missing"),
        (["buffer", "server.core"], "gdb-tls server.core buffer"),
        (["crore"], "Did you mean gdb-tls core?"),
        (["99999999"], "There is no process 99999999, and no file"),
        (["./server", "server.core", "--exe", "other"], "named twice"),
    ],
)
def test_no_subject(words: list[str], said: str, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # where no coredumpctl is
    with pytest.raises(TlsError, match=said):
        arguments.parse(words)


def test_a_number_that_only_systemd_may_know(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = files / "bin" / "coredumpctl"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent))
    assert seen("99999999", "buffer") == ("core", "99999999", None, ["buffer"])
