"""What `tls-access` finds: the functions that use a variable, and the threads that are in them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from gdb_tls.code import accesses as kinds
from gdb_tls.code.index import CodeIndex, code_index
from gdb_tls.errors import BadPath
from gdb_tls.program.accesses import WRAPPER, CodeFunction, CodePlace, Users, users_of, with_lines
from gdb_tls.program.lookup import Found
from gdb_tls.program.program import Program
from gdb_tls.program.stacks import Passage, Stacks, passages
from gdb_tls.questions.command import Request
from gdb_tls.target.model import TargetInfo, Type, Variable
from gdb_tls.target.progress import SILENT, Progress
from gdb_tls.tuples import NamedTuple

# What is said of a place: the kinds of the index, but a value that the function itself has just written needs no
# check, and writing null is another matter than giving a value.
WRITE, WRITE_NULL, UNCHECKED, PASSED, ADDRESS = "write", "write-null", "unchecked", "passed", "address-taken"
OWN_VALUE, CHECKED, READ = "own-value", "checked", "read"
USES = (WRITE, WRITE_NULL, ADDRESS, UNCHECKED, PASSED, READ, OWN_VALUE, CHECKED)
_BY_KIND = {
    kinds.READ_CHECKED: CHECKED,
    kinds.READ_DEREFERENCED: UNCHECKED,
    kinds.READ_PASSED: PASSED,
    kinds.ADDRESS_TAKEN: ADDRESS,
    kinds.READ: READ,
}


def use_of(place: CodePlace) -> str:
    """What a place does with the variable."""
    access = place.access
    if access.kind == kinds.WRITE:
        return WRITE_NULL if access.of_null else WRITE
    return OWN_VALUE if access.after_write and access.kind == kinds.READ_DEREFERENCED else _BY_KIND[access.kind]


class UserRow(NamedTuple):
    """A function, and what is known of it.

    Attributes:
        function: the function, with its places.
        uses: how many of them do what, in the order of `USES`.
        passages: where threads are in it now.
    """

    function: CodeFunction
    uses: Mapping[str, int]
    passages: Sequence[Passage]

    @property
    def writes(self) -> bool:
        """Whether it writes the variable."""
        return WRITE in self.uses or WRITE_NULL in self.uses

    @property
    def gives_address(self) -> bool:
        """Whether others get the variable's address from it, who may write it."""
        # A wrapper that is not exported is called by its own module's code only, whose accesses are known.
        is_wrapper = self.function.linkage_name.startswith(WRAPPER) and not self.function.exported
        return ADDRESS in self.uses and not is_wrapper

    @property
    def is_unchecked(self) -> bool:
        """Whether it uses the value as an address without a check."""
        return UNCHECKED in self.uses


class Answer(NamedTuple):
    """What `tls-access` found.

    Attributes:
        target: the program.
        found: the variable, and how its name was understood.
        path: the path to a member of it; empty for all of it.
        type: of the variable or member; None where it is not known.
        offset: of the member in the variable.
        size: of the variable or member.
        users: all code that uses it.
        rows: the functions: those that write first, then those that use it unchecked, then the rest.
        stacks: where threads are in them.
        selected: the number of the selected thread; None where there is none.
        most: how many functions a table shows; None for all.
    """

    target: TargetInfo
    found: Found
    path: str
    type: Type | None
    offset: int
    size: int
    users: Users
    rows: Sequence[UserRow]
    stacks: Stacks
    selected: int | None
    most: int | None = None

    @property
    def variable(self) -> Variable:
        """The variable."""
        return self.found.variable

    @property
    def expression(self) -> str:
        """The variable or member, as a user writes it."""
        return self.variable.name + self.path


def query(request: Request) -> Answer:
    """Finds the variable, then the code that uses it, then the threads that are in that code."""
    program = request.program()
    text = " ".join(request.arguments.name)
    if re.match(r"\s*[*&]", text):
        raise BadPath(f"{text} is no variable", "Give the variable's name, or that of a member: NAME.field.")
    found = program.symbols(request.arguments.module).find(text)
    answer = access(program, found, request.progress)
    rows = [row._replace(function=with_lines(program, row.function)) for row in answer.rows]
    return _with_threads(program, answer._replace(rows=rows), request.progress)._replace(most=request.max_rows)


