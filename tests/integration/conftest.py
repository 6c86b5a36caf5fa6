"""Fixtures: the built programs, and live processes and cores of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.harness import Subject, build_programs, core_subject, live_subject
from integration.sessions import Answers

KINDS = ("live", "core")


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder with the built programs and libraries."""
    return build_programs()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test session have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


class Subjects:
    """Processes that nothing changes, and cores, each made once and shared by the tests."""

    def __init__(self, programs: Path, shared: Path, own: Path, stack: contextlib.ExitStack) -> None:
        self._programs = programs
        self._shared = shared
        self._own = own
        self._stack = stack
        self._made: dict[tuple[str, ...], Subject] = {}
        self._answers: dict[tuple[str, ...], Answers] = {}

    def get(self, program: str, kind: str, *options: str) -> Subject:
        """A "live", "core" or "gcore" (written by GDB) subject; `options` go to the program."""
        key = (program, kind, *options)
        if key not in self._made:
            name = "-".join(word.strip("-") for word in key)
            executable = self._programs / program
            if kind == "live":
                subject = self._stack.enter_context(live_subject(program, executable, self._own / name, options))
            else:
                by_kernel = False if kind == "gcore" else None
                subject = core_subject(program, executable, self._shared / "cores" / name, options, by_kernel=by_kernel)
            self._made[key] = subject
        return self._made[key]

    def answers(self, program: str, kind: str, *options: str) -> Answers:
        """What passive tls-inspect says of every variable of the program, without libthread_db."""
        key = (program, kind, *options)
        if key not in self._answers:
            subject = self.get(program, kind, *options)
            folder = self._own / ("answers-" + "-".join(word.strip("-") for word in key))
            # The library that was opened as ./librelative.so is found by GDB from its folder only.
            self._answers[key] = subject.answers(
                subject.truth.queries, folder, gdb_folder=self._programs, after=["info sharedlibrary"]
            )
        return self._answers[key]


@pytest.fixture(scope="session")
def subjects(programs: Path, shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subjects]:
    """Makes processes and cores when they are first asked for."""
    with contextlib.ExitStack() as stack:
        yield Subjects(programs, shared_folder, tmp_path_factory.mktemp("own"), stack)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Lets a test run on a live process and on a core."""
    return str(request.param)
