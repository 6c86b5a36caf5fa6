"""What pip makes of a checkout: a wheel and an sdist, built and installed without an index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*_cache", ".venv", ".git", "build", "dist", "*.egg-info")
# pip of the tools' .venv, which has the build backend's setuptools (requirements-dev.txt).
PIP = (sys.executable, "-m", "pip")
OFFLINE = ("--no-index", "--no-deps", "--quiet", "--disable-pip-version-check")


def run(*words: object, folder: Path, **more: str) -> str:
    done = subprocess.run(
        [*map(str, words)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the packages of `install.sh --deps`, and with what an older build has left."""
    folder = tmp_path_factory.mktemp("wheel") / "checkout"
    shutil.copytree(CHECKOUT, folder, ignore=LEFT_OUT, symlinks=True)
    stale = folder / "build" / "lib" / "gdb_tls" / "stale.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    output = checkout.parent / "wheels"
    run(*PIP, "wheel", *OFFLINE, "--no-build-isolation", "-w", output, checkout, folder=checkout.parent)
    (made,) = output.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(checkout: Path) -> Path:
    """Built by the hook that `python -m build` calls."""
    output = checkout.parent / "sdists"
    output.mkdir()
    code = f"import sys; sys.path.insert(0, 'scripts/packaging'); import backend; backend.build_sdist({str(output)!r})"
    run(sys.executable, "-c", code, folder=checkout)
    (made,) = output.iterdir()
    return made


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core of the demo's crash."""
    folder = tmp_path_factory.mktemp("demo")
    run(CHECKOUT / "scripts" / "demo" / "run", "--keep", folder, "--core-only", folder=folder)
    return folder / "server.core"


def check(command: Path, core: Path, folder: Path, **more: str) -> None:
    """The command finds the demo's bad variable and writes every format, in a GDB that knows nothing of its Python."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", **more}
    formats = {
        "json": "{",
        "html": "<!DOCTYPE html>",
        "svg": "<svg",
        "table": "server, core ",
    }
    for form, begin in formats.items():
        done = subprocess.run(
            [command, "core", core, "swoole_websocket_buffer", "--format", form],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout[: len(begin)]) == (1, begin), done.stdout + done.stderr
        if form == "json":
            assert json.loads(done.stdout)["summary"]["null"] == 5


def test_wheel_in_a_venv(wheel: Path, demo: Path, tmp_path: Path) -> None:
    """As pipx does, too. Nothing but gdb-tls is installed, and its command works all the same."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", folder=tmp_path)
    run(*PIP, "--python", tmp_path / "venv/bin/python", "install", *OFFLINE, wheel, folder=tmp_path)
    check(tmp_path / "venv/bin/gdb-tls", demo, tmp_path)
    assert (tmp_path / "venv/share/man/man1/gdb-tls.1").is_file()
    version = run(tmp_path / "venv/bin/gdb-tls", "--version", folder=tmp_path)
    assert version.split()[1] == wheel.name.split("-")[1]


def test_wheel_for_a_user(wheel: Path, demo: Path, tmp_path: Path) -> None:
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
    more = {"PYTHONUSERBASE": str(tmp_path / "user"), "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    run(*PIP, "--python", python, "install", "--user", *OFFLINE, wheel, folder=tmp_path, **more)
    check(tmp_path / "user/bin/gdb-tls", demo, tmp_path, **more)


def test_wheel_from_the_sdist_is_the_same(wheel: Path, sdist: Path, checkout: Path, tmp_path: Path) -> None:
    """There, no package is at hand and none is fetched: the sdist has the one file."""
    run(*PIP, "wheel", *OFFLINE, "--no-build-isolation", "-w", tmp_path / "wheels", sdist, folder=tmp_path)
    (again,) = (tmp_path / "wheels").iterdir()
    first, second = (
        {name: file.read(name) for name in file.namelist() if not name.endswith(("RECORD", "SOURCES.txt"))}
        for file in (zipfile.ZipFile(wheel), zipfile.ZipFile(again))
    )
    assert first == second
    assert "gdb_tls/stale.py" not in first
    run(checkout / "scripts" / "bundle", tmp_path / "gdb-tls.py", folder=tmp_path)
    assert first["gdb_tls/gdb-tls.py"] == (tmp_path / "gdb-tls.py").read_bytes()
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"gdb_tls.py", "install.sh", "requirements.txt", "scripts/test", "tests/install/test_wheel.py"} <= names
    assert not [name for name in names if name.startswith(("site/", ".", "build/")) or "__pycache__" in name]


def test_what_a_build_needs_is_pinned(checkout: Path, tmp_path: Path) -> None:
    """Without `install.sh --deps` pip is asked for the packages of requirements.txt, in their versions."""
    bare = tmp_path / "bare"
    shutil.copytree(checkout, bare, ignore=shutil.ignore_patterns("site"), symlinks=True)
    code = "import sys, json; sys.path.insert(0, 'scripts/packaging'); import backend; "
    code += "print('needs', json.dumps(backend.get_requires_for_build_wheel()))"
    (needs,) = (line for line in run(sys.executable, "-c", code, folder=bare).splitlines() if line.startswith("needs "))
    wanted = [line.split()[0] for line in (CHECKOUT / "requirements.txt").read_text().splitlines() if "==" in line]
    assert wanted and json.loads(needs[6:]) == wanted
