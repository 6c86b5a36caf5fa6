"""An audit in plain words: what was not looked at, what looks wrong, and what to type next."""

from __future__ import annotations

from gdb_tls.questions.audit.answer import Answer, Audit
from gdb_tls.views.words import count, who

SHOWN_MODULES = 3
SHOWN_GAPS = 3


def verdict(answer: Answer) -> list[str]:
    """Sentences for the end, the most important first."""
    audit = answer.audit
    missing = _not_looked_at(audit)
    # What was not looked at comes before "nothing", but after what was found.
    sentences = [*_judgement(audit), *missing] if audit.alarming else [*missing, *_judgement(audit)]
    if audit.by_offset:
        names = _some([module.name for module in audit.by_offset])
        sentences.append(f"Stripped, so its variables are known by what code uses: {names}.")
    if not audit.is_answer:
        sentences.insert(0, _no_answer(audit))
    hints = len(audit.suspects) - len(audit.alarming)
    if hints and not answer.all:
        sentences.append(f"{count(hints, 'weak hint')} not shown: --all shows {'it' if hints == 1 else 'them'}.")
    if audit.ignored:
        sentences.append(f"Ignored, as asked: {_some(list(audit.ignored))}.")
    if audit.to_type:
        sentences.append(f"Every thread's value: tls-inspect {audit.to_type}")
    if audit.last_word and not refused_in(audit):
        sentences.append(audit.last_word)
    if audit.not_the_cause:
        sentences.insert(0, audit.not_the_cause)
    return sentences


def refused_in(audit: Audit) -> list[str]:
    """The libraries that were not loaded for want of static TLS."""
    return [one.name for one in audit.alarming if one.level == "not loaded"]


def _judgement(audit: Audit) -> list[str]:
    refused = refused_in(audit)
    bad = len(audit.alarming) - len(refused)
    looked = (
        f"{count(audit.variables, 'variable')} ({audit.pointers:,} of them pointers) of "
        f"{count(len({one.object for one in audit.modules}), 'module')} in {_threads(audit)}"
    )
    keys = sum(one.key is not None for one in audit.alarming)
    kinds = [count(bad - keys, "variable")] * (bad > keys or not keys) + [count(keys, "pthread key")] * bool(keys)
    looks = f"{' and '.join(kinds)} {'looks' if bad == 1 else 'look'} wrong"
    if audit.interrupted:
        return [f"Interrupted: {looks} so far.", f"Looked at {looked}."]
    if audit.cause is not None:
        return [f"The crash came from {audit.alarming[0].name}.", f"Looked at {looked}."]
    if refused:
        lacking = f"Not loaded for want of static TLS: {_some(refused)}."
        return [lacking, *([f"{looks}."] if bad else []), f"Looked at {looked}."]
    if bad:
        return [f"{looks}.", f"Looked at {looked}."]
    if not audit.variables:
        return ["No thread-local variable was looked at."]
    return [f"No thread-local variable looks wrong among the {looked} that were looked at."]


def _threads(audit: Audit) -> str:
    """In how many threads something was looked at."""
    everything = {one.object for one in audit.modules}
    blind = {at for gap in audit.gaps if {one.object for one in gap.modules} == everything for at in gap.threads}
    return count(len(audit.threads) - len(blind), "thread")


def _no_answer(audit: Audit) -> str:
    if audit.unread_crash is None:
        return "There is nothing to judge."
    return (
        f"The program crashed in {audit.unread_crash.name}, whose thread-local variables could not be looked at: "
        "whether one of them is to blame is not known."
    )


def _not_looked_at(audit: Audit) -> list[str]:
    sentences = []
    missing = [module for module in audit.modules if module.problem]
    if missing:
        names = _some([module.name for module in missing])
        sentences.append(f"Not looked at, as the right file is not here: {names} ({missing[0].problem}).")
    if audit.nameless:
        names = _some([module.name for module in audit.nameless])
        sentences.append(f"Not looked at, as it is stripped, and its code does not tell or is too large: {names}.")
    for gap in audit.gaps[:SHOWN_GAPS]:
        threads = [audit.threads[at] for at in gap.threads]
        where = "any thread" if len(threads) == len(audit.threads) > 1 else who(threads)
        files = list(dict.fromkeys(one.name for one in gap.modules))
        what = "" if len(gap.modules) == len(audit.modules) else f" of {_some(files)}"
        sentences.append(f"Not looked at{what} in {where}: {gap.reason}.")
    if len(audit.gaps) > SHOWN_GAPS:
        others = count(len(audit.gaps) - SHOWN_GAPS, "other reason")
        sentences.append(f"Not looked at in more places, for {others}; --format json lists them.")
    if audit.unread:
        name, why = audit.unread[0]
        more = f" and {len(audit.unread) - 1:,} more" if len(audit.unread) > 1 else ""
        sentences.append(f"Only partly looked at: {name}{more} ({why}).")
    return sentences


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_MODULES} more" if len(names) > SHOWN_MODULES else ""
    return ", ".join(names[:SHOWN_MODULES]) + more
