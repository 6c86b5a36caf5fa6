"""Guards that are called after their variables; what follows from code is in tests/integration/program."""

from __future__ import annotations

from gdb_tls.code.guards import Guard, named_guards
from gdb_tls.elf.symbols import ElfSymbol


def symbol(name: str, value: int, file: str = "") -> ElfSymbol:
    return ElfSymbol(name, value, 8, False, bool(file), file, "symtab")


def test_names_of_c_and_of_c_plus_plus() -> None:
    found = named_guards(
        [
            *(symbol("_ZN3TemI5NotedE5valueE", 0), symbol("_ZGVN3TemI5NotedE5valueE", 8)),
            *(symbol("plain", 16), symbol("_ZGV5plain", 24)),
            *(symbol("_ZZ1fvE1x_0", 32), symbol("_ZGVZ1fvE1x_0", 40)),
            *(symbol("other", 48), symbol("_ZGV7missing", 56)),
        ]
    )
    assert found == {0: Guard(8, False), 16: Guard(24, False), 32: Guard(40, False)}


def test_namesakes_have_that_of_their_file() -> None:
    name, guard = "_ZZL1fvE1x", "_ZGVZL1fvE1x"
    of_both = [symbol(name, 0, "a.cc"), symbol(guard, 8, "a.cc"), symbol(name, 16, "b.cc"), symbol(guard, 24, "b.cc")]
    assert named_guards(of_both) == {0: Guard(8, False), 16: Guard(24, False)}
    # After link-time optimisation no file is known: which guard is whose is not, either.
    assert named_guards([one._replace(file="") for one in of_both]) == {}