def access(program: Program, found: Found, progress: Progress = SILENT) -> Answer:
    """Finds the code that uses a variable; no stack is read, and no source line.

    Raises:
        BadPath: where a path leads out of the variable.
        TlsError: as `users_of`.
    """
    kind, offset, size = _part(program, found)
    users = users_of(program, found.variable, offset, size, progress)
    rows = [made_row(one, ()) for one in users.functions]
    return Answer(
        target=program.info,
        found=found,
        path=found.path,
        type=kind,
        offset=offset,
        size=size,
        users=users,
        rows=sorted(rows, key=_rank),
        stacks=Stacks((), 0, 0, None),
        selected=program.target.selected_thread(),
    )


def _with_threads(program: Program, answer: Answer, progress: Progress) -> Answer:
    """The answer with the threads that are in that code."""
    stacks = passages(program, _function_at(answer.users), progress)
    by_start: dict[int | None, list[Passage]] = {}
    for passage in stacks.passages:
        by_start.setdefault(passage.function, []).append(passage)
    rows = [row._replace(passages=by_start.get(row.function.start, ())) for row in answer.rows]
    return answer._replace(rows=rows, stacks=stacks)


def _part(program: Program, found: Found) -> tuple[Type | None, int, int]:
    """(type, offset in the variable, size) of the variable, or of the member to which a path leads."""
    variable = found.variable
    size = variable.size or program.target.architecture.pointer_size
    if not found.path:
        return variable.type, 0, size
    if variable.type is None:
        raise BadPath(f"The type of {variable.name} is not known, so {found.path} cannot be followed")
    path = program.target.debug.parse_path(variable.name, variable.type, found.path)
    if any(step.pointer_offset is not None or step.bound or step.lookup for step in path.steps):
        raise BadPath(
            f"{variable.name}{found.path} is not in the thread-local variable itself",
            f"Ask for {variable.name}: code gets there through it.",
        )
    return path.type, sum(step.offset for step in path.steps), path.type.size


def made_row(function: CodeFunction, found: Sequence[Passage]) -> UserRow:
    """A function with what it does, counted."""
    counts = Counter(map(use_of, function.places))
    return UserRow(function, {use: counts[use] for use in USES if counts[use]}, found)


def _rank(row: UserRow) -> tuple[int, str, int]:
    order = (row.writes, row.is_unchecked, row.gives_address, PASSED in row.uses)
    first = next((index for index, holds in enumerate(order) if holds), len(order))
    return first, row.function.object.name, row.function.places[0].address


def _function_at(users: Users) -> Callable[[int], int | None]:
    """What finds the function in which an address in memory is, among those that use the variable."""
    return _Ranges(users).function_at


class _Ranges:
    """The code of some functions, in memory."""

    def __init__(self, users: Users) -> None:
        self._wanted = {one.start for one in users.functions}
        objects = {one.object.load_base: one.object.path for one in users.functions}
        # (start, end, load base, index) of the executable segments of these objects, by address.
        self._segments: list[tuple[int, int, int, CodeIndex]] = []
        for base, path in sorted(objects.items()):
            index = code_index(path or "")
            for address, code in index.functions.executable:
                self._segments.append((base + address, base + address + len(code), base, index))
        self._segments.sort(key=lambda one: one[0])
        self._starts = [start for start, _, _, _ in self._segments]

    def function_at(self, address: int) -> int | None:
        """Where the wanted function begins in which an address is; None where it is in none."""
        at = bisect_right(self._starts, address) - 1
        if at < 0 or address >= self._segments[at][1]:
            return None
        _, _, base, index = self._segments[at]
        start = index.function_of(address - base)
        return base + start if start is not None and base + start in self._wanted else None


def unanswered(answer: Answer) -> bool:
    """Whether no code is found that uses it, and code is there that could not be read."""
    return not answer.rows and bool(answer.users.unread)
