"""Layers of ranges as one list of edges."""

from __future__ import annotations

from bisect import bisect_right

from gdb_tls.program.memory_map import NOTHING, Area, Range, flatten

LOW, HIGH, TOP = Area("low"), Area("high"), Area("top", 3)


def test_later_layers_lie_over_earlier_ones() -> None:
    layers = [[Range(10, 20, LOW), Range(30, 40, LOW)], [Range(15, 35, HIGH)], [Range(18, 19, TOP)]]
    edges, areas = flatten(layers)

    def naive(address: int) -> Area:
        for layer in layers[::-1]:
            for one in layer:
                if one.start <= address < one.end:
                    return one.area
        return NOTHING

    for address in range(50):
        assert areas[bisect_right(edges, address)] == naive(address), address


def test_nothing_is_mapped_where_nothing_is_known() -> None:
    assert flatten([[], []]) == ([], [NOTHING])
