"""The demo as a newcomer runs it: its end says what to try next, and that works."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from pathlib import Path

from integration.sessions import CHECKOUT
from limits import LIMIT_SECONDS, wait_until

DEMO = CHECKOUT / "scripts" / "demo" / "run"


def environment(home: Path) -> dict[str, str]:
    """Of somebody who has not installed anything; temporary files go to the home, where they are seen."""
    packages = os.pathsep.join(str(path) for path in (CHECKOUT / "site").glob("cpython-*"))
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": packages,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def shell(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )


def running(word: str) -> list[bytes]:
    """The command lines of this machine's processes that have the word in them."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(file.read_bytes())
    return [line for line in found if word.encode() in line]


def proposed(said: str) -> list[str]:
    """The commands that the demo's end proposes."""
    _, _, end = said.partition("What to try next\n")
    return [line.strip() for line in end.splitlines() if line.startswith("    ")]


def test_what_the_demo_proposes_works(tmp_path: Path) -> None:
    first = shell(shlex.quote(str(DEMO)), tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"
    keep, audit, own, process, gdb, *typed = proposed(first.stdout)
    kept = shell(keep, tmp_path)
    assert kept.returncode == 0, kept.stdout + kept.stderr
    assert proposed(kept.stdout) == [audit, own, process, gdb, *typed], "the kept crash is what it speaks of"
    answer = shell(audit, tmp_path)
    assert answer.returncode == 1, answer.stderr
    assert "swoole_websocket_buffer" in answer.stdout.splitlines()[1]
    core = shlex.split(audit)[-1]
    similar = shell(own.replace("./your-server core", f"{Path(core).parent}/server {core}"), tmp_path)
    assert similar.stdout == answer.stdout
    lines = " ".join(f"-ex {shlex.quote(line.removeprefix('(gdb) '))}" for line in typed)
    inside = shell(f"{gdb} --batch {lines}", tmp_path)
    assert "tls-whatis" in inside.stdout and "swoole_websocket_buffer" in inside.stdout, inside.stdout + inside.stderr
    with subprocess.Popen(["sleep", "infinity"]) as sleeper:
        try:
            assert shell(process.replace("PID", str(sleeper.pid)), tmp_path).returncode == 0
        finally:
            sleeper.kill()


def test_a_closed_pipe_leaves_nothing(tmp_path: Path) -> None:
    """`scripts/demo/run | head -n 3`: no server, no file."""
    done = shell(f"{shlex.quote(str(DEMO))} | head -n 3", tmp_path)
    assert "WebSocket server" in done.stdout
    assert list(tmp_path.iterdir()) == []
    wait_until(lambda: not running(str(tmp_path)), "the end of the server")
