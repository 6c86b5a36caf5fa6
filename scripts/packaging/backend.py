"""The build backend (PEP 517): setuptools, and the one file for GDB in the wheel and the sdist.

GDB's Python is mostly another one than that which pip installs for, so what is installed beside gdb_tls does not help
there. The command gdb-tls hands GDB the one file, which has all it needs.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import one_file
from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 - the hooks that are not changed here
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

NAME = "gdb-tls.py"
# What pip unpacks from an sdist has the file already.
SHIPPED = one_file.ROOT / NAME
FOLDERS = ("docs", "gdb_tls", "scripts", "stubs", "tests")


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """Builds in a temporary folder: nothing of an earlier build gets in, and the checkout may be read-only."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings"
        settings.write_text(f"[build]\nbuild_base = {folder}/build\n[egg_info]\negg_base = {folder}\n")
        os.environ["DIST_EXTRA_CONFIG"] = str(settings)
        try:
            return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
        finally:
            del os.environ["DIST_EXTRA_CONFIG"]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """What the one file is made of, unless it or that is there."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_wanted()]


def get_requires_for_build_sdist(config_settings: Any = None) -> list[str]:
    """As for a wheel."""
    return [*build_meta.get_requires_for_build_sdist(config_settings), *_wanted()]


def _wanted() -> list[str]:
    if SHIPPED.exists() or one_file.site_of():
        return []
    return [f"{name}=={version}" for name, version in one_file.pinned()]


def _put(folder: Path) -> None:
    """Puts the one file into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if SHIPPED.exists():
        shutil.copyfile(SHIPPED, folder / NAME)
        return
    site = one_file.site_of()
    try:
        (folder / NAME).write_bytes(one_file.make([str(site)] if site else sys.path))
    except one_file.Problem as problem:
        raise SystemExit(f"gdb-tls: {problem}") from None


class BuildPy(build_py):
    """Puts the one file into the package."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            _put(Path(self.build_lib) / "gdb_tls")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        made = [] if self.editable_mode else [str(Path(self.build_lib) / "gdb_tls" / NAME)]
        return [*super().get_outputs(include_bytecode), *made]


class SourceDistribution(sdist):
    """Holds all of the checkout, and the one file."""

    def make_release_tree(self, base_dir: str, files: Sequence[str]) -> None:
        super().make_release_tree(base_dir, sorted({*files, *_checkout()}))
        _put(Path(base_dir))


def _checkout() -> Iterator[str]:
    tops = [path for path in one_file.ROOT.iterdir() if path.is_file() or path.name in FOLDERS]
    for path in (inner for top in tops for inner in (top, *top.rglob("*"))):
        name = path.relative_to(one_file.ROOT).as_posix()
        if path.is_file() and not re.search(r"(^|/)(\.|__pycache__/|core(\.|$))", name) and name != NAME:
            yield name
