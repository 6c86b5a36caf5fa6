"""A report in plain words: what the pattern of states over the threads means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from gdb_tls.program.instances import Instances
from gdb_tls.program.lookup import Found
from gdb_tls.program.report import Report
from gdb_tls.questions.audit.one import Judgement
from gdb_tls.questions.audit.rules import ONCE
from gdb_tls.questions.inspect.answer import Several
from gdb_tls.target.model import Flag, Life, State, Thread
from gdb_tls.views.words import count, ended, numbers, share, who

# What is said of threads that the debugger does not list.
LIVES = {
    Flag.BEING_CREATED: "being created: the kernel has not made {} yet",
    Flag.NOT_ATTACHED: "not attached: GDB does not list {}",
    Flag.CHANGING: "changing: the process goes on, and no two looks at {} have agreed",
}

# Objects that have no value, or whose bytes are none.
WITHOUT_VALUE = {
    State.NO_VALUE: "No value",
    State.NOT_CONSTRUCTED: "Not constructed",
    State.DESTROYED: "Destroyed",
}


# What differs in the address only (gdb_tls.program.value).
NO_PAGE = re.compile(r"the page at 0x[0-9a-f]+ is not in the core")
NOT_OWN = ": it is not each thread's own"
# What the audit's rules find that the states alone do not tell.
# Of threads "most" are so many times as many as the others.
MOSTLY = 3
ADDED = ("explains-fault", "other-stack", "other-block")


def verdict(report: Report, judgement: Judgement | None = None) -> list[str]:
    """Sentences for the end of the report, the most important first; by the audit's rules where these were asked."""
    rows = report.instances
    sentences = [report.caution] if report.caution else []
    sentences += [*_null(report, rows), *_gaps(report, rows), *_flags(rows, judgement)]
    added = [one for one in judgement.findings if one.rule in ADDED] if judgement else []
    sentences += [one.sentence for one in added]
    if any(one.rule == "explains-fault" for one in added):
        sentences.append("Whether that is why: tls-audit")
    if not sentences:
        everything = range(len(rows))
        sentences.append(_count("Set", report, everything) if everything else "There is no thread to look at.")
    return sentences + _guests(rows) + _namesakes(report.found)


def _guests(rows: Instances) -> list[str]:
    """Threads that have no thread-local storage of their own, as the kernel's workers of io_uring: whose they use."""
    hosts: dict[int, Thread] = {}
    guests: dict[int, list[Thread]] = {}
    for thread in rows.threads:
        pointer = thread.thread_pointer
        if pointer is not None and hosts.setdefault(pointer, thread) is not thread:
            guests.setdefault(pointer, []).append(thread)
    sentences = []
    for pointer, found in guests.items():
        uses, has = ("uses", "it has") if len(found) == 1 else ("use", "they have")
        host = hosts[pointer]
        whose = f"thread {host.num}" if host.num is not None else "an ended thread"
        sentences.append(f"{who(found, capital=True)} {uses} the blocks of {whose}: {has} the same thread pointer.")
    return sentences


def several(answer: Several) -> str:
    """How many variables a pattern matches, and how many of them are shown."""
    if answer.with_copies:
        copies = answer.matched - 1
        return f"One variable, and {'a copy' if copies == 1 else f'{copies:,} copies'} of it that no code is bound to."
    all_of_them = f"{count(answer.matched, 'variable')} match {answer.pattern}"
    if len(answer.parts) == answer.matched:
        return f"{all_of_them}."
    return (
        f"{all_of_them}; the first {len(answer.parts)} are shown, --all shows all, tls-map shows them in one picture."
    )


def _namesakes(found: Found | None) -> list[str]:
    """What else is called so, with what to type for it."""
    if found is None:
        return []
    sentences = []
    if found.left_out:
        number = len(found.left_out) + found.more[0]
        others = "another variable" if number == 1 else f"{number:,} other variables"
        sentences.append(f"Not shown: {others} of that name: {_listed(found.left_out, found.more[0])}.")
    if found.copies:
        copies = "is a copy" if len(found.copies) == 1 else "are copies"
        sentences.append(
            f"There {copies} that no code is bound to, as the loader chose this one: "
            f"{_listed(found.copies, found.more[1])}. "
            f"--copies shows {'it' if len(found.copies) == 1 else 'them'}."
        )
    if found.used_instead:
        sentences.append(f"No code is bound to this copy: the loader chose {found.used_instead} instead.")
    return sentences


def _listed(names: Sequence[str], more: int) -> str:
    return ", ".join(names) + (f", and {more:,} more" if more else "")


def _in_state(rows: Instances, state: State) -> list[int]:
    """The positions of the instances in a state."""
    return sorted(index for said, members in rows.groups if said.state is state for index in members)


def _with_flag(rows: Instances, flag: Flag) -> list[int]:
    """The positions of the instances with a flag."""
    return sorted(index for said, members in rows.groups if flag in said.flags for index in members)


