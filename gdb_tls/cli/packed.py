"""Cores that are packed away: compressed files, and what systemd keeps."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from gdb_tls.cli.core import BadCore
from gdb_tls.tuples import NamedTuple


class Unpacker(NamedTuple):
    """What reads one kind of compressed files.

    Attributes:
        tool: the command that unpacks a file to its standard output.
        opened: opens it in this Python; None where only the tool can.
    """

    tool: tuple[str, ...]
    opened: Callable[[str], Any] | None


# By how such files are named.
UNPACKERS = {
    ".gz": Unpacker(("gzip", "-dc"), gzip.open),
    ".xz": Unpacker(("xz", "-dc"), lzma.open),
    ".bz2": Unpacker(("bzip2", "-dc"), bz2.open),
    ".zst": Unpacker(("zstd", "-dcq"), None),
    ".lz4": Unpacker(("lz4", "-dcq"), None),
}


def head(path: str, packing: str, size: int) -> bytes | None:
    """The first bytes of what is in a compressed file; None where they cannot be had."""
    unpacker = UNPACKERS[packing]
    if unpacker.opened:
        try:
            with unpacker.opened(path) as source:
                return bytes(source.read(size))
        except (OSError, EOFError, lzma.LZMAError):
            return None
    if shutil.which(unpacker.tool[0]) is None:
        return None
    with subprocess.Popen([*unpacker.tool, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        found = process.stdout.read(size)
        process.kill()
    return found or None


def unpack(path: str, packing: str, folder: str) -> str:
    """Writes what is in a compressed core to a file in a folder: that file.

    Raises:
        BadCore: where that cannot be done; the hint has the command to do it by hand.
    """
    tool, opened = UNPACKERS[packing]
    by_hand = f"Decompress it yourself: {' '.join(tool)} {path} > core."
    output = os.path.join(folder, "unpacked")
    try:
        with open(output, "wb") as file:
            if opened:
                with opened(path) as source:
                    shutil.copyfileobj(source, file, 1 << 20)
                return output
            if shutil.which(tool[0]) is None:
                raise BadCore(f"{path} is compressed, and {tool[0]} is not here", by_hand)
            done = subprocess.run([*tool, path], stdout=file, stderr=subprocess.PIPE, check=False)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BadCore(f"{path} cannot be decompressed ({error})", by_hand) from error
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip() or f"{tool[0]} failed"
        raise BadCore(f"{path} cannot be decompressed ({words})", by_hand)
    return output


def dump(pid: str, folder: str) -> str:
    """Has systemd write the last core of a process to a file in a folder: that file.

    Raises:
        BadCore: where it has none.
    """
    if shutil.which("coredumpctl") is None:
        raise BadCore(
            f"There is no file {pid}, and no coredumpctl that may know a process {pid}", "Name the core dump's file."
        )
    output = os.path.join(folder, "core")
    command = ["coredumpctl", "--no-pager", f"--output={output}", "dump", pid]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode or not os.path.exists(output) or not os.path.getsize(output):
        words = " ".join(done.stderr.decode(errors="replace").split()) or "it wrote nothing"
        raise BadCore(
            f"coredumpctl has no core of process {pid} ({words})", "Type `coredumpctl list` for those that it has."
        )
    return output
