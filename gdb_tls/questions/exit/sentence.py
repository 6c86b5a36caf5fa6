"""A thread's end in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from gdb_tls.program.names import without_parameters
from gdb_tls.questions.access.sentence import brief
from gdb_tls.questions.exit.answer import Answer, Step, ThreadExit
from gdb_tls.views.drawing import NAMELESS
from gdb_tls.views.words import alike, count


def function_text(step: Step) -> str:
    """The destructor's name, or where it is."""
    if step.function is None:
        return "?"
    return brief(without_parameters(step.name)).replace(NAMELESS, "") or f"0x{step.function:x}"


def where_text(step: Step) -> str:
    """The file that the destructor is in, or why it cannot run."""
    return "no code there any more" if step.is_gone else step.file or "not known" * bool(step.problem)


def argument_text(step: Step) -> str:
    """The object, by the variable's name where it lies in one."""
    address = f"0x{step.argument:x}"
    if step.variable is not None:
        offset = f"+0x{step.inside:x}" if step.inside else ""
        name, module = f"{step.variable.name}{offset}", step.variable.module.name
        # Most destructors are in the file that has their object, which stands beside it.
        return name if step.file == module and not step.is_gone else f"{name} ({module})"
    if step.module is not None:
        return f"{step.module.name}+0x{step.inside:x}"
    return address


def cause_text(step: Step) -> str:
    """Why it runs."""
    if step.list_key is not None:
        return f"object, by key {step.list_key}"
    return "object" if step.key is None else f"key {step.key}"


def title(one: ThreadExit) -> str:
    """The thread's number, id and name."""
    thread = one.thread
    words = [f"Thread {thread.num if thread.num is not None else '-'}"]
    words += [", ".join(one.marks)] if one.marks else []
    words += [f"LWP {thread.lwp}"] if thread.lwp else []
    words += [thread.name] if thread.name else []
    words += [thread.life.value] if thread.life.value else []
    return "  ".join(words)


def others(one: ThreadExit) -> list[str]:
    """For which other threads it stands; nothing where it stands for itself."""
    what = "" if one.thread.exited else "with the same destructors" if one.steps else "without any"
    return [alike(one.alike, what)] if one.alike else []


def rest(answer: Answer) -> list[str]:
    """What is not shown of many threads, and what that leaves open."""
    found = []
    if answer.left_out:
        found.append(f"Not shown: {count(answer.left_out, 'thread')} with other destructors.")
    if answer.left_out or any(one.alike for one in answer.threads):
        found.append("Threads with the same destructors are shown once; tls-exit NUMBER shows one, --all each.")
    if answer.has_unseen:
        found.append("Only the stacks of the threads that are shown were looked at: others may be ending already.")
    return found


def sentences(one: ThreadExit) -> Iterator[str]:
    """What will run, the most important first."""
    who = f"Thread {one.thread.num}" if one.thread.num is not None else "This thread"
    gone = [step for step in one.steps if step.is_gone]
    for step in gone:
        what = "an object" if step.variable is None else step.variable.name
        what = f"the destructor of {what if step.key is None else f'key {step.key}'}"
        yield (
            f"{who} would crash if it ended now: {what} is at 0x{step.function or 0:x}, where no code is any more "
            "(most likely its library was unloaded)."
        )
    listed = sum(step.list_key is not None for step in one.steps)
    objects = sum(step.key is None for step in one.steps) - listed
    unknown = sum(step.key is not None and step.function is None for step in one.steps)
    keys = len(one.steps) - objects - listed - unknown
    if one.stage:
        what = "thread_local objects" if one.stage == "objects" else "pthread keys"
        now = f", in {one.running} now" if one.running else ""
        yield f"{who} is ending: it runs the destructors of {what}{now}."
    if one.thread.exited:
        yield f"{who} has ended: its destructors have run, unless it left them out (the exit system call)."
    elif one.is_unknown:
        yield f"What will run when {_lower(who)} ends is not known."
    elif not one.steps:
        when = "after that" if one.stage else f"when {_lower(who)} ends"
        yield f"No {'other ' * bool(one.stage)}destructor will run {when}{_as_far(one)}."
    else:
        parts = [f"{count(objects, 'destructor')} of thread_local objects"] if objects else []
        parts += [f"{count(keys, 'destructor')} of pthread keys"] if keys else []
        parts += [f"the destructors, if any, of {count(unknown, 'pthread key')} with values"] if unknown else []
        which = "which" if keys + unknown == 1 else "one of which"
        parts[-1] += f" ({which} destroys {count(listed, 'thread_local object')})" if listed else ""
        when = "After that" if one.stage else f"When {_lower(who)} ends"
        yield f"{when}, {', then '.join(parts)} will run{_as_far(one)}."
    if one.is_main and one.steps and not one.thread.exited:
        first = "run none of them"
        if objects or listed:
            first = f"run the objects' destructors{', then' if objects else ' among'} what atexit was given"
        yield (
            f"It is the main thread: the return from main, and exit(), {first}; those of keys run only where it ends "
            "by pthread_exit."
        )
    for problem in one.problems:
        yield f"Not all is known: {problem}."


def _lower(who: str) -> str:
    return who[0].lower() + who[1:]


def _as_far(one: ThreadExit) -> str:
    return ", as far as is known" if one.problems else ""
