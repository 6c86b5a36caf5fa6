"""`tls-keys`'s answer: the table, the JSON document `gdb-tls/keys/1`, and one record a key and thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gdb_tls.questions.keys.answer import Answer, KeyReport, KeysReport, KeyState, KeyValue
from gdb_tls.questions.keys.storages import Storage, StoredValue
from gdb_tls.questions.keys.words import exhausted, named, stored_named, stored_sentences, stored_state
from gdb_tls.views.drawing import NAMELESS, Group, Renderable, Table, Text
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe
from gdb_tls.views.words import count, who, with_marks

WIDE = 100
STYLES = {
    KeyState.SET: "green",
    KeyState.NULL: "yellow",
    KeyState.UNSET: "dim",
    KeyState.STALE: "bold white on red",
    KeyState.UNREADABLE: "magenta",
}


def table(answer: Answer, screen: Screen) -> Renderable:
    """For each key its destructor, and a line for each value that some threads have."""
    report = answer.report
    lines = [(key, list(_groups(key, each=True))) for key in report.keys]
    shortened = answer.most is not None and sum(len(groups) for _, groups in lines) > answer.most
    if shortened:
        lines = [(key, list(_groups(key, each=False))) for key in report.keys]
    # Where there is little room, what tells one use of a number from the next one is left to the sentences.
    sequences = ["Seq"] if screen.columns >= WIDE else []
    headings = ("Key", *sequences, "Variable", "Destructor", "Thread", "State", "Value")
    rows = Table(*headings, right=("Key", "Seq"), whole=("Value",))
    for keys, groups in _folded(lines):
        key = keys[0]
        for index, group in enumerate(groups):
            told = [_numbers(keys), *[_sequence(key)] * len(sequences), named(key, report.names), destructor_text(key)]
            head = told if index == 0 else [""] * len(told)
            first = group[0]
            value = _value(group) if sequences else _value(group).partition(" (seq")[0]
            threads = with_marks([value.thread for value in group], answer.marked)
            rows.add_row(*map(_text, head), threads, Text(first.state.value, STYLES[first.state]), _text(value))
    parts: list[Renderable] = [rows, Text("")] if report.keys else []
    if shortened:
        parts.append(Text("Threads in one state share a line; --all shows each value, --format csv all.", "dim"))
    words = [safe(sentence).replace(NAMELESS, "") for sentence in sentences(report)]
    parts += [Text(sentence, "bold" if index == 0 else "") for index, sentence in enumerate(words)]
    return Group(*parts, *_stored_parts(answer))


def _stored_parts(answer: Answer) -> Iterator[Renderable]:
    """What libraries keep behind keys of their own, below the keys."""
    rows = Table("Class", "Index", "Variable", "Thread", "State", "Value", right=("Index",), whole=("Value",))
    lines = [(one, list(_stored_groups(one, each=True))) for one in answer.behind.storages]
    if answer.most is not None and sum(len(groups) for _, groups in lines) > answer.most:
        lines = [(one, list(_stored_groups(one, each=False))) for one in answer.behind.storages]
    for one, groups in lines:
        for index, group in enumerate(groups):
            state = stored_state(group[0])
            values = {value.value for value in group if value.value}
            text = group[0].reason or ", ".join(map(hex, values)) if len(values) < 2 else f"{len(values):,} values"
            told = [one.kind, "" if one.number is None else str(one.number), stored_named(one)]
            head = told if index == 0 else [""] * len(told)
            threads = with_marks([value.thread for value in group], answer.marked)
            rows.add_row(*map(_text, head), threads, Text(state.value, STYLES[state]), _text(text))
    if answer.behind.storages:
        yield from (Text(""), rows, Text(""))
    yield from (Text(safe(sentence).replace(NAMELESS, "")) for sentence in stored_sentences(answer.behind))


def _stored_groups(one: Storage, each: bool) -> Iterator[Sequence[StoredValue]]:
    found: dict[object, list[StoredValue]] = {}
    for value in one.values:
        found.setdefault((stored_state(value), value.reason, value.value if each else None), []).append(value)
    yield from found.values()


def _groups(key: KeyReport, each: bool) -> Iterator[Sequence[KeyValue]]:
    """The values that share a line: those alike or, where there are too many, those in one state."""
    found: dict[object, list[KeyValue]] = {}
    for value in key.values:
        shown = (value.value, value.sequence) if each and value.state in (KeyState.SET, KeyState.STALE) else None
        found.setdefault((value.state, value.reason, shown), []).append(value)
    yield from found.values()


def _folded(
    lines: Sequence[tuple[KeyReport, list[Sequence[KeyValue]]]],
) -> Iterator[tuple[list[KeyReport], list[Sequence[KeyValue]]]]:
    """Adjacent keys that nobody has set, with one destructor, share a line."""
    found: list[KeyReport] = []
    for index, (key, groups) in enumerate(lines):
        found.append(key)
        following = lines[index + 1][0] if index + 1 < len(lines) else None
        if following is None or not (_unused(key) and _unused(following)) or _alike(key) != _alike(following):
            yield found, groups
            found = []


def _unused(key: KeyReport) -> bool:
    return all(value.state is KeyState.UNSET for value in key.values)


def _alike(key: KeyReport) -> object:
    return key.destructor, key.sequence, key.in_use, key.variables


def _numbers(keys: Sequence[KeyReport]) -> str:
    first, last = keys[0].number, keys[-1].number
    return str(first) if first == last else f"{first}-{last}" if last - first == len(keys) - 1 else f"{first}..{last}"


def _text(text: str) -> Text:
    return Text(safe(text).replace(NAMELESS, ""))


def _sequence(key: KeyReport) -> str:
    return "-" if key.sequence is None else str(key.sequence)


def destructor_text(key: KeyReport) -> str:
    """The destructor's name and file, or where it is."""
    if key.destructor is None:
        return "?"
    name = key.destructor_name or f"0x{key.destructor:x}" if key.destructor else "none"
    words = name + (f" ({key.destructor_file})" if key.destructor_file else "")
    return words if key.in_use else f"deleted; {words}"


