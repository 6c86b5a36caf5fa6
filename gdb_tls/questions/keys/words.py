"""Keys in words: what each is called, and who has taken all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gdb_tls.questions.keys.answer import KeyReport, KeysReport, KeyState
from gdb_tls.questions.keys.names import KeyNames, KeyVariable
from gdb_tls.questions.keys.qt_storage import QtStorage, QtStorages, QtValue
from gdb_tls.views.words import count

# glibc and musl: PTHREAD_KEYS_MAX (limits.h) is 1024 in the one, 128 in the other.
MOST_KEYS = {"glibc": 1024, "musl": 128}
MOST_NAMED = 2
MOST_GROUPS = 4


def named(key: KeyReport, names: KeyNames) -> str:
    """What holds the key's number, or else who creates keys like this one; empty where neither is known."""
    if key.variables:
        shown = ", ".join(map(called, key.variables[:MOST_NAMED]))
        more = len(key.variables) - MOST_NAMED
        files = {one.file for one in key.variables} - {""}
        where = f" ({files.pop()})" if len(files) == 1 and not key.variables[0].is_nameless else ""
        return shown + (f" and {more} more" if more > 0 else "") + where
    known = [
        one for one in names.creators if None in (key.destructor, one.destructor) or one.destructor == key.destructor
    ]
    if key.in_use is False or not known:
        return ""
    makers = list(dict.fromkeys(f"{one.function} ({one.file})" for one in known))
    others = f" and {len(makers) - MOST_NAMED} more" if len(makers) > MOST_NAMED else ""
    return f"perhaps created by {' or '.join(makers[:MOST_NAMED])}{others}"


def called(one: KeyVariable) -> str:
    """A variable; one without a symbol with a function that uses it."""
    return f"{one.name}, used by {one.functions[0]}" if one.is_nameless and one.functions else one.name


def exhausted(report: KeysReport) -> Iterator[str]:
    """That no key can be created any more, and who has taken them; nothing where some are left."""
    existing = [one for one in report.keys if one.in_use]
    most = MOST_KEYS.get(report.target.libc, 1024)
    if len(existing) < most:
        return
    without = sum(all(value.state is not KeyState.SET for value in one.values) for one in existing)
    yield (
        f"All {most:,} keys are in use, {without:,} of them without a value in any thread: "
        "pthread_key_create fails now. Are keys made that are never deleted?"
    )
    yield f"Who has them: {_groups(existing, report.names)}."


def _groups(existing: Sequence[KeyReport], names: KeyNames) -> str:
    groups = Counter(_group(one, names) for one in existing)
    shown = [f"{number:,} {what}" for what, number in groups.most_common(MOST_GROUPS)]
    left = sum(groups.values()) - sum(number for _, number in groups.most_common(MOST_GROUPS))
    return "; ".join([*shown, *([f"{count(left, 'other')}"] if left else [])])


def _group(key: KeyReport, names: KeyNames) -> str:
    if key.variables:
        files = sorted({one.file for one in key.variables if one.file})
        return f"in variables of {' and '.join(files)}" if files else "in variables"
    destructor = key.destructor_name or (f"0x{key.destructor:x}" if key.destructor else "")
    kind = f"with the destructor {destructor}" if destructor else "without a destructor"
    who = named(key, names)
    return f"{kind}, {who}" if who else kind


def qt_state(value: QtValue) -> KeyState:
    """What `QThreadStorage::hasLocalData` would say in a thread."""
    if value.value is None:
        return KeyState.UNREADABLE
    return KeyState.SET if value.value else KeyState.UNSET


def qt_named(one: QtStorage) -> str:
    """What holds an index of Qt's tables."""
    shown = " or ".join(map(called, one.variables[:MOST_NAMED]))
    more = len(one.variables) - MOST_NAMED
    return shown + (f" or {more} more" if more > 0 else "")


def qt_sentences(found: QtStorages) -> Iterator[str]:
    """What is to be known of Qt's tables, beside their values."""
    if found.problem:
        yield f"Not all is known of Qt's QThreadStorage: {found.problem}."
    if found.storages:
        yield f"{count(len(found.storages), 'QThreadStorage')} of Qt: each thread has one table for all of them."
    if any(not one.number and len(one.variables) > 1 for one in found.storages):
        yield "A QThreadStorage that is not constructed yet holds the index 0, too."
