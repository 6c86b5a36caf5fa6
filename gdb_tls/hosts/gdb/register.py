"""Loading the extension: registers the commands, parameters and functions, once."""

from __future__ import annotations

from gdb_tls.hosts.gdb.command import TlsCommand
from gdb_tls.hosts.gdb.family import Family
from gdb_tls.hosts.gdb.functions import TlsKey, TlsState, TlsValue
from gdb_tls.hosts.gdb.hint import CrashHint
from gdb_tls.hosts.gdb.machine_interface import machine_commands
from gdb_tls.hosts.gdb.parameters import Parameters
from gdb_tls.questions.every import every

_registered: list[object] = []


def register() -> None:
    """Registers everything; a second call changes nothing."""
    if _registered:
        return
    parameters = Parameters()
    _registered.extend([parameters, TlsValue(), TlsState(), TlsKey()])
    commands = [TlsCommand(spec, parameters.settings) for spec in every()]
    _registered.extend([*commands, Family(commands), CrashHint(parameters.hint)])
    _registered.extend(machine_commands(every(), parameters.settings))
