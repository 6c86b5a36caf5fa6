"""Which variables hold the numbers of pthread keys: the code says which one it gives to pthread_getspecific.

A call's argument is followed back to a variable with a fixed address.  Where it is an argument of the function around
the call (`g_private_get`, a method `get() const`), that function is one more by which keys are used, and its own
callers are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from gdb_tls.code.values import Argument, Displaced, Either, Loaded, Number, Result, Value
from gdb_tls.evidence.code import Code, Spot
from gdb_tls.evidence.reach import calls_of
from gdb_tls.objects.loaded import LoadedObject
from gdb_tls.program.places import LARGEST_CODE, LIBC_SYMBOL
from gdb_tls.tuples import NamedTuple

CREATE, GET, SET, DELETE = "create", "get", "set", "delete"
# POSIX, C11 threads.h; glibc exports the first ones by older names, too.
FUNCTIONS = {
    "pthread_key_create": CREATE,
    "__pthread_key_create": CREATE,
    "tss_create": CREATE,
    "pthread_getspecific": GET,
    "__pthread_getspecific": GET,
    "tss_get": GET,
    "pthread_setspecific": SET,
    "__pthread_setspecific": SET,
    "tss_set": SET,
    "pthread_key_delete": DELETE,
    "__pthread_key_delete": DELETE,
    "tss_delete": DELETE,
}


class KeyKind(NamedTuple):
    """A family of functions that use keys.

    Attributes:
        functions: their names, as the linker has them -> what they do with the key of their first argument.
        by_address: the roles of those which take not the key's number but the address where it is.
    """

    functions: Mapping[str, str]
    by_address: Set[str]


PTHREAD = KeyKind(FUNCTIONS, frozenset({CREATE}))
# Wrappers of wrappers are followed so far.
MOST_ROUNDS = 3
# Calls that are followed; a library that keeps all its data behind one wrapper has thousands.
MOST_CALLS = 3000
# A function that is longer is not asked for what it returns.
LONGEST_CALLEE = 1024
DEEPEST = 8
# Smaller numbers are no addresses as a file is linked: null, a flag.
SMALLEST_ADDRESS = 512


class KeyUse(NamedTuple):
    """One call that creates, asks, sets or deletes a key.

    Attributes:
        role: which: "create", "get", "set", "delete".
        at: the call, in the process; where a wrapper is called, that call.
        function: where the function around it begins; None where no table knows.
        fixed: the fixed addresses from which the number was reached, the last one first; empty where there is none.
        holder: the address of the variable that holds the key's number; None where it has no fixed place.
        destructor: the function that the key gets, 0 for none; None where that is not known, or nothing is created.
    """

    role: str
    at: int
    function: int | None
    fixed: tuple[int, ...]
    holder: int | None
    destructor: int | None = None


class KeyUses(NamedTuple):
    """What the code says of keys.

    Attributes:
        uses: by address.
        unread: why the code of some objects was not read: their names, and the reason of the first one.
        interrupted: whether so many calls were found that not all were followed.
    """

    uses: Sequence[KeyUse]
    unread: Sequence[tuple[str, str]]
    interrupted: bool = False


class _Route(NamedTuple):
    """How a function uses a key.

    Attributes:
        role: what it does with it.
        argument: the number of its argument from which the key is reached.
        steps: displacements: the key is what is read at the last of them, and each one before is read to have the next
            pointer; empty where the argument is the number itself.
        destructor: the function that the key gets, 0 for none; empty where that is not known, or nothing is created.
        destructor_from: the number of the argument that is the destructor; empty where none is.
    """

    role: str
    argument: int
    steps: tuple[int, ...]
    destructor: tuple[int, ...] = ()
    destructor_from: tuple[int, ...] = ()


class _Form(NamedTuple):
    """A value as it was reached: by adding the first displacement to the root, reading, adding the next ...

    Attributes:
        root: an address in the process, or the register of an argument of the function.
        steps: at least one displacement.
    """

    root: int | str
    steps: tuple[int, ...]


class KeyCode:
    """Looks through the code of all objects that know one of the functions."""

    def __init__(self, code: Code, objects: Sequence[LoadedObject], kind: KeyKind = PTHREAD) -> None:
        """Reads nothing yet.

        Args:
            code: the program's code.
            objects: those whose code is looked through.
            kind: which functions use the keys.
        """
        self._code = code
        self._objects = objects
        self._kind = kind
        self._calls: dict[LoadedObject, dict[int, list[int]]] = {}
        self._unread: dict[str, str] = {}
        self._followed = 0

    def find(self) -> KeyUses:
        """All uses that the code tells.

        Raises:
            MissingPackage: where there is no capstone.
        """
        found: dict[tuple[str, int], KeyUse] = {}
        routes = {one: {route} for one, route in self._own_functions()}
        known = {(one, route) for one, several in routes.items() for route in several}
        names = set(self._kind.functions)
        for _ in range(MOST_ROUNDS):
            outer: dict[int, set[_Route]] = {}
            for loaded in self._objects:
                if not self._is_of_interest(loaded, names, routes):
                    continue
                # In a fixed order: where they are too many, it is always the same ones that are left out.
                for function, several in sorted(routes.items()):
                    for place in self._calls_in(loaded).get(function, ()):
                        for route in sorted(several):
                            for one in self._followed_back(place, route):
                                if isinstance(one, KeyUse):
                                    found.setdefault((one.role, one.at), one)
                                elif one not in known:
                                    known.add(one)
                                    outer.setdefault(one[0], set()).add(one[1])
            if not outer or self._followed >= MOST_CALLS:
                break
            routes = outer
            names = {name for name in map(self._code.name_at, routes) if name}
        uses = sorted(found.values(), key=lambda one: (one.at, one.role))
        return KeyUses(uses, list(self._unread.items()), self._followed >= MOST_CALLS)

    def _own_functions(self) -> Iterator[tuple[int, _Route]]:
        for loaded in self._objects:
            file = loaded.file
            for name, symbol in (file.symbols(self._kind.functions) if file else {}).items():
                role = self._kind.functions[name]
                steps = (0,) if role in self._kind.by_address else ()
                yield loaded.load_base + symbol.value, _Route(role, 0, steps, (), (1,) if role == CREATE else ())

    def _is_of_interest(self, loaded: LoadedObject, names: set[str], functions: dict[int, set[_Route]]) -> bool:
        """Whether an object's code may call one of the functions."""
        file = loaded.file
        if file is None:
            return False
        if LIBC_SYMBOL in file.symbols([LIBC_SYMBOL]) and loaded.link_map and loaded.target_path:
            return False  # the C library itself
        mentions = any(file.mentions(name.encode() + b"\0") for name in names)
        index = self._code.index_of(loaded) if mentions or functions else None
        if index is None:
            if mentions:
                self._unread.setdefault(loaded.name, self._code.problem or "its code cannot be read")
            return False
        own = any(self._code.objects.at(function) == loaded for function in functions)
        if not mentions and not own:
            return False
        if sum(len(one) for _, one in index.functions.executable) > LARGEST_CODE:
            self._unread.setdefault(loaded.name, "it has too much code")
            return False
        return True

    def _calls_in(self, loaded: LoadedObject) -> dict[int, list[int]]:
        if loaded not in self._calls:
            self._calls[loaded] = calls_of(self._code, loaded)
        return self._calls[loaded]

    # ------------------------------------------------------------------ one call

    def _followed_back(self, place: int, route: _Route) -> Iterator[KeyUse | tuple[int, _Route]]:
        """What a call uses, or how the function around it does."""
        spot = self._code.at(place)
        flow = spot.flow if spot else None
        if spot is None or flow is None or self._followed >= MOST_CALLS or flow.at(spot.address) is None:
            return
        self._followed += 1
        arguments = flow.arguments(spot.address)
        given = arguments[route.argument] if route.argument < len(arguments) else None
        function = spot.function
        registers = spot.file_index.convention.arguments
        known = route.destructor
        given_from: tuple[int, ...] = ()
        for one in route.destructor_from:
            last = arguments[one] if one < len(arguments) else None
            if isinstance(last, Number):
                known = (last.number and (spot.base + last.number) % (1 << 64),)
            elif isinstance(last, Argument) and last.register in registers:
                given_from = (registers.index(last.register),)
        destructor = known[0] if known else None
        is_told = False
        for form in self._forms(given, spot, 0):
            whole = _through(form, route.steps)
            if whole is None:
                continue
            if isinstance(whole.root, str):
                if function is not None and whole.root in registers:
                    # By value, the last word that was read is the number itself.
                    steps = whole.steps if route.steps else whole.steps[:-1]
                    is_told = True
                    yield function, _Route(route.role, registers.index(whole.root), steps, known, given_from)
                continue
            fixed, holder = self._reach(whole.root, whole.steps if route.steps else whole.steps[:-1])
            if fixed:
                is_told = True
                yield KeyUse(route.role, place, function, tuple(fixed[::-1]), holder, destructor)
        if not is_told:
            yield KeyUse(route.role, place, function, (), None, destructor)

    def _reach(self, root: int, steps: Sequence[int]) -> tuple[list[int], int | None]:
        """The addresses on the way, and the last one: of the word that holds the number."""
        address: int | None = root
        found: list[int] = []
        for number, step in enumerate(steps):
            if number and address is not None:
                address = self._code.word(address)
            if not address:
                return found, None
            address = (address + step) % (1 << 64)
            found.append(address)
        return found, address if found else None

    def _forms(self, value: Value | None, spot: Spot, depth: int) -> Iterator[_Form]:
        """How a value was reached; several where it depends on the way."""
        if depth > DEEPEST:
            return
        depth += 1
        if isinstance(value, Number):
            if value.number >= SMALLEST_ADDRESS:
                yield _Form((spot.base + value.number) % (1 << 64), (0,))
        elif isinstance(value, Argument):
            yield _Form(value.register, (0,))
        elif isinstance(value, Displaced):
            for form in self._forms(value.value, spot, depth):
                yield form._replace(steps=(*form.steps[:-1], form.steps[-1] + value.offset))
        elif isinstance(value, Loaded):
            for form in self._forms(value.address, spot, depth):
                yield form._replace(steps=(*form.steps, 0))
        elif isinstance(value, Either):
            for one in sorted(value.values, key=repr):  # a set has another order in each run
                yield from self._forms(one, spot, depth)
        elif isinstance(value, Result):
            yield from self._returned(value, spot, depth)

    def _returned(self, value: Result, spot: Spot, depth: int) -> Iterator[_Form]:
        """What a short function returned."""
        state, called = self._code.call_at(spot, value.at) or (None, None)
        there = self._code.at(called) if called is not None else None
        if there is None or state is None:
            return
        piece = there.file_index.functions.at(there.address)
        if not piece.known or piece.start != there.address or piece.end - piece.start > LONGEST_CALLEE:
            return
        inner = there.flow
        for end in inner.at_returns() if inner else ():
            for form in self._forms(end.registers.get(there.file_index.convention.result), there, depth):
                if isinstance(form.root, int):
                    yield form
                    continue
                for outer in self._forms(state.registers.get(form.root), spot, depth):
                    steps = (*outer.steps[:-1], outer.steps[-1] + form.steps[0], *form.steps[1:])
                    yield _Form(outer.root, steps)


def _through(form: _Form, steps: tuple[int, ...]) -> _Form | None:
    """A value as an argument of a function that goes on from there; None where a number was computed."""
    if not steps:
        return form if form.steps[-1] == 0 else None
    return form._replace(steps=(*form.steps[:-1], form.steps[-1] + steps[0], *steps[1:]))
