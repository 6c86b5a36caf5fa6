"""The pipeline of `tls-inspect`, in one readable function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from gdb_tls import resolve
from gdb_tls.errors import BadPath
from gdb_tls.model import Report, Thread
from gdb_tls.program import Program
from gdb_tls.value import follow, is_null, read_instances, untyped


class Request(NamedTuple):
    """What `tls-inspect` is asked for.

    Attributes:
        name: the variable, and perhaps a path into its value.
        via: the resolver's name.
        threads: GDB's numbers of the threads that are wanted; None for all, the ended ones too.
        module: a --module pattern; None for all.
        type: what to take the variable for; None for what its debug information says.
    """

    name: str
    via: str = "passive"
    threads: Sequence[int] | None = None
    module: str | None = None
    type: str | None = None


def inspect(program: Program, request: Request) -> Report:
    """Finds the variable, resolves it in every thread, reads and judges it.

    Raises:
        TlsError: where there is no answer for any thread.
    """
    variable, path_text = program.symbols(request.module).find(request.name)
    if request.type:
        variable = replace(variable, type=program.target.debug.parse_type(request.type))
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
    threads = wanted(program.threads, request.threads)
    resolver = resolve.make(request.via, program)
    places = resolver.resolve(variable, threads)
    if path:
        places = follow(program.target, path, places)
    return Report(
        target=program.info,
        variable=variable,
        path=path,
        type=path.type if path else variable.type,
        instances=read_instances(program.target, path.type if path else root, assumed, threads, places, resolver.name),
        starts_null=path is None and variable.initial is not None and is_null(root, variable.initial, program.target),
        selected=program.target.selected_thread(),
    )


def wanted(threads: Sequence[Thread], numbers: Sequence[int] | None) -> list[Thread]:
    """The threads with these numbers; all where none are given."""
    if numbers is None:
        return list(threads)
    chosen = set(numbers)
    return [thread for thread in threads if thread.num in chosen]
