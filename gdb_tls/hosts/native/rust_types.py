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
# Cells that are there from the beginning to the end, by which their contents are changed; a RefCell counts who does.
OPEN_CELL = re.compile(r"core::cell::(?:\w+::)?(?:Cell|UnsafeCell|SyncUnsafeCell|RefCell|OnceCell)<")
BORROWED_CELL = re.compile(r"core::cell::(?:\w+::)?RefCell<")
IN_OPEN_CELL, BORROW = ("value", "inner"), "borrow"
OPTION = re.compile(r"core::option::Option<")
SOME, NONE = "Some", "None"
# Members that hold a state, and those of cells around it.
STATES, INNER = ("dtor_state", "state", "inner"), ("value", "inner")
# The states' names by what they mean; a value that is not in use yet is there if it is a constant.
UNINITIALISED = ("Initial", "Uninitialized", "None")
ALIVE = ("Alive", "Some")
DESTROYED = ("Destroyed", "RunningOrHasRun")
KNOWN = (*UNINITIALISED, *ALIVE, *DESTROYED)
DEEPEST = 8


def borrowed(count: int) -> str:
    """What a RefCell says of those who use its contents (library/core/src/cell.rs, BorrowFlag); empty for nobody."""
    if not count:
        return ""
    return " (borrowed mutably)" if count < 0 else f" (borrowed, {count} times)" if count > 1 else " (borrowed)"


def has_value(variant: str) -> bool | None:
    """Whether an Option of which the debugger knows the variant's name has a value."""
    return {SOME: True, NONE: False}.get(variant.rpartition("::")[2])


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
