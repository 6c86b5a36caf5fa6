"""What keys are called: the variables that hold their numbers, and the functions that use them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gdb_tls.errors import TlsError
from gdb_tls.evidence.code import Code
from gdb_tls.evidence.key_uses import CREATE, DELETE, FUNCTIONS, KeyCode, KeyUse, KeyUses
from gdb_tls.program.names import without_parameters
from gdb_tls.program.program import Program
from gdb_tls.tuples import NamedTuple

TYPES = ("pthread_key_t", "tss_t")
LIKELY = ("key", "tss", "tls", "thread")
# Of one file's variables; each costs the debugger a look-up.
MOST_ASKED = 100
NUMBER_SIZE = 4  # pthread_key_t is an unsigned int in glibc and musl


class KeyVariable(NamedTuple):
    """A variable that holds a key's number: the code gives it to the C library, or it is declared as a key.

    Attributes:
        name: as in the symbol table, with a `*` before it where the number is not in it but where it points to;
            `MODULE+0xADDRESS` where it has no symbol.
        is_nameless: whether it has none.
        file: the object's file name; empty where the place is in none.
        address: where the number is.
        number: what it holds now; None where it cannot be read.
        created_by: the functions that create the key.
        used_by: the functions that read, set or delete its value.
        destructors: those that the code gives to the key when it creates it; None where that is not known.
        places: the calls that use the key, in the process.
    """

    name: str
    is_nameless: bool
    file: str
    address: int
    number: int | None
    created_by: Sequence[str]
    used_by: Sequence[str]
    destructors: frozenset[int] | None
    places: frozenset[int] = frozenset()

    @property
    def functions(self) -> Sequence[str]:
        """Those that use the key, or else those that create it."""
        return self.used_by or self.created_by


class Creator(NamedTuple):
    """A function that creates keys.

    Attributes:
        function: its name.
        file: the object's file name.
        destructor: which the keys get, 0 for none; None where that is not known.
    """

    function: str
    file: str
    destructor: int | None


class KeyNames(NamedTuple):
    """What is known of the names of keys.

    Attributes:
        variables: those that hold numbers of keys.
        creators: functions that create keys: whose numbers are in no fixed place, or were overwritten by the next one.
        problem: why not all code was looked through; empty where it was.
    """

    variables: Sequence[KeyVariable]
    creators: Sequence[Creator]
    problem: str = ""

    def of(self, number: int, destructor: int | None) -> list[KeyVariable]:
        """The variables that may be a key's: those that hold its number, and create no key with another destructor."""
        return [
            one
            for one in self.variables
            if one.number == number and (None in (destructor, one.destructors) or destructor in (one.destructors or ()))
        ]


UNKNOWN = KeyNames((), ())


def key_names(program: Program) -> KeyNames:
    """Looks through the program's code for what it keeps keys in."""
    code = Code(program)
    try:
        found = KeyCode(code, program.objects.all).find()
    except TlsError as error:
        return _with_declared(program, UNKNOWN._replace(problem=error.what.rstrip(".")))
    creators: dict[Creator, None] = {}
    existing = {key.number for key in program.thread_data.keys().keys if key.in_use}

    def is_known(use: KeyUse) -> bool:
        """Whether the variable to which a key was given holds the number of one."""
        return use.holder is not None and code.word(use.holder, NUMBER_SIZE) in existing

    for use in sorted(found.uses, key=is_known):
        if use.role == CREATE:
            function, file = _function(program, code, use)
            creators[Creator(function, file, use.destructor)] = None
    names = KeyNames(held_in_variables(program, code, found), list(creators), left_out(found))
    return _with_declared(program, names)


def held_in_variables(program: Program, code: Code, found: KeyUses) -> list[KeyVariable]:
    """The variables of which the code says that they hold the number of a key, by their addresses."""
    by_holder: dict[int, list[KeyUse]] = {}
    for use in found.uses:
        region = program.region(use.holder) if use.holder is not None else None
        is_constant = region is not None and not region.writable
        if use.holder is not None and not is_constant:
            by_holder.setdefault(use.holder, []).append(use)
    return [_variable(program, code, holder, uses) for holder, uses in sorted(by_holder.items())]


