"""The commands' specs: parsers, usage, help, and that a command line leads to an answer."""

from __future__ import annotations

import argparse
import json
import re

import pytest
from unit.elfwriter import Symbol
from unit.process import Process

from gdb_tls.errors import BadArgument, NoProcess, ResolverUnavailable
from gdb_tls.program import resolve
from gdb_tls.program.choice import parse_threads
from gdb_tls.program.program import Program
from gdb_tls.questions import command_line, help, options
from gdb_tls.questions.command import CommandSpec, Option, Request, Settings
from gdb_tls.questions.every import every
from gdb_tls.questions.inspect import spec as inspect
from gdb_tls.questions.rooms import Rooms
from gdb_tls.questions.verify import spec as verify
from gdb_tls.views import csv as csv_format
from gdb_tls.views import json as json_format
from gdb_tls.views.screen import Screen

SETTINGS = Settings("passive", 20)
EVERY = {spec.name: spec for spec in every()}


def parsed(spec: CommandSpec, line: str) -> argparse.Namespace:
    return command_line.parser(spec).parse_intermixed_args(line.split())


def request(process: Process, spec: CommandSpec, line: str, settings: Settings = SETTINGS) -> Request:
    return Request(parsed(spec, line), settings, process.program)


@pytest.fixture
def app(process: Process) -> Process:
    """Two variables, in two threads; one of them touched the second module."""
    process.module("libnear.so", [Symbol("number", 0x10, 4), Symbol("pointer", 0x18)], static_offset=0x80)
    far = process.module("libfar.so", [Symbol("buffer", 0x8)])
    threads = [process.thread(lwp) for lwp in (100, 101)]
    process.block(threads[0], far)
    return process


class TestThreads:
    @pytest.mark.parametrize(
        ("text", "numbers"),
        [
            ("1", [1]),
            ("1,3-5", [1, 3, 4, 5]),
            ("1 3-5", [1, 3, 4, 5]),
            (" 2 , 4 ", [2, 4]),
            ("1,,2,", [1, 2]),
            ("3-3", [3]),
            ("5-3,1", [1]),
            ("007", [7]),
        ],
    )
    def test_lists(self, text: str, numbers: list[int]) -> None:
        assert [number for part in parse_threads(text) for number in part] == numbers

    def test_large_range_costs_nothing(self) -> None:
        assert parse_threads("1-999999999999999") == [range(1, 10**15)]

    @pytest.mark.parametrize(
        "text", ["", " ", ",", "x", "1-", "-1", "1-2-3", "1.5", "0x1", "1,x", "²", "1-x", "--1", "5-3", "all"]
    )
    def test_no_lists(self, text: str) -> None:
        with pytest.raises(BadArgument) as caught:
            parse_threads(text)
        assert caught.value.hint == "Write it like 1,3-5."

    def test_of_a_request(self, app: Process) -> None:
        assert request(app, inspect.SPEC, "x").threads is None
        assert request(app, inspect.SPEC, "x --threads 1,3-4").threads == [range(1, 2), range(3, 5)]


class TestParser:
    def test_defaults(self) -> None:
        found = parsed(inspect.SPEC, "buffer")
        assert found.name == ["buffer"]
        assert (found.format, found.via, found.output, found.threads, found.module, found.type, found.all) == (
            "table", None, None, None, None, None, False,
        )  # fmt: skip

    def test_options_anywhere(self) -> None:
        found = parsed(inspect.SPEC, "--via gdb buffer --threads 1-2 --format json --output x.json --module lib* --all")
        assert (found.name, found.via, found.threads, found.format, found.output, found.module, found.all) == (
            ["buffer"], "gdb", "1-2", "json", "x.json", "lib*", True,
        )  # fmt: skip

    def test_a_name_of_several_words(self) -> None:
        assert parsed(inspect.SPEC, "f(unsigned long)::local --all").name == ["f(unsigned", "long)::local"]

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("", "NAME"),
            ("x --via magic", "invalid choice: 'magic'"),
            ("x --format xml", "invalid choice: 'xml'"),
            ("x --threads", "expected one argument"),
            ("x --nonsense", "--nonsense"),
            ("x --thr 1", "--thr"),
        ],
    )
    def test_errors(self, line: str, said: str) -> None:
        with pytest.raises(BadArgument) as caught:
            parsed(inspect.SPEC, line)
        assert caught.value.what.startswith("tls-inspect: ") and said in caught.value.what
        assert caught.value.hint == "Type `help tls-inspect` for what it takes."

    @pytest.mark.parametrize("name", EVERY)
    def test_nothing_leaves_the_program(self, name: str) -> None:
        """argparse would end gdb with SystemExit."""
        for line in ("--help", "-h", "--version", "--format", "--format nothing"):
            with pytest.raises(BadArgument):
                parsed(EVERY[name], line)


