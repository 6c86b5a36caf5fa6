"""Makes gdb-tls.py: gdb_tls and the packages it needs, in one Python file that imports them from its own text."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADER = Path(__file__).with_name("loader.py")
# Those with a native library for each are carried, by their names of `uname -m`.
MACHINES = ("aarch64", "x86_64")
# Not for a running program.
LEFT_OUT = (".h", ".pyi", ".pyc", ".typed")
# Pygments' languages, of which one is shown: they would be a quarter of the file, and Python reads all of it.
UNUSED = re.compile(r"pygments/lexers/(?!(__init__|_mapping|c_cpp)\.py)")
# What a first table waits for is carried as Python compiles it, too.
COMPILED = re.compile(r"(gdb_tls|rich)/.*\.py|pygments/(\w+|lexers/\w+)\.py")


class Problem(Exception):
    """The file cannot be made; the text is one sentence that says why and what to do."""


def make(places: Sequence[str], root: Path = ROOT) -> bytes:
    """Makes the file; the same input gives the same bytes (with the same zlib and Pythons).

    To import from source takes Python twenty times as long as what is compiled: for the Pythons that are here the file
    carries both.

    Native libraries are those of the machine that the packages were fetched for, and of all others in `other_machines`.

    Args:
        places: folders with the packages of requirements.txt, as pip installs them.
        root: the checkout.

    Raises:
        Problem: where a package is missing, is another version, or is not as its RECORD says.
    """
    entries = dict(_own(root))
    packages = [_package(places, name, version) for name, version in pinned(root)]
    licences = [("gdb-tls", (root / "LICENSE").read_text())]
    for (name, version), package in zip(pinned(root), packages):
        for path, data in _contents(package):
            if UNUSED.match(path):
                continue
            if path.endswith(".so"):
                entries[f"{path}@{_machine(package)}"] = data
            elif ".dist-info/" not in path:
                entries[path] = data
            elif re.search(r"(?i)/(licen[cs]e|copying|notice)[^/]*$", path):
                licences.append((f"{name} {version}", data.decode()))
        if has_library(package):
            for folder in other_machines(root).values():
                other = _package([str(folder)], name, version) if folder.is_dir() else package
                entries.update(
                    (f"{path}@{_machine(other)}", data) for path, data in _contents(other) if path[-3:] == ".so"
                )
    for python in _pythons():
        entries.update(_compiled(python, {name: data for name, data in entries.items() if COMPILED.fullmatch(name)}))
    contents = ", ".join(["gdb_tls", *map(" ".join, pinned(root))])
    return written(entries, licences, _version(root), contents)


def written(entries: Mapping[str, bytes], licences: Iterable[tuple[str, str]], version: str, contents: str) -> bytes:
    """The file's bytes.

    Args:
        entries: its files by name; NAME.so@MACHINE is a native library for what `uname -m` calls MACHINE.
        licences: (of what, text).
        version: of gdb-tls.
        contents: the packages in it, for people.
    """
    archive, places = "", {}
    for name in sorted(entries):
        places[name] = len(archive)
        archive += f"#: {name} {_packed(entries[name])}\n"
    # Counted from the end, so that whoever changes the first line breaks nothing.
    index = "#=" + "".join(f" {name} {len(archive) - place}" for name, place in places.items()) + "\n"
    archive += f"{index}#={len(index)}"
    head, tail = LOADER.read_text().split("\n_start()\n", 1)
    notices = "".join(f"\n\n# Licence of {name}:\n#\n{_comment(text)}" for name, text in licences)
    text = f"{head.rstrip()}{notices}\n\n\n_start()\n{tail}"
    return text.replace("@VERSION@", version).replace("@CONTENTS@", contents).replace("#: @ARCHIVE@", archive).encode()


def _pythons() -> list[str]:
    """This Python, and the machine's own, which its GDB most likely has."""
    own = [sys.executable, "/usr/bin/python3"]
    return sorted({os.path.realpath(python) for python in own if os.access(python, os.X_OK)})


