"""Where a virtual base class lies in an object: the object's own table says it (DWARF 5, 2.5.1 and 5.7.6)."""

from __future__ import annotations

from collections.abc import Callable

from gdb_tls.elf.dwarf import leb
from gdb_tls.hosts.native.library_objects import NotLaidOut

DEREFERENCE, DUPLICATE, MINUS, PLUS, PLUS_CONSTANT = 0x06, 0x12, 0x1C, 0x22, 0x23
UNSIGNED_LEB, SIGNED_LEB, LITERALS = 0x10, 0x11, range(0x30, 0x50)
# DW_OP_const1u to const8s: how many bytes, and whether they have a sign.
CONSTANTS = {0x08 + at: (1 << at // 2, bool(at % 2)) for at in range(8)}


def place_of(code: bytes, address: int, read: Callable[[int], int], is_little: bool, word: int) -> int:
    """The address of the base class of an object.

    Args:
        code: the expression, whose stack begins with the object's address.
        address: of the object.
        read: reads a word of memory, and raises what the host raises where it cannot be read.
        is_little: whether the lowest byte of a number comes first.
        word: bytes of one.

    Raises:
        NotLaidOut: where the expression has an operation that is not known here.
    """
    stack, at, mask = [address], 0, (1 << 8 * word) - 1
    while at < len(code):
        operation, at = code[at], at + 1
        if operation in CONSTANTS:
            size, signed = CONSTANTS[operation]
            stack.append(int.from_bytes(code[at : at + size], "little" if is_little else "big", signed=signed))
            at += size
        elif operation in LITERALS:
            stack.append(operation - LITERALS[0])
        elif operation in (UNSIGNED_LEB, SIGNED_LEB):
            value, at = leb(code, at, signed=operation == SIGNED_LEB)
            stack.append(value)
        elif operation == PLUS_CONSTANT:
            value, at = leb(code, at)
            stack[-1] += value
        elif operation == DUPLICATE:
            stack.append(stack[-1])
        elif operation == DEREFERENCE:
            stack[-1] = read(stack[-1] & mask)
        elif operation in (PLUS, MINUS) and len(stack) > 1:
            value = stack.pop()
            stack[-1] += value if operation == PLUS else -value
        else:
            raise NotLaidOut(f"the place of a base class is made by an operation that is not known, 0x{operation:x}")
    return stack[-1] & mask
