"""One variable in every thread: the whole way from its name to its instances, in one readable function."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gdb_tls.errors import BadPath, TlsError
from gdb_tls.program import resolve
from gdb_tls.program.choice import wanted
from gdb_tls.program.instances import Instances
from gdb_tls.program.lookup import Found
from gdb_tls.program.names import SUFFIXES, is_glob
from gdb_tls.program.program import Program
from gdb_tls.program.value import is_null, read_instances, untyped
from gdb_tls.program.walk import follow
from gdb_tls.target.model import Absence, Flag, Kind, Path, State, TargetInfo, Type, Variable
from gdb_tls.tuples import NamedTuple

NO_USERS = (
    "No code uses it: an optimiser has removed what the source does with it, and each thread holds what it began with."
)


class Report(NamedTuple):
    """One variable in every thread.

    Attributes:
        target: the program.
        variable: the root variable that was asked for.
        path: the path into it; None for the variable itself.
        type: the type of what was read (the path's end); None where it is not known.
        instances: one for every thread, in the order of the threads' numbers.
        starts_null: whether a new block would hold a null pointer there.
        selected: the number of GDB's selected thread; None where there is none.
        found: how the name was understood, and what else is called so; None where there was no name.
        is_part: whether the program has threads that were not asked for.
        prefix: "&" where the addresses were asked for; else empty.
        caution: why what was read is not what the source says, as a sentence; empty where nothing speaks for that.
    """

    target: TargetInfo
    variable: Variable
    path: Path | None
    type: Type | None
    instances: Instances
    starts_null: bool
    selected: int | None = None
    found: Found | None = None
    is_part: bool = False
    prefix: str = ""
    caution: str = ""

    @property
    def expression(self) -> str:
        """The variable and the path into it, as a user writes them."""
        return self.prefix + self.variable.name + (self.path.text if self.path else "")


def inspect(
    program: Program,
    name: str,
    via: str = "passive",
    threads: Sequence[range] | None = None,
    module: str | None = None,
    type: str | None = None,
    *,
    with_names: bool = True,
) -> Report:
    """Finds the variable, resolves it in every thread, reads and judges it.

    Args:
        program: where it is.
        name: the variable, and perhaps a path into its value.
        via: the resolver's name.
        threads: ranges of GDB's numbers of the threads that are wanted; None for all, the ended ones too.
        module: a --module pattern; None for all.
        type: what to take the variable for; None for what its debug information says.
        with_names: whether the threads' names are wanted.

    Raises:
        TlsError: where there is no answer for any thread.
    """
    prefix, bare = _split_prefix(name)
    found = program.symbols(module).find(bare)
    return inspect_found(program, found, prefix, via, threads, type, with_names=with_names)


def matching(program: Program, name: str, module: str | None = None) -> tuple[str, list[Found]]:
    """What stands before a pattern of names, and the variables that it matches; none where it is no pattern."""
    prefix, bare = _split_prefix(name)
    if not is_glob(bare):
        return prefix, []
    return prefix, [Found(variable, "") for variable in program.symbols(module).matching(bare)]


def with_copies(program: Program, name: str, module: str | None = None) -> tuple[str, list[Found]]:
    """What stands before a name, the variable, and its other definitions, which no code uses."""
    prefix, bare = _split_prefix(name)
    symbols = program.symbols(module)
    found = symbols.find(bare)
    return prefix, [found, *symbols.copies_of(found)]


def _pointer_to(name: str) -> str:
    return f"{name}{'' if name.endswith('*') else ' '}*"


def _split_prefix(name: str) -> tuple[str, str]:
    """Splits `*NAME` and `&NAME`; a pattern may begin with a star, too.

    Raises:
        BadPath: where it is neither.
    """
    name = re.sub(r"^\(\s*\*([^()]+)\)\s*\.", r"\1->", name.strip())  # (*NAME).member
    if is_glob(name) and "&" not in name:
        return "", name
    prefix = re.match(r"[*&\s]*", name)[0].replace(" ", "")  # type: ignore[index]
    if prefix.strip("*") not in ("", "&"):
        raise BadPath(f"{name} cannot be read", "Use NAME, *NAME or &NAME.")
    return prefix, name.lstrip("*& \t")


def inspect_found(
    program: Program,
    found: Found,
    prefix: str = "",
    via: str = "passive",
    threads: Sequence[range] | None = None,
    type: str | None = None,
    *,
    with_names: bool = True,
) -> Report:
    """Resolves a variable that is found in every thread, reads and judges it.

    Args:
        program: where it is.
        found: the variable, and the path into it.
        prefix: "&" for its address, "*" for what it points to.
        via: see `inspect`.
        threads: see `inspect`.
        type: see `inspect`.
        with_names: see `inspect`.

    Raises:
        TlsError: where there is no answer for any thread.
    """
    # As in C, `*name->member` is what the member points to.
    variable, path_text = found.variable, found.path + "[0]" * prefix.count("*")
    if type:
        variable = variable._replace(type=program.target.debug.parse_type(type))
    pointer_size = program.target.architecture.pointer_size
    root, assumed = (
        (variable.type, ()) if variable.type else untyped(variable.size, pointer_size, variable.linkage_name)
    )
    path = None
    if path_text:
        if variable.type is None:
            raise BadPath(
                f"The type of {variable.name} is not known, so {path_text} cannot be followed",
                "Give it with --type 'TYPE'.",
            )
        path = program.target.debug.parse_path(variable.name, root, path_text)
    every = program.threads if with_names else program.unnamed_threads
    chosen = wanted(every, threads)
    resolver = resolve.make(via, program)
    # Whether an object is shared shows in all threads only; but nothing is called in one that was not asked for.
    asked = every if resolver.name == "passive" else chosen
    places = resolver.resolve(variable, asked)
    lives = program.lives(variable, asked)
    if root.inside:
        places = [place + root.inside if isinstance(place, int) else place for place in places]
    if path:
        roots, places = places, follow(program.target, path, places)
        # In an object that does not live is nothing that could be missing.
        for index, life in enumerate(lives or ()):
            if life and life.state and isinstance(roots[index], int) and not isinstance(places[index], int):
                places[index] = Absence(life.state, life.reason or "")
    instances = read_instances(
        program.target,
        path.type if path else root,
        assumed,
        asked,
        places,
        resolver.name,
        are_constant=program.constants.among,
        lives=lives,
    )
    if len(chosen) < len(asked):
        kept = set(chosen)
        instances = instances.select([index for index, thread in enumerate(asked) if thread in kept])
    kind = path.type if path else None if assumed else root
    if "&" in prefix:
        instances, kind = (
            _addresses(instances),
            Type(_pointer_to(kind.name if kind else "void"), Kind.POINTER, pointer_size),
        )
    return Report(
        target=program.info,
        variable=variable,
        path=path,
        type=kind,
        instances=instances,
        starts_null=not prefix
        and path is None
        and variable.initial is not None
        and root.storage is None
        and is_null(root, variable.initial, program.target),
        selected=program.target.selected_thread(),
        found=found,
        is_part=len(chosen) < len(every),
        prefix="&" if "&" in prefix else "",
        caution="" if "&" in prefix else _caution(program, variable, instances),
    )


def _caution(program: Program, variable: Variable, instances: Instances) -> str:
    """Whether an optimiser has left a variable that no code uses any more: its value is not that of the source.

    Code is read for what has a name that optimisers give, and holds in every thread what it began with.
    """
    if not (variable.initial and SUFFIXES.search(variable.linkage_name)):
        return ""
    addresses = [one.address for one in instances if one.address is not None]
    if any(raw != variable.initial for raw in program.target.memory.read_many(addresses, variable.size)):
        return ""
    from gdb_tls.program.accesses import users_of

    try:
        found = users_of(program, variable, 0, variable.size)
    except TlsError:
        return ""
    is_sure = not (found.unread or found.undecided or found.unexplained or found.interrupted)
    return NO_USERS if is_sure and not found.functions else ""


def _addresses(instances: Instances) -> Instances:
    """Where the instances are, as values."""
    return Instances.of(
        one
        if one.address is None
        else one._replace(
            state=State.SET,
            flags=tuple(flag for flag in one.flags if flag is Flag.EXITED),
            value=one.address,
            text=f"0x{one.address:x}",
            reason=None,
        )
        for one in instances
    )
