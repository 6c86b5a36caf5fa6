"""The pipeline of `tls-inspect`, in one readable function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gdb_tls.errors import BadArgument, BadPath
from gdb_tls.program import resolve
from gdb_tls.program.program import Program
from gdb_tls.program.value import follow, is_null, read_instances, untyped
from gdb_tls.target.model import Report, Thread


class Request(NamedTuple):
    """What `tls-inspect` is asked for.

    Attributes:
        name: the variable, and perhaps a path into its value.
        via: the resolver's name.
        threads: ranges of GDB's numbers of the threads that are wanted; None for all, the ended ones too.
        module: a --module pattern; None for all.
        type: what to take the variable for; None for what its debug information says.
        names: whether the threads' names are wanted.
    """

    name: str
    via: str = "passive"
    threads: Sequence[range] | None = None
    module: str | None = None
    type: str | None = None
    names: bool = True


def inspect(program: Program, request: Request) -> Report:
    """Finds the variable, resolves it in every thread, reads and judges it.

    Raises:
        TlsError: where there is no answer for any thread.
    """
    variable, path_text = program.symbols(request.module).find(request.name)
    if request.type:
        variable = variable._replace(type=program.target.debug.parse_type(request.type))
    root, assumed = (
        (variable.type, ()) if variable.type else untyped(variable.size, program.target.architecture.pointer_size)
    )
    path = None
    if path_text:
        if variable.type is None:
            raise BadPath(
                f"The type of {variable.name} is not known, so {path_text} cannot be followed",
                "Give it with --type 'TYPE'.",
            )
        path = program.target.debug.parse_path(variable.name, root, path_text)
    every = program.threads if request.names else program.unnamed_threads
    chosen = wanted(every, request.threads)
    resolver = resolve.make(request.via, program)
    # Whether an object is shared shows in all threads only; but nothing is called in one that was not asked for.
    threads = every if resolver.name == "passive" else chosen
    places = resolver.resolve(variable, threads)
    if path:
        places = follow(program.target, path, places)
    instances = read_instances(program.target, path.type if path else root, assumed, threads, places, resolver.name)
    if len(chosen) < len(threads):
        asked = set(chosen)
        instances = instances.select([index for index, thread in enumerate(threads) if thread in asked])
    return Report(
        target=program.info,
        variable=variable,
        path=path,
        type=path.type if path else None if assumed else root,
        instances=instances,
        starts_null=path is None and variable.initial is not None and is_null(root, variable.initial, program.target),
        selected=program.target.selected_thread(),
    )


def wanted(threads: Sequence[Thread], numbers: Sequence[range] | None) -> list[Thread]:
    """The threads with these numbers; all where none are given.

    Raises:
        BadArgument: where no thread has one of the numbers.
    """
    if numbers is None:
        return list(threads)
    # `None in range(...)` would compare with every number of it.
    listed = [thread for thread in threads if thread.num is not None]
    chosen = [thread for thread in listed if any(thread.num in part for part in numbers)]
    if not chosen:
        known = [thread.num for thread in threads if thread.num is not None]
        asked = ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in numbers if part)
        raise BadArgument(
            f"There is no thread {asked}", f"GDB's threads have the numbers {min(known)} to {max(known)}."
        )
    return chosen
