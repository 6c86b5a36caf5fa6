"""One variable in many threads, as columns: what is said of ten thousand threads is said of groups of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

from gdb_tls.target.model import Flag, Instance, State, Thread
from gdb_tls.tuples import NamedTuple


class Judgement(NamedTuple):
    """What is said of an instance.

    Attributes:
        state: exactly one.
        flags: any number, in the order of `Flag`.
        reason: why the state is not a value; None where it is one.
    """

    state: State
    flags: tuple[Flag, ...]
    reason: str | None = None


class Group(NamedTuple):
    """Instances of which the same is said.

    Attributes:
        judgement: it.
        members: their positions, in ascending order.
    """

    judgement: Judgement
    members: Sequence[int]


class Instances(Sequence[Instance]):
    """A variable's instances; each is made when it is asked for, since its text may cost reads of memory.

    Attributes:
        threads: whose they are, one each.
        judgements: what is said of each.
        contents: equal for instances that have the same value.
    """

    def __init__(
        self,
        threads: Sequence[Thread],
        judgements: Sequence[Judgement],
        contents: Sequence[object],
        make: Callable[[int], Instance],
    ) -> None:
        """Takes the columns, and what makes the instance at a position."""
        self.threads = threads
        self.judgements = judgements
        self.contents = contents
        self._make = make

    @classmethod
    def of(cls, instances: Iterable[Instance]) -> Instances:
        """The columns of instances that are made already."""
        made = list(instances)
        return cls(
            [one.thread for one in made],
            [Judgement(one.state, one.flags, one.reason) for one in made],
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
            [self.judgements[at] for at in positions],
            [self.contents[at] for at in positions],
            lambda index: self._make(positions[index]),
        )

    @cached_property
    def groups(self) -> list[Group]:
        """Those of which the same is said, in the order of the first of each."""
        # By identity first: there are few objects, and Python's enumerations are slow to hash.
        known = {id(one): one for one in self.judgements}
        if len(known) == 1:
            return [Group(self.judgements[0], range(len(self)))]
        same: dict[Judgement, list[int]] = {}
        members = {key: same.setdefault(one, []) for key, one in known.items()}
        for index, key in enumerate(map(id, self.judgements)):
            members[key].append(index)
        return [Group(judgement, found) for judgement, found in same.items()]

    @cached_property
    def summary(self) -> dict[str, int]:
        """How many there are in which state and with which flag, under the names of the JSON format."""
        counts = {"threads": len(self), **{state.value: 0 for state in State}}
        counts.update((flag.value, 0) for flag in (Flag.SHARED, Flag.DANGLING, Flag.EXITED))
        for (state, flags, _), members in self.groups:
            for name in (state.value, *(flag.value for flag in flags)):
                if name in counts:
                    counts[name] += len(members)
        return counts