def _null(report: Report, rows: Instances) -> list[str]:
    null = _in_state(rows, State.NULL)
    if not null:
        return []
    sentences = [_count("NULL", report, null)]
    have = _in_state(rows, State.SET)
    only = "Of these, set only in" if report.is_part else "Set only in"
    if _in_state(rows, State.UNREADABLE) or _in_state(rows, State.UNRESOLVED):
        only = "Of those that could be read, set only in"
    if not have and len(null) == len(rows):
        none = "None of them" if report.is_part else "No thread"
        sentences.append(f"{none} has it set: it was not initialised there, or it was set back to null.")
    elif len(have) == 1 and _is_main(rows.threads[have[0]], report):
        sentences.append(f"{only} the main thread: {ONCE}.")
    elif len(have) == 1:
        sentences.append(f"{only} {_who(rows, have)}: the others have not set it, or have set it back to null.")
    elif have and len(null) == 1 and len(have) + 1 == len(rows) and _is_main(rows.threads[null[0]], report):
        others = "the others that were asked for" if report.is_part else "the other threads"
        sentences.append(f"Null only in the main thread: {others} have it set.")
    elif have and len(null) < len(have) and any(rows.threads[index].life is Life.LISTED for index in null):
        most = "Most" if MOSTLY * len(null) <= len(have) else "Other"
        what = "look for what the null ones have not run, or what has set it back"
        sentences.append(f"{most} threads have it set: {what}.")
    return sentences


def _gaps(report: Report, rows: Instances) -> list[str]:
    sentences = []
    module = report.variable.module
    touched = "used it" if module.emulated else f"touched {module.name}"
    place = "instance" if module.emulated else "block"
    untouched = _in_state(rows, State.UNALLOCATED)
    if untouched:
        if len(untouched) == len(rows):
            none = "None of them" if report.is_part else "No thread"
            sentences.append(f"{none} has {touched}, so no {place} exists yet.")
        else:
            they = "It has" if len(untouched) == 1 else "These have"
            sentences.append(f"{_count('Unallocated', report, untouched)} {they} not {touched} yet.")
        if report.starts_null:
            sentences.append(
                f"A new {place} would start null: code that reads it there before it is set finds a null pointer."
            )
    for state, words in WITHOUT_VALUE.items():
        some = _in_state(rows, state)
        if some:
            sentences.append(_count(words, report, some))
    for state, words in ((State.UNREADABLE, "Unreadable"), (State.UNRESOLVED, "Unresolved")):
        bad = _in_state(rows, state)
        if bad:
            sentences.append(_count(words, report, bad))
            reasons = Counter(rows.judgements[index].reason or "" for index in bad)
            if len(reasons) > 1 and all(NO_PAGE.fullmatch(reason) for reason in reasons):
                sentences.append("  these pages are not in the core")
                continue
            sentences += [f"  {reason}" for reason, _ in reasons.most_common(3)]
    have = rows.summary[State.SET.value]
    if sentences and have and not rows.summary[State.NULL.value]:
        sentences.append(f"Set in the other {have:,}." if have > 1 else "Set in the other one.")
    return sentences


def _flags(rows: Instances, judgement: Judgement | None) -> list[str]:
    sentences = []
    shared = _with_flag(rows, Flag.SHARED)
    if shared:
        objects = len({rows.contents[index] for index in shared})
        what = "share one object" if objects == 1 else f"share {objects:,} objects"
        if len(shared) == 1:
            what = "shares its object with another thread"
        if any(Flag.DANGLING in rows.judgements[index].flags for index in shared):
            # What points nowhere is no object.
            held = "one pointer" if objects == 1 else f"{objects:,} pointers"
            what = f"hold {held} in common" if len(shared) > 1 else "holds the pointer of another thread, too"
        meant = judgement.why_shared if judgement and not judgement.has("shared") else ""
        sentences.append(f"{_who(rows, shared, capital=True)} {what}{f', {meant}' if meant else NOT_OWN}.")
    dangling = _with_flag(rows, Flag.DANGLING)
    if dangling and judgement and not judgement.has("dangling"):
        sentences.append(f"In {_who(rows, dangling)} it holds a mark, and no address.")
    elif dangling:
        sentences.append(f"Dangling in {_who(rows, dangling)}: it points to memory that is not mapped.")
    for flag, words in LIVES.items():
        some = len(_with_flag(rows, flag))
        if some:
            said = words.format("it" if some == 1 else "them")
            sentences.append(f"{count(some, 'thread')} {'is' if some == 1 else 'are'} {said}.")
    ended = _with_flag(rows, Flag.EXITED)
    if ended:
        words = "1 thread has" if len(ended) == 1 else f"{len(ended):,} threads have"
        sentences.append(f"{words} ended, and {'is' if len(ended) == 1 else 'are'} not joined yet.")
    return sentences


def _count(what: str, report: Report, some: Sequence[int]) -> str:
    rows = report.instances
    of = len(rows)
    asked = " that were asked for" if report.is_part else ""
    if len(some) == of == 1:
        return f"{what} in the one thread that was asked for." if report.is_part else f"{what} in the only thread."
    if len(some) == of:
        return f"{what} in both threads{asked}." if of == 2 else f"{what} in all {of:,} threads{asked}."
    which = numbers(rows.threads[index] for index in some)
    which = f": {which}" if which else ""
    return f"{what} in {len(some):,} of {of:,} threads{asked}{share(len(some), of)}{ended(which)}"


def _who(rows: Instances, some: Sequence[int], capital: bool = False) -> str:
    return who([rows.threads[index] for index in some], capital)


def _is_main(thread: Thread, report: Report) -> bool:
    # Linux: the main thread's LWP is the process id.
    return thread.lwp is not None and thread.lwp == report.target.pid