class TestHelp:
    def test_usage(self) -> None:
        assert help.usage(inspect.SPEC) == "tls-inspect NAME [OPTION]..."
        assert help.usage(verify.SPEC) == "tls-verify [NAME] [OPTION]..."

    def test_text(self) -> None:
        long = ", which may take a long explanation which may take a long explanation"
        spec = CommandSpec(
            name="tls-try",
            summary="Try something.",
            description="\nA paragraph\nin two lines.\n\nAnother.\n",
            options=(
                Option("name", "The name", {"nargs": "+", "metavar": "NAME"}),
                Option("--way", "How to do it" + long, {"choices": ("a", "b"), "metavar": "WAY"}),
                Option("--all", "Everything", {"action": "store_true"}),
            ),
            examples=(("tls-try x", "Tries x"),),
        )  # fmt: skip
        assert help.help_text(spec).split("\n") == [
            "Try something.",
            "Usage: tls-try NAME [OPTION]...",
            "",
            "A paragraph in two lines.",
            "",
            "Another.",
            "",
            "  NAME                The name.",
            "  --way WAY           How to do it, which may take a long explanation which",
            "                      may take a long explanation: a, b.",
            "  --all               Everything.",
            "",
            "Examples:",
            "  tls-try x",
            "      Tries x.",
        ]

    @pytest.mark.parametrize("name", EVERY)
    def test_of_every_command(self, name: str) -> None:
        spec = EVERY[name]
        text = help.help_text(spec)
        assert all(len(line) <= 80 for line in text.split("\nExamples:")[0].split("\n")[1:])
        assert text.replace("\n", "").isprintable()
        assert text.split("\n")[0] == spec.summary and spec.summary.endswith(".")
        assert text.split("\n")[1] == f"Usage: {help.usage(spec)}"
        for option in spec.options:
            assert f"  {option.name} " in text or f"  {option.settings.get('metavar')} " in text
        assert "  " not in spec.summary and ".." not in text.replace("...", "")

    @pytest.mark.parametrize("name", EVERY)
    def test_examples_can_be_typed(self, name: str) -> None:
        for line, meaning in EVERY[name].examples:
            typed, _, rest = line.partition(" ")
            assert typed in EVERY
            parsed(EVERY[typed], rest)
            assert meaning[0].isupper() and not meaning.endswith(".")

    @pytest.mark.parametrize("name", EVERY)
    def test_options_are_described_alike(self, name: str) -> None:
        names = [option.name for option in EVERY[name].options]
        assert len(names) == len(set(names))
        assert {"--format", "--output"} <= set(names)
        for option in EVERY[name].options:
            assert option.help[0].isupper() and not option.help.endswith("."), option.name

    def test_names(self) -> None:
        assert next(iter(EVERY)) == "tls-inspect" and "tls-verify" in EVERY
        assert all(re.fullmatch(r"tls-[a-z]+", name) for name in EVERY)

    def test_shared_options(self) -> None:
        assert options.VIA.settings["choices"] == resolve.NAMES
        assert options.FORMATS[:3] == ("table", "json", "csv")


def rendered(spec: CommandSpec, answer: object) -> str:
    """All views of an answer: none may fail where another does not."""
    import io

    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=100, color_system=None, _environ={}).print(Rooms(spec).table(answer, Screen(100, False)))
    return text.getvalue()


