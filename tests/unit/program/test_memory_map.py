"""Layers of ranges as one list of edges."""

from __future__ import annotations

from bisect import bisect_right
from random import Random

from gdb_tls.program.memory_map import NOTHING, Area, Range, flatten

LOW, HIGH, TOP = Area("low"), Area("high"), Area("top", 3)


def test_later_layers_lie_over_earlier_ones() -> None:
    layers: list[list[Range]] = [
        [(10, 20, LOW), (20, 22, TOP), (30, 40, LOW)],
        [(15, 35, HIGH)],
        [(18, 19, TOP), (30, 35, LOW)],
    ]
    edges, areas = flatten(layers)

    def naive(address: int) -> Area:
        for layer in layers[::-1]:
            for start, end, area in layer:
                if start <= address < end:
                    return area
        return NOTHING

    for address in range(50):
        assert areas[bisect_right(edges, address)] == naive(address), address


def test_random_layers_are_what_lies_on_top() -> None:
    chance = Random(7)
    for _ in range(300):
        layers: list[list[Range]] = []
        for number in range(4):
            edges = sorted(chance.sample(range(60), 2 * chance.randrange(6)))
            layers.append([(low, high, Area(str(number), low)) for low, high in zip(edges[::2], edges[1::2])])
            chance.shuffle(layers[-1])
        edges, areas = flatten(layers)
        assert edges == sorted(set(edges))
        assert len(areas) == len(edges) + 1
        for address in range(-1, 61):
            lying = [area for layer in layers for start, end, area in layer if start <= address < end]
            assert areas[bisect_right(edges, address)] == [NOTHING, *lying][-1]


def test_nothing_is_mapped_where_nothing_is_known() -> None:
    assert flatten([[], []]) == ([], [NOTHING])
