"""Emulated thread-local storage in code: calls of `__emutls_get_address` with a control variable.

libgcc/emutls.c and LLVM's compiler-rt/lib/builtins/emutls.c: `void *__emutls_get_address (struct __emutls_object *)`
gives the running thread's instance of the variable `NAME` whose control variable, `__emutls_v.NAME`, it gets.
"""

from __future__ import annotations

from gdb_tls.code.values import Either, Loaded, Number, TlsAddress, TlsTarget, Value
from gdb_tls.target.architectures import EMUTLS_GET_ADDRESS as GET_ADDRESS


def target_of(control: int) -> TlsTarget:
    """What code refers to that gives a control variable at an address, as the file is linked."""
    return TlsTarget(f"{GET_ADDRESS}:0x{control:x}", False)


def target_through(slot: int) -> TlsTarget:
    """The same where the control variable's address stands in a GOT entry, which the loader has filled."""
    return TlsTarget(f"{GET_ADDRESS}:*0x{slot:x}", False, slot)


def control_of(target: TlsTarget) -> int | None:
    """The control variable of a target of `target_of`; None for any other one."""
    name, _, control = (target.symbol or "").partition(":0x")
    return int(control, 16) if name == GET_ADDRESS and control else None


def address_of(control: Value | None) -> TlsAddress | None:
    """What the runtime returns for its argument; None where that is not known."""
    if isinstance(control, Number):
        return TlsAddress(target_of(control.number), 0)
    if isinstance(control, Loaded) and isinstance(control.address, Number):
        return TlsAddress(target_through(control.address.number), 0)
    if isinstance(control, Either):
        found = {address_of(one) for one in control.values}
        return found.pop() if len(found) == 1 else None
    return None
