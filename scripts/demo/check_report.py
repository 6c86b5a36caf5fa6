#!/usr/bin/env python3
"""Checks what tls-inspect said about the demo's server against what the server said about itself.

Usage: check_report.py KIND REPORT READY_FILE

KIND is "live" or "core", REPORT the JSON that tls-inspect wrote, READY_FILE the file "PORT PID" that the
server wrote. Prints nothing and exits 0 if the report is right, otherwise prints one sentence and exits 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

WORKERS = 5


def problem(report: dict[str, Any], kind: str, main_thread: int) -> str | None:
    """Returns what is wrong with the report, None if nothing is.

    Args:
        report: the parsed JSON.
        kind: the kind of target that was inspected, "live" or "core".
        main_thread: the LWP of the server's main thread, the only one with a buffer.
    """
    if report["schema"] != "gdb-tls/inspect/1":
        return f"the report has the schema {report['schema']}, not gdb-tls/inspect/1"
    if report["target"]["kind"] != kind:
        return f"the report is of kind {report['target']['kind']}, not {kind}"
    threads = report["threads"]
    if len(threads) != WORKERS + 1:
        return f"the report has {len(threads)} threads, not {WORKERS + 1}"
    for thread in threads:
        expected = "set" if thread["lwp"] == main_thread else "null"
        if thread["state"] != expected:
            return f"LWP {thread['lwp']} is {thread['state']}, not {expected}"
        if (thread["value"] == "0x0") != (expected == "null"):
            return f"LWP {thread['lwp']} is {thread['state']} but its value is {thread['value']}"
    if main_thread not in [thread["lwp"] for thread in threads]:
        return f"the main thread, LWP {main_thread}, is not in the report"
    counts = report["summary"]["set"], report["summary"]["null"]
    if counts != (1, WORKERS):
        return f"the summary counts {counts[0]} set and {counts[1]} null threads, not 1 and {WORKERS}"
    return None


def main() -> int:
    kind, report_file, ready_file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    try:
        report = json.loads(report_file.read_text(encoding="utf-8"))
        found = problem(report, kind, main_thread=int(ready_file.read_text().split()[1]))
    except OSError as error:
        found = f"there is no report ({error.strerror}: {error.filename})"
    except (ValueError, KeyError, TypeError, IndexError) as error:
        found = f"the report is not of the expected form ({type(error).__name__}: {error})"
    if found is not None:
        print(found)
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main())
