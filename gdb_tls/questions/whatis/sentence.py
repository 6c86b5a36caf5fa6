"""What an address is, in plain words."""

from __future__ import annotations

from gdb_tls.questions.whatis.answer import OwnerKind, Whatis
from gdb_tls.target.model import Thread
from gdb_tls.views.parts import pointer
from gdb_tls.views.words import count


def sentence(found: Whatis) -> str:
    """What the address is, in plain words."""
    owner = found.owner
    whose = _whose(owner.thread) if owner.thread else ""
    if owner.kind is OwnerKind.VARIABLE and owner.variable and owner.part:
        beyond = f" + {count(owner.part.offset, 'byte')}" if owner.part.offset else ""
        gap = " (padding between its members)" if owner.part.padding else ""
        part = owner.part.path
        if part and owner.block is not None and found.address == owner.block + owner.variable.offset:
            part = f" (and its first part, {part})"
        return f"{owner.variable.name}{part}{beyond}{gap}, in {whose}."
    if owner.kind is OwnerKind.PADDING and owner.module:
        return f"in no variable of {owner.module.name}'s block in {whose}: padding, or a variable without a symbol."
    if owner.kind is OwnerKind.KEY_SLOT:
        return f"the slot of pthread key {owner.key}, in {whose}."
    if owner.kind is OwnerKind.KEY_TABLE:
        entry = f"the entry of key {owner.key}" if owner.key is not None else "an unused entry"
        return f"{entry} in the C library's table of pthread keys."
    if owner.kind is OwnerKind.CONTROL_BLOCK:
        field = f", in its field {owner.field}" if owner.field else ""
        return f"in the thread control block of {whose}{field}."
    if owner.kind is OwnerKind.DTV:
        entry = f": the entry of module {owner.module.id} ({owner.module.name})" if owner.module else ""
        return f"in the DTV of {whose}{entry}."
    if owner.kind is OwnerKind.STACK:
        is_below = owner.stack_pointer is not None and found.address < owner.stack_pointer
        return f"on the stack of {whose}{', below its stack pointer' if is_below else ''}."
    if owner.kind is OwnerKind.SYMBOL:
        return f"{owner.symbol}: not thread-local."
    if not found.address:
        return "a null pointer."
    return "mapped, but not thread-local." if owner.kind is OwnerKind.MAPPING else "not mapped."


def _whose(thread: Thread) -> str:
    if thread.num is None:
        return f"an ended thread (thread pointer {pointer(thread.thread_pointer)})"
    words = ", ".join([f"LWP {thread.lwp}"] * bool(thread.lwp) + [thread.name] * bool(thread.name))
    return f"thread {thread.num}" + (f" ({words})" if words else "")
