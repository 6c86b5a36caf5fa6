"""What std::thread calls, by the name of its state's class."""

from __future__ import annotations

import pytest

from gdb_tls.program.starts import called, shortened
from gdb_tls.program.where import without_return_type

STATE = "vtable for std::thread::_State_impl<std::thread::_Invoker<std::tuple<{}> > > + 16"
ASYNC = (
    "vtable for std::thread::_State_impl<std::thread::_Invoker<std::tuple<std::__future_base::_Async_state_impl<"
    "std::thread::_Invoker<std::tuple<{0}> >, void>::_Async_state_impl(std::thread::_Invoker<std::tuple<{0}> >&&)"
    "::{{lambda()#1}}> > >"
)


@pytest.mark.parametrize(
    ("vtable", "name", "pointer_at"),
    [
        (STATE.format("main::{lambda()#1}"), "main::{lambda()#1}", None),
        (STATE.format("serve(int, std::vector<int>&)::{lambda(int)#2}, int"), "serve::{lambda(int)#2}", None),
        (STATE.format("(anonymous namespace)::Pool<int, 3>"), "Pool<int, 3>", None),
        (ASYNC.format("main::{lambda()#2}"), "main::{lambda()#2}", None),
        (STATE.format("void (*)()"), "", 8),
        (STATE.format("void (*)(int, int*), int, int*"), "", 24),
        (STATE.format("void (Flusher::*)(), Flusher*"), "", 16),
        (STATE.format("void (*)(bool, char), bool, char"), "", 16),
        # The pointer stands behind an argument whose size the name does not tell.
        (STATE.format("void (*)(Job), Job"), "", None),
        ("vtable for Server + 16", "", None),
        ("", "", None),
    ],
)
def test_called(vtable: str, name: str, pointer_at: int | None) -> None:
    assert called(vtable, 8) == (name, pointer_at)


def test_shortened() -> None:
    assert shortened("(anonymous namespace)::serve(int)::{lambda(char)#1}") == "serve::{lambda(char)#1}"
    assert shortened("run(int)") == "run(int)"


@pytest.mark.parametrize(
    ("function", "bare"),
    [
        (
            "void std::__invoke_impl<void, f()>(std::__invoke_other)",
            "std::__invoke_impl<void, f()>(std::__invoke_other)",
        ),
        ("run(int, char const*)", "run(int, char const*)"),
        ("operator new(unsigned long)", "operator new(unsigned long)"),
        ("Text::operator std::string() const", "Text::operator std::string() const"),
        ("(anonymous namespace)::run(int) const", "(anonymous namespace)::run(int) const"),
        ("std::vector<int, std::allocator<int> > make<int>(int)", "make<int>(int)"),
        (
            "main::{lambda(int, char)#1}::operator()(int, char) const",
            "main::{lambda(int, char)#1}::operator()(int, char) const",
        ),
        ("main", "main"),
        ("", ""),
    ],
)
def test_without_return_type(function: str, bare: str) -> None:
    assert without_return_type(function) == bare
