"""The functions of a file in which thread-local storage may be touched, and the calls among all of its functions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from gdb_tls.code.branches import aarch64_calls, aarch64_far_jumps, x86_64_calls, x86_64_calls_by_slot, x86_64_far_jumps
from gdb_tls.code.candidates import PREFIXES, Candidate, aarch64_candidates, x86_64_candidates
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.slots import Slot
from gdb_tls.elf.headers import EM_X86_64

Split = Callable[[bytes, int], list[tuple[int, bytes]]]


class Places:
    """The places of one file."""

    def __init__(
        self, machine: int, functions: Functions, slots: Mapping[int, Slot], local: bool, split: Callable[[], Split]
    ) -> None:
        """Reads nothing yet.

        Args:
            machine: the file's.
            functions: the file's.
            slots: the file's GOT entries, by address.
            local: whether its code may know where its own block is.
            split: gives what finds where instructions begin; only asked where that is needed.
        """
        self._machine = machine
        self._functions = functions
        self._slots = slots
        self._local = local
        self._split = split

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Every place that may touch thread-local storage."""
        search = x86_64_candidates if self._machine == EM_X86_64 else aarch64_candidates
        return [
            one
            for address, code in self._functions.executable
            for one in search(code, address, self._slots, self._local)
        ]

    @cached_property
    def by_function(self) -> dict[int, list[Candidate]]:
        """The candidates by the beginning of the function to which they belong."""
        found: dict[int, list[Candidate]] = {}
        pieces: dict[int, CodeRange] = {}
        for one in self.candidates:
            piece = self._functions.at(one.address)
            pieces[piece.start] = piece
            found.setdefault(piece.start, []).append(one)
        owners = self.owners_of(frozenset(start for start, piece in pieces.items() if piece.continues))
        for part, owner in owners.items():
            found.setdefault(owner, []).extend(found.pop(part))
        return {
            start: kept for start, ones in found.items() for kept in [self._instructions_among(start, ones)] if kept
        }

    def _instructions_among(self, start: int, candidates: list[Candidate]) -> list[Candidate]:
        """The candidates where an instruction begins, as far as that can be told."""
        unsure = [one.address for one in candidates if not one.begins]
        piece = self._functions.at(start)
        if self._machine != EM_X86_64 or not unsure or not piece.known:
            return candidates
        last = max((one for one in unsure if piece.start <= one < piece.end), default=piece.start)
        places: set[int] = set()
        for place, raw in self._split()(self._functions.code(piece.start, last + 16), piece.start):
            # The prefix that makes it a candidate may follow others, with which relaxed code is filled up.
            places.update((place, *(place + size for size in range(1, len(raw) - len(raw.lstrip(PREFIXES)) + 1))))
        reached = max(places, default=piece.start)
        return [
            one for one in candidates if one.begins or not piece.start <= one.address < reached or one.address in places
        ]

    @cached_property
    def frameless_parts(self) -> dict[int, int]:
        """Parts that were moved away before their function had built up a frame, and that function.

        Unwind tables do not tell them from functions.  But compilers do not jump to a function on a condition (where
        speed matters), nor call a part; and a name that is left says it.
        """
        starts = self._functions.starts
        is_x86 = self._machine == EM_X86_64
        found: dict[int, int] = {}
        for target, at in self._jumps_away:
            if target not in starts or target in found:
                continue
            code = self._functions.code(at, at + 4)
            is_always = code[0] == 0xE9 if is_x86 else code[3] >> 2 == 0x05
            owner = self._functions.at(at)
            if not is_always and owner.known and not owner.continues:
                found[target] = owner.start
        called = {target for _, target in self.calls} if found else set()
        return {
            part: owner
            for part, owner in found.items()
            if part not in called and ".cold" in (self._functions.name(part) or ".cold")
        }

    def owners_of(self, parts: frozenset[int]) -> dict[int, int]:
        """The functions from which parts were moved away: those that jump there."""
        found: dict[int, int] = {}
        jumps = self._jumps_away
        for start in parts:
            first, last = (bisect_left(jumps, (address,)) for address in (start, self._functions.at(start).end))
            for _, at in sorted(jumps[first:last], key=lambda jump: jump[1]):
                owner = self._functions.at(at)
                if owner.known and not owner.continues:
                    found[start] = owner.start
                    break
        return found

    @cached_property
    def _jumps_away(self) -> list[tuple[int, int]]:
        """(target, place), sorted, of what looks like a far jump out of the piece of code in which it is."""
        search = x86_64_far_jumps if self._machine == EM_X86_64 else aarch64_far_jumps
        found = []
        for address, code in self._functions.executable:
            start = end = 0
            for at, target in search(code, address):
                if not start <= at < end:
                    piece = self._functions.at(at)
                    start, end = piece.start, piece.end
                if not start <= target < end:
                    found.append((target, at))
        return sorted(found)

    @cached_property
    def calls(self) -> list[tuple[int, int]]:
        """(place, target) of everything that looks like a call or a jump of the same form; a GOT entry is a target."""
        if self._machine != EM_X86_64:
            return [one for address, code in self._functions.executable for one in aarch64_calls(code, address)]
        return [
            one
            for address, code in self._functions.executable
            for search in (x86_64_calls, x86_64_calls_by_slot)
            for one in search(code, address)
        ]

    def calls_and_jumps(self) -> Iterator[tuple[int, int, bool]]:
        """(place, target, whether the target is the address of a pointer) of every call or far jump that says where."""
        is_x86 = self._machine == EM_X86_64
        for address, code in self._functions.executable:
            yield from ((*one, False) for one in (x86_64_calls if is_x86 else aarch64_calls)(code, address))
            if is_x86:
                yield from ((*one, False) for one in x86_64_far_jumps(code, address))
                yield from ((*one, True) for one in x86_64_calls_by_slot(code, address))
