"""DWARF expressions by which an object itself says where its parts are, and how many (DWARF 5, 2.5.1 and 5.7.6)."""

from __future__ import annotations

from collections.abc import Callable
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub, xor

from gdb_tls.elf.dwarf import leb
from gdb_tls.hosts.native.not_laid_out import NotLaidOut

DEREFERENCE, DUPLICATE, DROP, OVER, SWAP, NEGATE, PLUS_CONSTANT = 0x06, 0x12, 0x13, 0x14, 0x16, 0x1F, 0x23
UNSIGNED_LEB, SIGNED_LEB, LITERALS, OBJECT_ADDRESS = 0x10, 0x11, range(0x30, 0x50), 0x97
# DW_OP_const1u to const8s: how many bytes, and whether they have a sign.
CONSTANTS = {0x08 + at: (1 << at // 2, bool(at % 2)) for at in range(8)}
# Of the two topmost numbers one is made; those that compare take them with their signs.
BINARY: dict[int, Callable[[int, int], int]] = {0x1A: and_, 0x1C: sub, 0x1E: mul, 0x21: or_, 0x22: add, 0x27: xor}
COMPARE: dict[int, Callable[[int, int], bool]] = {0x29: eq, 0x2A: ge, 0x2B: gt, 0x2C: le, 0x2D: lt, 0x2E: ne}


def value_of(
    code: bytes, address: int, read: Callable[[int], int], is_little: bool, word: int, *, begins: bool = True
) -> int:
    """The number that an expression makes of an object.

    Args:
        code: the expression.
        address: of the object.
        read: reads a word of memory, and raises what the host raises where it cannot be read.
        is_little: whether the lowest byte of a number comes first.
        word: bytes of one.
        begins: whether its stack begins with the object's address, as for the place of a base class.

    Raises:
        NotLaidOut: where the expression has an operation that is not known here.
    """
    stack, at, mask = [address] if begins else [], 0, (1 << 8 * word) - 1
    try:
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
            elif operation == OBJECT_ADDRESS:
                stack.append(address)
            elif operation == PLUS_CONSTANT:
                value, at = leb(code, at)
                stack[-1] += value
            elif operation in (DUPLICATE, OVER):
                stack.append(stack[-1 if operation == DUPLICATE else -2])
            elif operation == DROP:
                stack.pop()
            elif operation == SWAP:
                stack[-2:] = stack[:-3:-1]
            elif operation == NEGATE:
                stack[-1] = -stack[-1]
            elif operation == DEREFERENCE:
                stack[-1] = read(stack[-1] & mask)
            elif operation in BINARY:
                stack[-2:] = [BINARY[operation](*stack[-2:]) & mask]
            elif operation in COMPARE:
                stack[-2:] = [COMPARE[operation](*(signed_word(one, word) for one in stack[-2:]))]
            else:
                raise NotLaidOut(f"it is described by an operation that is not known here, 0x{operation:x}")
        return stack[-1] & mask
    except (IndexError, TypeError):
        raise NotLaidOut("it is described by an expression that is damaged") from None


def signed_word(value: int, word: int) -> int:
    """A word as a number with a sign."""
    value &= (1 << 8 * word) - 1
    return value - (1 << 8 * word) if value >> (8 * word - 1) else value
