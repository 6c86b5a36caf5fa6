"""What readelf, which nobody here wrote, says of a file."""

from __future__ import annotations

import subprocess


def readelf(*words: object) -> str:
    return subprocess.run(
        ["readelf", *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    ).stdout
