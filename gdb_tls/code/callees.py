"""What functions do that others call: with what they are given, and which address they return."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from gdb_tls.code.accesses import ADDRESS_TAKEN, Access
from gdb_tls.code.arguments import ArgumentUses, uses_of_arguments
from gdb_tls.code.branches import aarch64_calls, x86_64_calls
from gdb_tls.code.candidates import Candidate
from gdb_tls.code.emulated import address_of
from gdb_tls.code.followed import FollowedFunctions
from gdb_tls.code.functions import CodeRange, Functions
from gdb_tls.code.places import Places
from gdb_tls.code.slots import Slot
from gdb_tls.code.stubs import Stubs
from gdb_tls.code.values import TlsAddress, Value
from gdb_tls.elf.file import ElfFile
from gdb_tls.elf.headers import EM_X86_64
from gdb_tls.target.architectures import EMUTLS_GET_ADDRESS as EMULATED

# A function that does no more than find a variable (`_ZTW...`, a getter) is not longer than this.
LONGEST_GETTER = 128
# Through so many calls the address of a variable is followed, into functions that are not longer.
MOST_CALLS, LONGEST_CALLEE = 6, 4096


# C11 7.13, 7.22.4, 7.26.5 and 7.2; POSIX; LSB (glibc's `__*_chk`); the Itanium C++ ABI; libstdc++'s functexcept.cc.
NEVER_RETURN = frozenset(
    (
        *("abort", "exit", "_exit", "_Exit", "quick_exit", "longjmp", "_longjmp", "siglongjmp", "__longjmp_chk"),
        *("pthread_exit", "thrd_exit", "__assert_fail", "__assert_perror_fail", "__assert"),
        *("__stack_chk_fail", "__chk_fail", "__fortify_fail", "__libc_fatal"),
        *("__cxa_throw", "__cxa_rethrow", "__cxa_bad_cast", "__cxa_bad_typeid", "__cxa_throw_bad_array_new_length"),
        *("__cxa_pure_virtual", "__cxa_call_unexpected", "_Unwind_Resume", "_ZSt9terminatev"),
    )
)
LIBRARY_THROWS = re.compile(r"_ZSt\d+__throw_")


class Callees:
    """The functions of one file, as their callers see them."""

    def __init__(
        self,
        file: ElfFile,
        functions: Functions,
        slots: Mapping[int, Slot],
        stubs: Stubs,
        places: Places,
        followed: FollowedFunctions,
    ) -> None:
        """Takes what the file's index has; reads nothing yet."""
        self._file = file
        self._functions = functions
        self._slots = slots
        self._stubs = stubs
        self._places = places
        self._followed = followed
        self._own_functions: dict[str, int | None] = {}
        self._argument_uses: dict[int, ArgumentUses | None] = {}
        self._returned: dict[int, TlsAddress | None] = {}

    def called(self, address: int) -> int | None:
        """The function of this file that a call leads to; None where it is another file's, or not known.

        Args:
            address: what the code calls: a function of this file, a stub, or a GOT entry.
        """
        name = self._stubs.name(address)
        if name is None:
            return address
        if name not in self._own_functions:
            symbol = self._file.symbols([name]).get(name)
            self._own_functions[name] = symbol.value if symbol else None
        return self._own_functions[name]

    def through(self, access: Access, most: int = MOST_CALLS) -> list[Access] | None:
        """What the functions do with a variable to which an "address-taken" gives its address; None for anything.

        Args:
            access: the place.
            most: through how many calls the address is followed.

        Returns:
            accesses to the same block by the same function and instruction, which are those of what it calls.

        Raises:
            MissingPackage: where there is no capstone.
        """
        if not access.passed_to or not most:
            return None
        found: list[Access] = []
        for target, argument in access.passed_to:
            uses = self._uses(target)
            if uses is None:
                return None
            for one in uses.accesses.get(argument, ()):
                inner = self.through(one, most - 1) if one.kind == ADDRESS_TAKEN else [one]
                if inner is None:
                    return None
                found += inner
        return [
            access._replace(
                offset=access.offset + one.offset,
                width=one.width,
                kind=one.kind,
                exact=access.exact and one.exact,
                after_write=one.after_write,
                of_null=one.of_null,
                passed_to=frozenset(),
            )
            for one in found
        ]

    def _uses(self, target: int) -> ArgumentUses | None:
        """What a function that is called does with its arguments; None where its code is not known, or too long."""
        function = self.called(target)
        if function is None:
            return None
        if function not in self._argument_uses:
            piece = self._functions.at(function)
            whole = piece.known and piece.start == function and not piece.continues
            self._argument_uses[function] = None  # for a function that calls itself
            if whole and piece.end - piece.start <= LONGEST_CALLEE:
                instructions, sites = self._followed.parts(piece)
                execution = self._followed.another_execution()
                self._argument_uses[function] = uses_of_arguments(instructions, function, execution, sites)
        return self._argument_uses[function]

    def given_back(self, target: int) -> tuple[int, int] | None:
        """Which argument the function that is called returns, and what it adds to it; None for none."""
        uses = self._uses(target)
        return uses.gives_back if uses else None

    def returned(self, target: int) -> TlsAddress | None:
        """What a short function that is called returns on every way, where that is a place in thread-local storage."""
        if target not in self._returned:
            self._returned[target] = None  # for a function that calls itself
            function = self.called(target)
            self._returned[target] = self._returned_by(function) if function is not None else None
        return self._returned[target]

    def _returned_by(self, function: int) -> TlsAddress | None:
        piece = self._functions.at(function)
        if piece.start != function or not self.may_be_getter(piece):
            return None
        flow = self._followed.flow(piece)
        result = self._followed.decoder.convention.result
        # What was read since it came into the register may be no more than left there.
        values = {
            None if result in state.used else state.registers.get(result)
            for state in (flow.at_returns() if flow else ())
        }
        value = self._followed.execution.settled(values.pop()) if len(values) == 1 else None
        return value if isinstance(value, TlsAddress) else None

    def may_be_getter(self, piece: CodeRange, through: int = 3) -> bool:
        """Whether a function is short, and touches thread-local storage or calls one that does."""
        if not piece.known or piece.end - piece.start > LONGEST_GETTER:
            return False
        if any(map(self._may_give_address, self._places.by_function.get(piece.start, ()))):
            return True
        search = x86_64_calls if self._file.machine == EM_X86_64 else aarch64_calls
        return through > 0 and any(
            self.may_be_getter(called, through - 1)
            for _, target in search(self._functions.code(piece.start, piece.end), piece.start)
            for called in [self._functions.at(target)]
            if called.start == target != piece.start
        )

    def _may_give_address(self, one: Candidate) -> bool:
        """Whether the address of a variable may come from a candidate, and not only what lies there."""
        if self._file.machine != EM_X86_64 or one.helps:
            return True
        slot = self._slots.get(one.slot) if one.slot is not None else None
        return slot.kind != "offset" if slot else one.thread_offset is None

    def never_returns(self, callee: int) -> bool:
        """Whether what is called is known, by its reserved name, never to come back."""
        name = self._stubs.name(callee)
        if name is None:
            return callee in self._never_returning
        return name in NEVER_RETURN or LIBRARY_THROWS.match(name) is not None

    @cached_property
    def _never_returning(self) -> frozenset[int]:
        """The functions of this file itself that never return: a static executable's, the C library's."""
        return frozenset(one.value for one in self._file.symbols(NEVER_RETURN).values() if one.value)

    def is_emulated(self, callee: int) -> bool:
        """Whether what is called is the runtime of emulated TLS."""
        name = self._stubs.name(callee)
        if name is None:
            own = self._file.symbols([EMULATED]).get(EMULATED)
            return own is not None and own.value == callee
        return name == EMULATED

    def emulated_address(self, callee: int, control: Value | None) -> Value | None:
        """What the runtime of emulated TLS returns for its argument; None for any other function."""
        return address_of(control) if self.is_emulated(callee) else None
