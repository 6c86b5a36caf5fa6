"""Debian's source packages, through the package client, into a folder of one's own: nothing of the system changes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SECONDS = 900
# Of the large packages, only what is looked at.
PACKAGES = {"gdb": ["*/gdb/testsuite/gdb.*"], "glibc": []}


def fetch(folder: Path) -> dict[str, Path]:
    """Package -> its unpacked source; what is there already is not fetched again.

    The package client checks the signatures and sums, as for any package.
    """
    found: dict[str, Path] = {}
    for package, wanted in PACKAGES.items():
        place = folder / "sources" / package
        if not (place / "complete").exists():
            _fetch(package, wanted, place, folder / "apt")
            (place / "complete").touch()
        found[package] = next(one for one in place.iterdir() if one.is_dir())
    return found


def _fetch(package: str, wanted: Sequence[str], place: Path, client: Path) -> None:
    print(f"fetching the source of {package} ...", file=sys.stderr, flush=True)
    place.mkdir(parents=True, exist_ok=True)
    options = _client(client)
    _run(["apt-get", *options, "source", "--download-only", package], place)
    archive = next((file for file in place.glob("*.orig.tar.*z*") if file.suffix != ".asc"), None)
    if archive is None:
        sys.exit(f"peer-suites: the source package of {package} brought no *.orig.tar.*")
    _run(["tar", "-xf", archive.name, *(["--wildcards", *wanted] if wanted else [])], place)


def _client(folder: Path) -> list[str]:
    """Options for apt-get: the machine's own sources, asked for source packages, with lists of their own."""
    sources, lists = folder / "sources.list.d", folder / "lists"
    options = [f"Dir::Etc::sourcelist={folder}/none", f"Dir::Etc::sourceparts={sources}", f"Dir::State::lists={lists}"]
    options += [f"Dir::Cache={folder}/cache", "APT::Sandbox::User=", "Acquire::Retries=3"]
    words = [word for option in options for word in ("-o", option)]
    if not sources.exists():
        for made in (sources, lists / "partial", folder / "cache" / "archives" / "partial"):
            made.mkdir(parents=True, exist_ok=True)
        for file in _configured():
            text = file.read_text(encoding="utf-8", errors="replace")
            (sources / file.name).write_text(for_sources(text), encoding="utf-8")
        _run(["apt-get", *words, "update"], folder)
    return words


def _configured() -> list[Path]:
    """The files in which this machine's package client has its sources."""
    said = _run(
        ["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"], Path("/")
    )
    places = dict(word.split("=", 1) for word in shlex.split(said))
    parts = Path(places.get("PARTS", "/nowhere"))
    return [
        file
        for file in [Path(places.get("LIST", "/nowhere")), *sorted(parts.glob("*"))]
        if file.is_file() and file.suffix in (".list", ".sources")
    ]


def for_sources(text: str) -> str:
    """A sources file that asks for source packages where it asked for binary ones (sources.list(5), both formats)."""
    text = re.sub(r"(?mi)^Types:.*$", "Types: deb-src", text)
    return re.sub(r"(?m)^deb(?=\s)", "deb-src", text)


def _run(command: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        sys.exit(f"peer-suites: {error}; this needs Debian's package client and its sources")
    if done.returncode:
        sys.exit(f"peer-suites: {shlex.join(command)} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout
