"""One variable in many threads, as columns: what is said of ten thousand threads is said of groups of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, overload

from gdb_tls.model import Flag, Instance, State, Thread


class Group(NamedTuple):
    """Instances that are alike.

    Attributes:
        state: their state.
        flags: their flags.
        reason: why they have no value; None where they have one.
        members: their positions, in ascending order.
    """

    state: State
    flags: tuple[Flag, ...]
    reason: str | None
    members: list[int]


class Instances(Sequence[Instance]):
    """A variable's instances; each is made when it is asked for, since its text may cost reads of memory.

    Attributes:
        threads: whose they are, one each.
        states: their states.
        flags: their flags.
        reasons: why an instance has no value, by its position; those that have one are not in it.
        contents: equal for instances that have the same value.
    """

    def __init__(
        self,
        threads: Sequence[Thread],
        states: Sequence[State],
        flags: Sequence[tuple[Flag, ...]],
        reasons: Mapping[int, str],
        contents: Sequence[object],
        make: Callable[[int], Instance],
    ) -> None:
        """Takes the columns, and what makes the instance at a position."""
        self.threads = threads
        self.states = states
        self.flags = flags
        self.reasons = reasons
        self.contents = contents
        self._make = make

    @classmethod
    def of(cls, instances: Iterable[Instance]) -> Instances:
        """The columns of instances that are made already."""
        made = list(instances)
        return cls(
            [one.thread for one in made],
            [one.state for one in made],
            [one.flags for one in made],
            {index: one.reason for index, one in enumerate(made) if one.reason is not None},
            [one.text if one.value is None else one.value for one in made],
            made.__getitem__,
        )

    def __len__(self) -> int:
        return len(self.threads)

    def __iter__(self) -> Iterator[Instance]:
        return map(self._make, range(len(self.threads)))

    @overload
    def __getitem__(self, at: int) -> Instance: ...
    @overload
    def __getitem__(self, at: slice) -> list[Instance]: ...
    def __getitem__(self, at: int | slice) -> Instance | list[Instance]:
        found = range(len(self.threads))[at]
        return self._make(found) if isinstance(found, int) else [self._make(index) for index in found]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def select(self, positions: Sequence[int]) -> Instances:
        """Those at some positions, in that order."""
        return Instances(
            [self.threads[at] for at in positions],
            [self.states[at] for at in positions],
            [self.flags[at] for at in positions],
            {new: self.reasons[at] for new, at in enumerate(positions) if at in self.reasons},
            [self.contents[at] for at in positions],
            lambda index: self._make(positions[index]),
        )

    @cached_property
    def groups(self) -> list[Group]:
        """Those that are alike, in the order of the first of each."""
        found: dict[tuple[State, tuple[Flag, ...], str | None], list[int]] = {}
        reason = self.reasons.get
        for index, key in enumerate(zip(self.states, self.flags)):
            found.setdefault((*key, reason(index)), []).append(index)
        return [Group(*key, members) for key, members in found.items()]

    @cached_property
    def summary(self) -> dict[str, int]:
        """How many there are in which state and with which flag, under the names of the JSON format."""
        counts = {"threads": len(self), **{state.value: 0 for state in State}}
        counts.update((flag.value, 0) for flag in (Flag.SHARED, Flag.DANGLING, Flag.EXITED))
        for group in self.groups:
            for name in (group.state.value, *(flag.value for flag in group.flags)):
                if name in counts:
                    counts[name] += len(group.members)
        return counts
