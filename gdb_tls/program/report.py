"""One variable in every thread: the whole way from its name to its instances, in one readable function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gdb_tls.errors import BadPath
from gdb_tls.program import resolve
from gdb_tls.program.choice import wanted
from gdb_tls.program.instances import Instances
from gdb_tls.program.program import Program
from gdb_tls.program.value import is_null, read_instances, untyped
from gdb_tls.program.walk import follow
from gdb_tls.target.model import Path, TargetInfo, Type, Variable


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
        left_out: what to type for each other variable of that name, which was not meant.
        is_part: whether the program has threads that were not asked for.
    """

    target: TargetInfo
    variable: Variable
    path: Path | None
    type: Type | None
    instances: Instances
    starts_null: bool
    selected: int | None = None
    left_out: Sequence[str] = ()
    is_part: bool = False

    @property
    def expression(self) -> str:
        """The variable and the path into it, as a user writes them."""
        return self.variable.name + (self.path.text if self.path else "")


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
    variable, path_text, left_out = program.symbols(module).find(name)
    if type:
        variable = variable._replace(type=program.target.debug.parse_type(type))
    root, assumed = (
        (variable.type, ())
        if variable.type
        else untyped(variable.size, program.target.architecture.pointer_size, variable.linkage_name)
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
    if path:
        places = follow(program.target, path, places)
    instances = read_instances(
        program.target,
        path.type if path else root,
        assumed,
        asked,
        places,
        resolver.name,
        are_constant=program.constants.among,
    )
    if len(chosen) < len(asked):
        kept = set(chosen)
        instances = instances.select([index for index, thread in enumerate(asked) if thread in kept])
    return Report(
        target=program.info,
        variable=variable,
        path=path,
        type=path.type if path else None if assumed else root,
        instances=instances,
        starts_null=path is None and variable.initial is not None and is_null(root, variable.initial, program.target),
        selected=program.target.selected_thread(),
        left_out=left_out,
        is_part=len(chosen) < len(every),
    )