def _value(group: Sequence[KeyValue]) -> str:
    first = group[0]
    if first.reason:
        return first.reason
    if first.state is KeyState.STALE and len(group) == 1:
        return f"0x{first.value:x} (seq {first.sequence})"
    values = {value.value for value in group}
    if first.state is KeyState.UNSET or not first.value:
        return ""
    return f"0x{first.value:x}" if len(values) == 1 else f"{len(values):,} different values"


def sentences(report: KeysReport) -> list[str]:
    """The answer in plain words, the most important first."""
    used = [key for key in report.keys if key.in_use]
    found = []
    if report.problem:
        found.append(f"{report.problem[0].upper()}{report.problem[1:]}.")
        if report.keys:
            words = f"{count(len(report.keys), 'key')} with a value in some thread"
            found.append(f"{words}; whether they are in use is not known.")
    else:
        found.append(
            f"{count(len(used), 'key')} in use, in {count(report.threads, 'thread')}."
            if used
            else "No key of pthread_key_create is in use."
        )
    found += exhausted(report)
    if report.names.problem and report.keys:
        found.append(f"Which variables hold the keys is not known{_unless_all(report)}: {report.names.problem}.")
    for key in report.keys:
        stale = [value.thread for value in key.values if value.state is KeyState.STALE]
        if stale and key.in_use:
            found.append(
                f"Key {key.number} was deleted and created again: {_who(stale)} a value of the earlier key. "
                "pthread_getspecific gives null there, and no destructor will run for it."
            )
        elif stale or (key.in_use is False and any(value.value for value in key.values)):
            holders = [value.thread for value in key.values if value.value]
            found.append(f"Key {key.number} was deleted, but {_who(holders)} a value: no destructor will run for it.")
        shared = _shared(key)
        if shared:
            found.append(f"Key {key.number}: {who(shared)} have the same value.")
    return found


def _unless_all(report: KeysReport) -> str:
    return " of all" if report.names.variables else ""


def _who(threads: Sequence[Any]) -> str:
    return f"{who(threads)} still hold{'s' if len(threads) == 1 else ''}"


def _shared(key: KeyReport) -> list[Any]:
    own = [value for value in key.values if value.state is KeyState.SET]
    values = [value.value for value in own]
    return (
        [value.thread for value in own if values.count(value.value) > 1]
        if len(set(values)) < len(values) <= 1000
        else []
    )
