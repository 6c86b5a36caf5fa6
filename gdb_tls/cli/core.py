"""Core dumps: what a core says of the program that wrote it, and getting at one that is packed away."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gdb_tls.elf.core_notes import NT_AUXV, NT_FILE, NT_PRPSINFO, build_id_at, mappings_in, pairs
from gdb_tls.elf.file import ElfFile, NotElf, open_elf
from gdb_tls.elf.headers import MAGIC
from gdb_tls.errors import MissingFile, TlsError
from gdb_tls.hosts.native.core_file import open_core
from gdb_tls.hosts.native.thread_notes import process_notes

# elf.h
AT_PHDR, AT_ENTRY, AT_EXECFN = 3, 9, 31

LONGEST_NAME = 4096
PROGRAM_NAME, PROGRAM_ARGUMENTS = 16, 80  # sizes of pr_fname and pr_psargs, the end of struct elf_prpsinfo


class BadCore(TlsError):
    """The file is no core dump that can be looked at."""


class Origin(NamedTuple):
    """What a core says of its program.

    Attributes:
        names: the executable's name, the most trustworthy first; they may be cut off or relative.
        build_id: the executable's, as it was in memory: empty where it had none, None where the core does not tell.
    """

    names: list[str]
    build_id: str | None


class Packing(NamedTuple):
    """A way in which cores are compressed.

    Attributes:
        magic: how such a file begins.
        suffix: how it is named.
        tool: the command that unpacks it to its standard output.
        opened: opens it in this Python; None where only the tool can.
    """

    magic: bytes
    suffix: str
    tool: tuple[str, ...]
    opened: Callable[[str], Any] | None


PACKINGS = (
    Packing(b"\x1f\x8b", ".gz", ("gzip", "-dc"), gzip.open),
    Packing(b"\xfd7zXZ\0", ".xz", ("xz", "-dc"), lzma.open),
    Packing(b"BZh", ".bz2", ("bzip2", "-dc"), bz2.open),
    Packing(b"\x28\xb5\x2f\xfd", ".zst", ("zstd", "-dcq"), None),
    Packing(b"\x04\x22\x4d\x18", ".lz4", ("lz4", "-dcq"), None),
)


# What people take for cores: how it begins, what it is, and what makes a core of it.
NO_CORES = (
    (b"MDMP", "a minidump, as Breakpad and Crashpad write them", "Breakpad's minidump-2-core makes a core of it."),
    (b"ProblemType:", "a report of apport", "`apport-unpack FILE DIR` writes its core, DIR/CoreDump."),
    (b"KDUMP   ", "a dump of the kernel", "gdb-tls looks at programs."),
    (b"makedumpfile", "a dump of the kernel", "gdb-tls looks at programs."),
    (b"", "empty", "See whether the disk was full, and `ulimit -c`."),
)


def no_core(path: str) -> BadCore:
    """What is wrong with a file that is no ELF file.

    Raises:
        MissingFile: where it cannot be read.
    """
    head = _head(path)
    for magic, what, hint in NO_CORES:
        if head.startswith(magic) if magic else not head:
            return BadCore(f"{path} is no core dump, it is {what}", hint)
    return BadCore(f"{path} is no core dump", "Linux writes cores as ELF files: see what `file` says of it.")


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(16)
    except OSError as error:
        raise MissingFile(f"{path} cannot be read ({error.strerror})", "") from error


def packing_of(path: str) -> Packing | None:
    """How a file is compressed; None where it is not.

    Raises:
        MissingFile: where it cannot be read.
    """
    head = _head(path)
    return next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)


def unpack(path: str, packing: Packing, output: str) -> None:
    """Writes what is in a compressed core to another file.

    Raises:
        BadCore: where that cannot be done; the hint has the command to do it by hand.
    """
    by_hand = f"Decompress it yourself: {' '.join(packing.tool)} {path} > core."
    try:
        with open(output, "wb") as file:
            if packing.opened:
                with packing.opened(path) as source:
                    shutil.copyfileobj(source, file, 1 << 20)
                return
            if shutil.which(packing.tool[0]) is None:
                raise BadCore(f"{path} is compressed, and {packing.tool[0]} is not here", by_hand)
            done = subprocess.run([*packing.tool, path], stdout=file, stderr=subprocess.PIPE, check=False)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BadCore(f"{path} cannot be decompressed ({error})", by_hand) from error
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip() or f"{packing.tool[0]} failed"
        raise BadCore(f"{path} cannot be decompressed ({words})", by_hand)


def dump(pid: str, output: str) -> None:
    """Has systemd write the last core of a process to a file.

    Raises:
        BadCore: where it has none.
    """
    if shutil.which("coredumpctl") is None:
        raise BadCore(
            f"There is no file {pid}, and no coredumpctl that may know a process {pid}", "Name the core dump's file."
        )
    command = ["coredumpctl", "--no-pager", f"--output={output}", "dump", pid]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode or not os.path.exists(output) or not os.path.getsize(output):
        words = " ".join(done.stderr.decode(errors="replace").split()) or "it wrote nothing"
        raise BadCore(
            f"coredumpctl has no core of process {pid} ({words})", "Type `coredumpctl list` for those that it has."
        )


def origin(path: str) -> Origin:
    """Reads what a core says of its program.

    Raises:
        BadCore: where it is none.
    """
    try:
        place = os.path.abspath(path)  # as the engine will open it: what is read of it is kept by its name
        core = open_elf(place)
        if not core.is_core:
            raise BadCore(
                f"{path} is no core dump, but another ELF file", "Name the core first; the executable goes after --exe."
            )
        notes = process_notes(place)
    except (NotElf, OSError) as error:
        if not _head(path).startswith(MAGIC):
            raise no_core(path) from error
        raise BadCore(f"{path} is no core dump that can be read ({error})", "") from error
    vector = dict(pair for kind, _, data in notes if kind == NT_AUXV for pair in pairs(core, data))
    mappings = [mapping for kind, _, data in notes if kind == NT_FILE for mapping in mappings_in(core, data)]
    inside = [one for key in (AT_ENTRY, AT_PHDR) for one in mappings if one.start <= vector.get(key, 0) < one.end]
    names = [one.path for one in inside[:1]]
    names += [name for name in [_string(core, vector.get(AT_EXECFN, 0))] if name]
    for kind, _, data in notes:
        if kind == NT_PRPSINFO and len(data) > PROGRAM_NAME + PROGRAM_ARGUMENTS:
            arguments = data[-PROGRAM_ARGUMENTS:].split(b"\0", 1)[0].split(b" ", 1)[0]
            name = data[-PROGRAM_ARGUMENTS - PROGRAM_NAME : -PROGRAM_ARGUMENTS].split(b"\0", 1)[0]
            names += [os.fsdecode(word) for word in (arguments, name) if word]
            break
    first = min((one.start for one in mappings if inside and one.path == inside[0].path), default=None)
    cleaned = [name.removesuffix(" (deleted)") for name in names]
    return Origin(list(dict.fromkeys(cleaned)), build_id_at(core, first) if first is not None else None)


def _string(core: ElfFile, address: int) -> str:
    """The zero-terminated string at an address; empty where the core does not have all of it."""
    file = open_core(core.path)
    segment = file.segment(address) if address else None
    held = min(segment.file_size - (address - segment.address), LONGEST_NAME) if segment else 0
    name, end, _ = (file.read(address, held) or b"").partition(b"\0")
    return os.fsdecode(name) if end else ""


def find_executable(path: str, found: Origin, sysroot: str | None = None, given: str | None = None) -> str:
    """The executable on this machine: a file with the core's build id, where the core has one.

    Args:
        path: the core; an executable that lies beside it is found too.
        found: what the core says.
        sysroot: a folder to look in first.
        given: the file that the user named, to be checked.

    Raises:
        MissingFile: where there is none, or where the one that is there is another build.
    """
    wanted = f"{found.names[0] if found.names else 'its program'}"
    if found.build_id is not None:
        wanted += f" (build id {found.build_id})" if found.build_id else " (without a build id)"
    others = []
    for candidate in [given] if given else _candidates(path, found.names, sysroot):
        try:
            build_id = open_elf(candidate).build_id
        except NotElf as error:
            if given:
                raise MissingFile(str(error), "Name the executable that wrote the core with --exe FILE.") from error
            continue
        if found.build_id is None or build_id == (found.build_id or None):
            return candidate
        others.append(f"{candidate} has {f'build id {build_id}' if build_id else 'none'}")
    if others:
        raise MissingFile(f"The core was written by {wanted}, but {others[0]}", "Name the right file with --exe FILE.")
    hint = "Name it with --exe FILE, or a copy of that machine's files with --sysroot DIR."
    raise MissingFile(f"The core was written by {wanted}, which is not on this machine", hint)


def _candidates(path: str, names: list[str], sysroot: str | None) -> Iterator[str]:
    for name in names:
        places = [os.path.join(sysroot, name.lstrip("/"))] if sysroot else []
        if os.path.isabs(name):
            places.append(name)
        places.append(os.path.join(os.path.dirname(os.path.abspath(path)), os.path.basename(name)))
        yield from (os.path.abspath(place) for place in places if os.path.isfile(place))