class TestInspect:
    def test_table(self, app: Process) -> None:
        text = rendered(inspect.SPEC, Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "buffer")))
        assert "Unallocated in 1 of 2 threads: 2" in text
        assert "app" in text, "the thread's name"

    def test_document_and_records(self, app: Process) -> None:
        answer = Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer --format json"))
        found = json.loads("".join(json_format.render(Rooms(inspect.SPEC).document(answer))))
        assert [thread["state"] for thread in found["threads"]] == ["null", "null"]
        assert [thread["name"] for thread in found["threads"]] == ["app", "app"]
        assert "".join(csv_format.render(Rooms(inspect.SPEC).records(answer))).count("\r\n") == 3

    def test_limits(self, app: Process) -> None:
        settings = Settings("passive", 1)
        assert request(app, inspect.SPEC, "x", settings).max_rows == 1
        assert request(app, inspect.SPEC, "x --all", settings).max_rows is None
        few = Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer", settings))
        assert [len(row.threads) for row in few.rows] == [1, 1], "the selected thread has its own line"
        app.target.selected = app.target.pid = None
        few = Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer", settings))
        assert [len(row.threads) for row in few.rows] == [2]

    def test_no_stack_is_read_for_programs(self, app: Process) -> None:
        asked: list[int | None] = []
        app.target.frames = lambda thread, most, until=None: asked.append(thread.num) or []  # type: ignore[method-assign, func-returns-value]
        Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer --format json"))
        assert asked == []
        Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer --threads 2"))
        assert asked == [2]

    def test_resolver_of_the_settings(self, app: Process) -> None:
        settings = Settings("gdb", None)
        answer = Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer", settings))
        assert {one.via for one in answer.report.instances} == {"gdb"}
        answer = Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer --via passive", settings))
        assert {one.via for one in answer.report.instances} == {"passive"}

    def test_flagged(self, app: Process) -> None:
        """gdb-tls outside GDB exits 1 for these: null, dangling, shared."""
        for line, flagged in (("pointer", True), ("number", False), ("buffer --threads 2", False)):
            assert Rooms(inspect.SPEC).status(Rooms(inspect.SPEC).query(request(app, inspect.SPEC, line))) == int(
                flagged
            ), line

    def test_no_process(self) -> None:
        def none() -> Program:
            raise NoProcess("There is no process")

        with pytest.raises(NoProcess):
            Rooms(inspect.SPEC).query(Request(parsed(inspect.SPEC, "x"), SETTINGS, none))


class TestVerify:
    def test_one(self, app: Process) -> None:
        answer = Rooms(verify.SPEC).query(request(app, verify.SPEC, "pointer"))
        assert (answer.variables, answer.threads, answer.answered) == (1, 2, {"passive": 2, "gdb": 0})
        assert "in 2 threads" in rendered(verify.SPEC, answer)

    def test_all(self, app: Process) -> None:
        assert Rooms(verify.SPEC).query(request(app, verify.SPEC, "--all")).variables == 3
        assert Rooms(verify.SPEC).query(request(app, verify.SPEC, "--all --module libfar*")).variables == 1

    @pytest.mark.parametrize("line", ["", "--calls", "pointer --all"])
    def test_name_or_all(self, app: Process, line: str) -> None:
        with pytest.raises(BadArgument, match="takes a NAME or --all"):
            Rooms(verify.SPEC).query(request(app, verify.SPEC, line))

    def test_calls_on_a_core(self, app: Process) -> None:
        with pytest.raises(ResolverUnavailable) as caught:
            Rooms(verify.SPEC).query(request(app, verify.SPEC, "pointer --calls"))
        assert caught.value.hint == "Leave it out."

    def test_nothing_is_called_unasked(self, app: Process) -> None:
        app.target.kind = "live"
        Rooms(verify.SPEC).query(request(app, verify.SPEC, "--all"))
        Rooms(inspect.SPEC).query(request(app, inspect.SPEC, "pointer"))
        assert app.target.made_calls.entered == 0

    def test_flagged(self, app: Process) -> None:
        rooms = Rooms(verify.SPEC)
        assert rooms.status(rooms.query(request(app, verify.SPEC, "pointer"))) == 2  # nothing was compared
        found = rooms.query(request(app, verify.SPEC, "pointer"))._replace(compared=2)
        assert rooms.status(found) == 0
        app.target.native = {1: 0x666, 2: 0x666}
        assert rooms.status(rooms.query(request(app, verify.SPEC, "pointer"))) == 1


def test_title_is_what_was_typed() -> None:
    line = "buffer->x --threads 1-3 --format html --output x.html --all"
    assert command_line.title(inspect.SPEC, parsed(inspect.SPEC, line)) == "tls-inspect buffer->x --threads 1-3 --all"
