"""What a name is that is no thread-local variable of an object file, in the words of an error."""

from __future__ import annotations

import re
from contextlib import suppress

import gdb

from gdb_tls.hosts.gdb.selection import setting
from gdb_tls.target.facts import LEFT_OUT, OtherName

EMULATED = (
    "It has no place in the blocks of thread-local storage: the program was built with -femulated-tls and keeps it in "
    "memory of its own (libgcc's emutls.c, LLVM's emutls.c)."
)


def what_is(name: str) -> OtherName | None:
    """See `DebugInformation.what_is`."""
    emulated = _emulated(name)
    if emulated:
        return OtherName(f"emulated thread-local storage ({emulated})", EMULATED, is_thread_local=True)
    if name.startswith("'"):
        return LEFT_OUT if _is_left_out_of(name) else None
    same = OtherName("a global variable", f"Use `print {name}`; every thread sees the same one.")
    found = None
    with suppress(gdb.error):
        found = gdb.lookup_global_symbol(name) or next(iter(gdb.lookup_static_symbols(name)), None)
    if found is not None:
        if found.is_function:
            return OtherName("a function", f"Use `print {name}`; every thread sees the same one.")
        if found.addr_class == gdb.SYMBOL_LOC_TYPEDEF:
            # A namespace, a Rust module and the like are types to GDB; nobody means one who asks for a variable.
            kind = found.type
            return OtherName("a type", f"Use `ptype {name}`.") if kind is not None and kind.sizeof else None
        if found.addr_class == gdb.SYMBOL_LOC_OPTIMIZED_OUT:
            return LEFT_OUT
        if found.addr_class == gdb.SYMBOL_LOC_CONST:
            return OtherName("a constant", f"Use `print {name}`.")
        return same if found.addr_class == gdb.SYMBOL_LOC_STATIC else None
    with suppress(gdb.error, RuntimeError):
        # What the selected frame means by the name is no global variable.  Of `::` and the like GDB 13 dies.
        here = gdb.lookup_symbol(name)[0] if name.isidentifier() else None
        if here is not None:
            is_own = here.is_argument or here.needs_frame
            what = "a local variable of the selected frame's function"
            return OtherName(what, f"Use `print {name}`.") if is_own else None
    # Without debug information only the symbol table knows it.
    with suppress(gdb.error), setting("language", "c"):
        kind_text = str(gdb.parse_and_eval(f"&'{name}'").type)
        if "thread local" not in kind_text and "tls" not in kind_text:
            is_function = "text variable" in kind_text or "(" in kind_text
            return same._replace(what="a function") if is_function else same
    return None


def _is_left_out_of(name: str) -> bool:
    """Whether a variable of a source file is known but optimised out: GDB's index has none of these, only the file."""
    if not re.fullmatch(r"'[\w./+-]*\w\.\w+'::\w+", name):
        return False  # of odd names GDB dies
    with suppress(gdb.error, RuntimeError):
        return gdb.parse_and_eval(name).is_optimized_out
    return False


def _emulated(name: str) -> str:
    """The control variable that compilers make of an emulated thread-local variable; empty for none."""
    control = f"__emutls_v.{name}"
    with suppress(gdb.error):
        gdb.parse_and_eval(f"&'{control}'")
        return control
    return ""