def left_out(found: KeyUses) -> str:
    """Why not all code was looked through; empty where it was."""
    if found.unread:
        names = ", ".join(name for name, _ in found.unread[:3])
        return f"the code of {names} was not looked through ({found.unread[0][1]})"
    return "there are too many calls that use keys to follow all of them" if found.interrupted else ""


def _with_declared(program: Program, names: KeyNames) -> KeyNames:
    """Adds what is declared as a key and holds the number of one for which no variable is known from code.

    Not for key 0: that is what a variable of a key that was never created holds, too.
    """
    table = program.thread_data.keys()
    existing = [key for key in table.keys if key.in_use and key.number]
    wanted = {key.number for key in existing if not names.of(key.number, key.destructor)}
    known = {one.address for one in names.variables}
    found = []
    for loaded in program.objects.all if wanted else ():
        file = loaded.file
        if file is None or not any(file.mentions(name.encode() + b"\0") for name in FUNCTIONS):
            continue
        symbols = [one for one in file.objects(NUMBER_SIZE) if loaded.load_base + one.value not in known]
        places = [loaded.load_base + one.value for one in symbols]
        order = program.target.architecture.byte_order
        raws = program.target.memory.read_many(places, NUMBER_SIZE)
        numbers = [-1 if raw is None else int.from_bytes(raw, "big" if order == "big" else "little") for raw in raws]
        likely = [(symbol, at, number) for symbol, at, number in zip(symbols, places, numbers) if number in wanted]
        # Very many numbers are small; what is called after a key is asked for first.
        likely.sort(key=lambda one: not any(word in one[0].name.lower() for word in LIKELY))
        for symbol, at, number in likely[:MOST_ASKED]:
            name = program.target.debug.demangle([symbol.name])[0]
            if program.target.debug.type_of_global(name, at) in TYPES:
                found.append(KeyVariable(name, False, loaded.name, at, number, (), (), None))
    return names._replace(variables=[*names.variables, *found]) if found else names


def _variable(program: Program, code: Code, holder: int, uses: Sequence[KeyUse]) -> KeyVariable:
    name, file, is_nameless = name_of(program, code, uses[0].fixed)
    creating = [use for use in uses if use.role == CREATE]
    destructors = {use.destructor for use in creating}
    known = frozenset(one for one in destructors if one is not None)
    return KeyVariable(
        name,
        is_nameless,
        file,
        holder,
        code.word(holder, NUMBER_SIZE),
        _functions(program, code, creating),
        _functions(program, code, (use for use in uses if use.role not in (CREATE, DELETE))),
        known if known and None not in destructors else None,
        frozenset(use.at for use in uses),
    )


def name_of(program: Program, code: Code, fixed: Sequence[int]) -> tuple[str, str, bool]:
    """(name, its object's name, whether it has no symbol) of what the number was reached by, the innermost variable."""
    for depth, address in enumerate(fixed):
        loaded = code.objects.at(address)
        if loaded is None:
            continue
        name, _, distance = (program.symbol_at(address) or "").partition(" + ")
        symbol = f"{name}+0x{int(distance):x}" if distance.isdigit() else name
        place = f"{loaded.name}+0x{address - loaded.load_base:x}"
        return "*" * depth + (symbol or place), loaded.name, not symbol
    return f"0x{fixed[0]:x}", "", True


def _functions(program: Program, code: Code, uses: Iterable[KeyUse]) -> list[str]:
    return list(dict.fromkeys(_function(program, code, use)[0] for use in uses))


def _function(program: Program, code: Code, use: KeyUse) -> tuple[str, str]:
    loaded = code.objects.at(use.at)
    file = loaded.name if loaded else ""
    start = use.function if use.function is not None else use.at
    name = program.symbol_at(start) or ""
    if use.function is not None and " + " in name:
        name = ""  # stripped: what comes before it by name is another function
    shown = without_parameters(name.partition(" + ")[0])
    return shown or f"{file}+0x{start - (loaded.load_base if loaded else 0):x}", file
