"""What the decoder tells from bytes alone, against capstone: both have to see the same instruction."""

from __future__ import annotations

import random
import re

import capstone
import pytest

from gdb_tls.code.instructions import PROGRAM_COUNTER, Memory, Register, Step
from gdb_tls.code.x86_64 import X86Decoder

DISASSEMBLER = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
DISTANCES = [0, 1, -1, 0x7FFFFFFF, -0x80000000, *random.Random(7).sample(range(-(1 << 31), 1 << 31), 40)]


def shown(raw: bytes) -> tuple[str, str, int]:
    """(mnemonic, operands, size), with the instruction at address 0."""
    address, size, name, operands = next(DISASSEMBLER.disasm_lite(raw, 0))
    assert address == 0
    return name.split()[-1], operands, size


@pytest.mark.parametrize(
    "beginning",
    [b"\xe8", b"\x66\x66\x48\xe8", b"\xe9", *(bytes((0x0F, 0x80 + condition)) for condition in range(16))],
    ids=bytes.hex,
)
def test_where_direct_branches_go(beginning: bytes) -> None:
    decoder = X86Decoder()
    for distance in DISTANCES:
        raw = beginning + distance.to_bytes(4, "little", signed=True)
        template = decoder.template(raw)
        name, operands, size = shown(raw)
        expected = {"call": "call", "jmp": "jump"}.get(name, "branch")
        assert (template.flow, template.size) == (expected, size), raw.hex()
        assert isinstance(template.target, int)
        assert template.target & 0xFFFFFFFFFFFFFFFF == int(operands, 16), raw.hex()


@pytest.mark.parametrize("prefix", [b"\x48", b"\x4c", b"\x66\x48", b"\x66\x4c"], ids=bytes.hex)
@pytest.mark.parametrize("register", range(8))
def test_distant_addresses(prefix: bytes, register: int) -> None:
    decoder = X86Decoder()
    for distance in DISTANCES:
        raw = prefix + bytes((0x8D, register << 3 | 5)) + distance.to_bytes(4, "little", signed=True)
        name, operands, size = shown(raw)
        match = re.fullmatch(r"(\w+), \[rip(?: ([+-]) (\w+))?\]", operands)
        assert name == "lea" and match, operands
        seen = int(match[3] or "0", 0) * (-1 if match[2] == "-" else 1)
        assert seen == distance
        to = "sp" if match[1] == "rsp" else match[1]
        template = decoder.template(raw)
        assert (template.size, template.flow, template.target) == (size, "", None)
        ((action, register_written, (place,)),) = template.steps
        assert (action, register_written) == ("address", Register(to, 8))
        assert isinstance(place, Memory)
        assert (place.base, place.offset, place.displacement) == (PROGRAM_COUNTER, "", distance + size)


def test_a_distance_does_not_leak_into_another() -> None:
    decoder = X86Decoder()
    one, other = (bytes.fromhex("488d3d") + distance.to_bytes(4, "little") for distance in (16, 4096))
    steps: list[Step] = [decoder.template(raw).steps[0] for raw in (one, other, one)]
    assert [one.of[0].displacement for one in steps if isinstance(one.of[0], Memory)] == [23, 4103, 23]
