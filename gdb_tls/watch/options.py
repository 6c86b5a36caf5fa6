"""Durations and addresses, as they are typed."""

from __future__ import annotations

import re

from gdb_tls.errors import BadArgument
from gdb_tls.tuples import NamedTuple

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
SHORTEST = 0.01
LONGEST = 366 * UNITS["d"]
LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65535


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def duration(text: str, option: str) -> float:
    """Seconds of `500ms`, `1s`, `5m`, `1h` or `1d`.

    Raises:
        BadArgument: where it is none, or too short or too long to make sense.
    """
    match = DURATION.fullmatch(text)
    if match is None:
        raise BadArgument(
            f"{option} {text} is no duration", "Write a number and ms, s, m, h or d, such as 500ms or 1h."
        )
    seconds = float(match[1]) * UNITS[match[2]]
    if not SHORTEST <= seconds <= LONGEST:
        raise BadArgument(f"{option} {text} is too {'short' if seconds < SHORTEST else 'long'}", "Use 10ms to 366d.")
    return seconds


def address(text: str) -> Address:
    """Where to listen: `ADDRESS:PORT`; on the loopback interface where only a port is given.

    Raises:
        BadArgument: where it is none.
    """
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > HIGHEST_PORT or (":" in host and not bracketed):
        raise BadArgument(
            f"--metrics {text} is no ADDRESS:PORT", "Write a port from 0 to 65535, such as 9100 or 0.0.0.0:9100."
        )
    return Address((host[1:-1] if bracketed else host) or LOOPBACK, int(port))
