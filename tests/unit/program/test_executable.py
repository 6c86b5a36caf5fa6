"""Where there can be no code: what a destructor's address means when its library is gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gdb_tls.program.executable import without_code
from gdb_tls.target.facts import Region

CODE, DATA, LEFT_OUT, NOTHING, OF_OBJECT = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000


def test_code_is_what_may_be_executed() -> None:
    """A thread's stack lies where the library was; a core leaves out a file's code, which is still there."""
    regions = {CODE: Region(CODE, CODE + 8, False, True, ""), DATA: Region(DATA, DATA + 8, True, False, "")}
    memory = SimpleNamespace(are_mapped=lambda addresses: [one == LEFT_OUT for one in addresses])
    regions[OF_OBJECT] = Region(
        OF_OBJECT, OF_OBJECT + 8, False, False, "/lib/known.so"
    )  # its permissions are not known
    objects = SimpleNamespace(at=lambda address: "known.so" if address == OF_OBJECT else None)
    program: Any = SimpleNamespace(region=regions.get, target=SimpleNamespace(memory=memory), objects=objects)
    assert without_code(program, [CODE, DATA, LEFT_OUT, NOTHING, OF_OBJECT]) == {DATA, NOTHING}
