"""How Rust's std::thread_local! keeps a value, and what says whether it is there: by the names of its types.

The layouts are those of library/std/src/sys/thread_local/native/{lazy,eager}.rs and, before Rust 1.79, of
library/std/src/thread/local.rs and sys/common/thread_local/fast_local.rs; offsets and states are taken from the debug
information of the program, so that other layouts of the same names are read rightly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LAZY = re.compile(r"^std::(\w+::)*lazy::Storage<")
EAGER = re.compile(r"^std::(\w+::)*eager::Storage<")
KEY = re.compile(r"^std::(\w+::)*(fast|fast_local)::Key<")
# A cell begins with its contents, however many others of std are around it.
CELL = re.compile(r"core::(cell::UnsafeCell|mem::(\w+::)?(MaybeUninit|ManuallyDrop|MaybeDangling))<")
IN_CELL = ("value", "__0")
# Members that hold a state, and those of cells around it.
STATES, INNER = ("dtor_state", "state", "inner"), ("value", "inner")
# The states' names by what they mean; a value that is not in use yet is there if it is a constant.
UNINITIALISED = ("Initial", "Uninitialized", "None")
ALIVE = ("Alive", "Some")
DESTROYED = ("Destroyed", "RunningOrHasRun")
KNOWN = (*UNINITIALISED, *ALIVE, *DESTROYED)
DEEPEST = 8


def meaning(words: Iterable[str], kind: str) -> str:
    """What the names of a value's states mean.

    Args:
        words: the names.
        kind: see `Storage`.

    Returns:
        "uninitialised", "alive", "destroyed", or nothing where that is not known.
    """
    said = set(words)
    if said & {*DESTROYED}:
        return "destroyed"
    if said & {*ALIVE}:
        return "alive"
    if said & {*UNINITIALISED}:
        return "alive" if kind == "eager" else "uninitialised"
    return ""
