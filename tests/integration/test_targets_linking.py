"""One program linked in every way, on glibc and musl, against its own truth."""

from __future__ import annotations

from pathlib import Path

import pytest
from integration.anywhere import NATIVE, Build
from integration.harness import Subject, core_subject, live_subject
from integration.truth import mismatches

BUILDS = pytest.mark.parametrize("build", NATIVE, ids=[build.name for build in NATIVE])


def check(build: Build, subject: Subject, folder: Path, **options: object) -> None:
    """Every variable in every thread, with the C library's name."""
    answers = subject.answers(build.queries, folder, **options)
    wrong = []
    for query in build.queries:
        wrong += mismatches(answers[query], subject.truth.of(query), kind=subject.kind)
        assert answers[query]["target"]["libc"] == ("musl" if "musl" in build.name else "glibc")
        # By the names that the user knows: musl's link map names the executable, too.
        assert not answers[query]["variable"]["module"]["path"].startswith("/proc/")
    assert wrong == []


@BUILDS
def test_live(build: Build, tmp_path: Path) -> None:
    with live_subject(build.name, build.executable(), tmp_path / "run") as subject:
        check(build, subject, tmp_path)


@BUILDS
@pytest.mark.parametrize("by_kernel", [None, False], ids=["kernel", "gcore"])
def test_core(build: Build, by_kernel: bool | None, tmp_path: Path) -> None:
    subject = core_subject(build.name, build.executable(), tmp_path / "run", (), by_kernel=by_kernel)
    check(build, subject, tmp_path)