def _compiled(python: str, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Modules as a Python compiles them, under the names that it looks for; nothing where it does not work.

    The compiled files hold hashes, not times, and nobody compares these with the source.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, data in sources.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        words = ["-q", "-s", folder, "-p", "/", "--invalidation-mode", "unchecked-hash", folder]
        # The order of a set's elements would be another one each time.
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
        done = subprocess.run([python, "-s", "-S", "-m", "compileall", *words], env=environment, capture_output=True)
        if done.returncode:
            return {}
        compiled = sorted(Path(folder).rglob("*.pyc"))
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in compiled}


def pinned(root: Path = ROOT) -> list[tuple[str, str]]:
    """The packages that requirements.txt names, with their versions."""
    return re.findall(r"^([\w.-]+)==([^\s;\\]+)", (root / "requirements.txt").read_text(), re.MULTILINE)


def site_of(root: Path = ROOT) -> Path | None:
    """What `install.sh --deps` has put beside gdb_tls.py, if it has: any Python's, as the packages are the same."""
    for site in sorted(root.glob("site/cpython-*")):
        if all(any(_found([str(site)], name)) for name, _ in pinned(root)):
            return site
    return None


def other_machines(root: Path = ROOT) -> dict[str, Path]:
    """Where the packages with native libraries lie that are for another machine than this one, by its `uname -m`."""
    return {machine: root / "site" / f"machine-{machine}" for machine in MACHINES if machine != os.uname().machine}


def with_libraries(site: Path, root: Path = ROOT) -> list[str]:
    """The packages in a folder that have a native library."""
    return [name for name, _ in pinned(root) for package in _found([str(site)], name) if has_library(package)]


def has_library(package: importlib.metadata.Distribution) -> bool:
    """Whether there is machine code in it."""
    return any(file.suffix == ".so" for file in package.files or ())


def _machine(package: importlib.metadata.Distribution) -> str:
    """What machine a wheel is for (its tag's end, PEP 600), as `uname -m` has it."""
    found = re.search(r"^Tag: .*linux[\d_]*_(\w+)$", package.read_text("WHEEL") or "", re.MULTILINE)
    if found is None:
        raise Problem(f"{package.metadata['Name']} has a native library, but does not say for which machine.")
    return found[1]


def _version(root: Path) -> str:
    found = re.search(r'^__version__ = "(.+)"', (root / "gdb_tls" / "__init__.py").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def _own(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in (root / "gdb_tls").rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not re.search(r"(^|/)(__pycache__/|\.)", name) and path.suffix not in LEFT_OUT:
            yield name, path.read_bytes()


def _found(places: Sequence[str], name: str) -> Iterator[importlib.metadata.Distribution]:
    wanted = re.sub(r"[-_.]+", "-", name).lower()
    for package in importlib.metadata.distributions(path=list(places)):
        if re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower() == wanted:
            yield package


def _package(places: Sequence[str], name: str, version: str) -> importlib.metadata.Distribution:
    package = next(_found(places, name), None)
    if package is None or package.version != version:
        there = f"{package.version} is there" if package else "it is not there"
        raise Problem(f"requirements.txt wants {name} {version}, but {there}. Run ./install.sh --deps first.")
    return package


def _contents(package: importlib.metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    """What a package has installed, as its RECORD lists it; commands and what Python makes itself excepted."""
    for file in package.files or ():
        if ".." in file.parts or file.parts[0] == "bin" or "__pycache__" in file.parts or file.suffix in LEFT_OUT:
            continue
        data = Path(str(file.locate())).read_bytes()
        if file.hash is not None:
            digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest()).rstrip(b"=").decode()
            if digest != file.hash.value:
                raise Problem(f"{file.locate()} is not as it was installed. Remove site/ and run ./install.sh --deps.")
        yield file.as_posix(), data


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _comment(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.strip().splitlines())
