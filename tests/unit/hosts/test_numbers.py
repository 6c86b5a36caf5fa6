"""Numbers out of their bytes: compared with what C or Python makes of them."""

from __future__ import annotations

import struct

import pytest

from gdb_tls.hosts.direct.numbers import IEEE, X87, _decimal, shown, value_of


@pytest.mark.parametrize(
    "number", [0.0, 1.0, -2.5, 0.1, 1e300, -1e-300, 5e-324, 123456789.125, float("inf"), float("-inf"), 2.0**-1022]
)
def test_doubles(number: float) -> None:
    value = value_of(struct.pack("<d", number), IEEE[8], True)
    text = shown(value, 53)
    assert float(text) == number
    assert value_of(struct.pack(">d", number), IEEE[8], False) == value
    if abs(number) < 1e5 and number:
        assert float(text) == float(f"{number:.17g}")


def test_as_c_writes_them() -> None:
    known = {0.1: "0.10000000000000001", 1e300: "1.0000000000000001e+300", 1e-5: "1.0000000000000001e-05", -0.0: "-0"}
    for number, text in known.items():
        assert shown(value_of(struct.pack("<d", number), IEEE[8], True), 53) == text == f"{number:.17g}"
    assert shown(value_of(struct.pack("<f", 0.1), IEEE[4], True), 24) == "0.100000001"


def test_other_formats() -> None:
    # 1.25 as the x87 and as a quadruple have it; and the least of the x87, which has no first bit.
    assert shown(value_of(bytes.fromhex("00000000000000a0ff3f") + b"\x55" * 6, X87, True), 64) == "1.25"
    assert shown(value_of(bytes(13) + bytes.fromhex("40ff3f"), IEEE[16], True), 113) == "1.25"
    assert shown(value_of(b"\1" + bytes(9), X87, True), 64).startswith("3.6451995318824746")
    assert shown(value_of(b"\0\x3e", IEEE[2], True), 11) == "1.5"
    assert value_of(bytes(7) + b"\xc0\xff\x7f", X87, True) == "nan(0xc000000000000000)"
    assert value_of(bytes(7) + b"\x80\xff\xff", X87, True) == "-inf"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("0f000032", "1.5"),  # as GCC on x86-64 writes 1.5df, -2.25dd and 3.75dl
        ("e1000000000080b1", "-2.25"),
        ("77010000000000000000000000003c30", "3.75"),
        ("00000078", "inf"),
        ("000000fc", "-nan"),
    ],
)
def test_decimals(raw: str, text: str) -> None:
    data = bytes.fromhex(raw)
    assert _decimal(int.from_bytes(data, "little"), len(data)) == text
