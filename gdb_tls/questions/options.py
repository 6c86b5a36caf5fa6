"""Options that several commands share."""

from __future__ import annotations

from gdb_tls.program import resolve
from gdb_tls.questions.command import Option

FORMATS = ("table", "json", "csv", "html", "svg")

FORMAT = Option("--format", "How to write the answer", {"choices": FORMATS, "default": "table", "metavar": "FORMAT"})
OUTPUT = Option("--output", "Write the answer to FILE instead of the screen", {"metavar": "FILE"}, complete="files")
THREADS = Option(
    "--threads",
    "Look only at these threads, by their numbers in GDB, such as 1,3-5",
    {"metavar": "LIST"},
    complete="threads",
)
MODULE = Option(
    "--module",
    "Look only in modules whose file name matches PATTERN (a glob), or in the one with this id",
    {"metavar": "PATTERN"},
    complete="modules",
)
VIA = Option("--via", "How to find the variable in a thread", {"choices": resolve.NAMES, "metavar": "RESOLVER"})
ALL_INFERIORS = Option("--all-inferiors", "Look at every inferior, not only the selected one", {"action": "store_true"})
COPIES = Option(
    "--copies",
    "Also show the definitions that no code is bound to, as the loader chose another one",
    {"action": "store_true"},
)
ALL_THREADS = Option("--all", "Show every thread, however many there are", {"action": "store_true"})
