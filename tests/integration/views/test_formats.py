"""Every format of every command; and that the program's own text is data in each of them, in a real browser too."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from integration.browser import Browser
from integration.conftest import Subjects
from integration.harness import PROGRAMS, Inferior
from integration.sessions import run_gdb
from limits import wait_until

from gdb_tls.views import html
from gdb_tls.views import page as page_model
from gdb_tls.views.page import Column, Page, Row, Table

FORMATS = ("table", "json", "csv", "html", "svg")
# What a command has to be asked; nothing where it is not here.
ARGUMENTS = {
    "tls-inspect": "early_buffer",
    "tls-access": "early_buffer",
    "tls-table": "early_buffer",
    "tls-verify": "early_buffer",
    "tls-thread": "all",
    "tls-exit": "all",
    "tls-whatis": "$sp",
    "tls-diff": "1 2",
}
SVG = "{http://www.w3.org/2000/svg}"
SYMBOL = "<img_src=x_onerror=alert(1)>"
THREADS = ["<img src=x>", "</td></table>", "\033[2J\033[31mx", "&lt;b&gt;\"'", "[bold]x[/]"]
VALUE = "<script>alert(1)</script>"


def shown(text: str) -> str:
    """A text as every format shows it: control characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Elements(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def written(
    arguments: Sequence[object], question: str, folder: Path, formats: Sequence[str] = FORMATS
) -> dict[str, str]:
    """What the command writes in each format."""
    files = {form: folder / f"answer.{form}" for form in formats}
    run_gdb(arguments, [f"{question} --format {form} --output {file}" for form, file in files.items()])
    return {form: file.read_bytes().decode() for form, file in files.items()}


# Every command in every format


def test_every_command_in_every_format(subjects: Subjects, tmp_path: Path) -> None:
    """Written to a file, each is whole, and the formats agree on how much there is."""
    subject = subjects.get("zoo", "live")
    names = run_gdb([], ["python from gdb_tls.questions.every import every; print([spec.name for spec in every()])"])
    commands = json.loads(names.stdout.strip().splitlines()[-1].replace("'", '"'))
    assert "tls-inspect" in commands
    for name in commands:
        folder = tmp_path / name
        folder.mkdir()
        answers = written(subject.arguments, f"{name} {ARGUMENTS.get(name, '')}".strip(), folder)
        document = json.loads(answers["json"])
        assert document["schema"].startswith("gdb-tls/"), name
        assert len({len(row) for row in csv.reader(io.StringIO(answers["csv"]))}) == 1, name
        picture = ElementTree.fromstring(answers["svg"])
        drawn = "".join(text.text or "" for text in picture.iter(SVG + "text")).replace("\xa0", " ")
        assert name in drawn
        first = next(line for line in answers["table"].splitlines() if line.strip())
        assert first.split()[0] in drawn, name
        page = Elements(answers["html"])
        assert page.names.count("html") == page.names.count("h1") == page.names.count("script") == 1, name
        for form in ("html", "svg"):
            assert answers[form].isascii(), (name, form)
            assert "://" not in answers[form].replace('xmlns="http://www.w3.org/2000/svg"', ""), (name, form)


def test_html_on_the_screen_is_the_same(subjects: Subjects, tmp_path: Path) -> None:
    subject = subjects.get("zoo", "core")
    for form in ("html", "svg"):
        file = tmp_path / form
        question = f"tls-inspect early_buffer --format {form}"
        result = run_gdb(subject.arguments, [f"{question} --output {file}", question])
        assert file.read_text() in result.stdout


# Text of the program


@pytest.fixture(scope="module")
def markup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inferior]:
    """A process whose names and values are markup."""
    folder = tmp_path_factory.mktemp("markup")
    compiled, renamed, program = folder / "plain.o", folder / "markup.o", folder / "markup"
    commands = [
        ["gcc", "-O1", "-c", PROGRAMS / "markup.c", "-o", compiled],
        ["objcopy", f"--redefine-sym=plain_name={SYMBOL}", compiled, renamed],
        ["gcc", "-pthread", renamed, "-o", program],
    ]
    for command in commands:
        subprocess.run(list(map(str, command)), check=True)
    with Inferior([program], folder) as inferior:
        inferior.wait_ready()
        yield inferior


@pytest.fixture(scope="module")
def hostile(markup: Inferior, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The answer about it, in every format."""
    question = f"tls-inspect {SYMBOL} --type 'char *'"
    return written(["-p", str(markup.pid)], question, tmp_path_factory.mktemp("hostile"))


def test_markup_in_json_is_as_it_was(hostile: dict[str, str]) -> None:
    document = json.loads(hostile["json"])
    assert document["variable"]["name"] == SYMBOL
    assert {row["name"] for row in document["threads"]} >= set(THREADS)
    assert "\033" not in hostile["json"]


def test_markup_in_csv_is_one_cell(hostile: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(hostile["csv"])))
    assert {row["name"] for row in rows} >= set(map(shown, THREADS))
    assert all(VALUE in row["text"] for row in rows if row["state"] == "set")
    assert hostile["csv"].replace("\r\n", "").isprintable()


def test_markup_in_a_table_is_text(hostile: dict[str, str]) -> None:
    for text in (SYMBOL, VALUE, *THREADS):
        assert shown(text) in hostile["table"]
    assert hostile["table"].replace("\n", "").isprintable()


def test_markup_in_a_picture_is_text(hostile: dict[str, str]) -> None:
    picture = ElementTree.fromstring(hostile["svg"])
    drawn = "\n".join(text.text or "" for text in picture.iter(SVG + "text")).replace("\xa0", " ")
    for text in (SYMBOL, *THREADS):
        assert shown(text) in drawn.replace("\n", "")
    names = {element.tag.removeprefix(SVG) for element in picture.iter()}
    assert names <= {"svg", "style", "defs", "clipPath", "rect", "g", "circle", "text"}
    assert hostile["svg"].replace("\n", "").isprintable()


def test_markup_in_a_page_is_text(hostile: dict[str, str]) -> None:
    page = Elements(hostile["html"])
    for text in (SYMBOL, VALUE, *THREADS):
        assert shown(text) in page.text
    assert "img" not in page.names
    assert page.names.count("script") == 1
    assert page.names.count("table") == hostile["html"].count("</table>") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]


def test_markup_does_nothing_in_a_browser(hostile: dict[str, str], browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(hostile["html"])
    browser.open(file)
    assert browser.messages() == []
    assert browser.run("return [document.images.length, document.scripts.length, document.title]") == [
        0,
        1,
        f"tls-inspect {SYMBOL} --type char *",
    ]
    names = "return [...document.querySelectorAll('.rows > tbody')].map(row => row.rows[0].cells[2].textContent)"
    assert set(browser.run(names)) >= set(map(shown, THREADS))
    # And were something let through, the page's policy would not let it run.
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    browser.run("let s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)")
    assert browser.run("return window.ran === undefined")
    assert any("Content Security Policy" in message for message in browser.messages())


# The page, in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as found:
        yield found


@pytest.fixture(scope="module")
def page(subjects: Subjects, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """A page about a variable in several states, and what its rows have to say, by thread number."""
    folder = tmp_path_factory.mktemp("page")
    answers = written(subjects.get("zoo", "live").arguments, "tls-inspect early_buffer", folder, ("html", "json"))
    threads = json.loads(answers["json"])["threads"]
    return folder / "answer.html", {
        str(one["num"]): [str(one["lwp"]), one["state"], one["address"] or ""] for one in threads if one["num"]
    }


ROWS = "let rows = [...document.querySelectorAll('.rows > tbody')].filter(row => row.offsetParent);"
NUMBERS = ROWS + "return rows.map(row => row.querySelector('.open').textContent)"


TOO_WIDE = """
    return [...document.querySelectorAll('main *')]
        .filter(e => e.offsetParent && !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.outerHTML.slice(0, 80))"""

TOO_SMALL = """
    return [...document.querySelectorAll('.tools button, thead button')]
        .filter(e => e.offsetParent && e.offsetHeight < 40)
        .map(e => e.outerHTML)"""

# WCAG 2.1, "contrast ratio"
POOR_CONTRAST = """
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgb = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const part = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const light = c => [.2126, .7152, .0722].reduce((sum, weight, i) => sum + weight * part(c[i] / 255), 0);
    const ground = e => {
        for (; e; e = e.parentElement) {
            const colour = rgb(getComputedStyle(e).backgroundColor);
            if (colour[3] == 255) return colour;
        }
        return [255, 255, 255, 255];
    };
    const poor = [];
    for (const e of document.body.querySelectorAll('*')) {
        const says = [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim());
        if (!e.offsetParent || !says) continue;
        const pair = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
        const ratio = (pair[0] + .05) / (pair[1] + .05);
        if (ratio < 4.5) poor.push(e.outerHTML.slice(0, 60) + ' ' + ratio);
    }
    return poor"""


def test_page_has_every_thread(page: tuple[Path, dict[str, list[str]]], browser: Browser) -> None:
    file, threads = page
    browser.open(file)
    assert browser.messages() == []
    assert [number for number in browser.run(NUMBERS) if number in threads] == list(threads)
    states = browser.run(ROWS + "return rows.map(row => [row.querySelector('.open').textContent, row.dataset.state])")
    assert {number: state for number, state in states if number in threads} == {n: row[1] for n, row in threads.items()}
    assert browser.run("return getComputedStyle(document.querySelector('.details')).display") == "none"


def test_page_sorts(page: tuple[Path, dict[str, list[str]]], browser: Browser) -> None:
    file, threads = page
    browser.open(file)
    heading = "let h = [...document.querySelectorAll('.rows thead th')].find(h => h.textContent == arguments[0]);"
    lwps = ROWS + "return rows.map(row => row.rows[0].cells[1].textContent).filter(Boolean)"
    browser.run(heading + "h.querySelector('button').click()", "LWP")
    assert browser.run(lwps) == sorted((row[0] for row in threads.values()), key=int)
    assert browser.run(heading + "return h.getAttribute('aria-sort')", "LWP") == "ascending"
    browser.run(heading + "h.querySelector('button').click()", "LWP")
    assert browser.run(lwps) == sorted((row[0] for row in threads.values()), key=int, reverse=True)
    browser.run(heading + "h.querySelector('button').focus()", "Thread")
    browser.type("Enter")
    assert [number for number in browser.run(NUMBERS) if number in threads] == list(threads)


def to_search(browser: Browser) -> None:
    """Presses `/`; a page that has just been opened may not have the keyboard yet."""

    def there() -> bool:
        return bool(browser.run("return document.activeElement.type") == "search")

    def press() -> bool:
        browser.type("/")
        return there()

    wait_until(lambda: there() or press(), "the search field has the keyboard")


def test_page_filters(page: tuple[Path, dict[str, list[str]]], browser: Browser) -> None:
    file, threads = page
    browser.open(file)
    number, (_, _, address) = next((n, row) for n, row in threads.items() if row[2])
    to_search(browser)
    browser.type(*address)
    assert browser.run(NUMBERS) == [number], "an address is found in a row that is shut"
    assert browser.run("return document.querySelector('.tools output').textContent").startswith("1 of ")
    browser.type("Escape")
    assert set(browser.run(NUMBERS)) >= set(threads)
    for state in {row[1] for row in threads.values()}:
        chip = "document.querySelector(`.chips [data-state='${arguments[0]}']`).click()"
        browser.run(chip, state)
        wanted = [number for number, row in threads.items() if row[1] == state]
        assert [number for number in browser.run(NUMBERS) if number in threads] == wanted
        browser.run(chip, state)
    to_search(browser)
    browser.type(*"no such text")
    assert browser.run(NUMBERS) == []
    assert browser.run("return document.querySelector('.empty').hidden") is False


def test_page_opens_rows_by_keyboard(page: tuple[Path, dict[str, list[str]]], browser: Browser) -> None:
    file, threads = page
    browser.open(file)
    for _ in range(30):
        browser.type("Tab")
        if browser.run("return document.activeElement.className") == "open":
            break
    first, second = list(threads)[:2]
    focused = "return document.activeElement.textContent"
    assert browser.run(focused) == first
    browser.type("ArrowDown")
    assert browser.run(focused) == second
    browser.type("Enter")
    opened = "let row = document.querySelector('tbody.opened'); return row && row.querySelector('.details').innerText"
    text = browser.run(opened)
    assert threads[second][0] in text
    assert threads[second][2] in text
    assert browser.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    browser.type("Enter")
    assert browser.run(opened) is None
    assert browser.messages() == []


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
def test_page_fits_the_screen(
    width: int, page: tuple[Path, dict[str, list[str]]], hostile: dict[str, str], browser: Browser, tmp_path: Path
) -> None:
    """Nothing is wider than the screen, with all rows open; on a phone what is to be touched is large enough."""
    long = tmp_path / "hostile.html"
    long.write_text(hostile["html"])
    for file in (page[0], long):
        browser.open(file, width=width)
        browser.run("document.querySelector('.all').click()")
        assert browser.run("return document.documentElement.scrollWidth") <= width
        # A phone would zoom out for what is cut off; so nothing may be cut off either.
        assert browser.run(TOO_WIDE) == []
        if width < 600:
            assert browser.run(TOO_SMALL) == []


@pytest.fixture(scope="module")
def richer(subjects: Subjects, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages that are more than tables, and one with tables in its rows."""
    found = {}
    for question in ("tls-map", "tls-audit --all"):
        folder = tmp_path_factory.mktemp("richer")
        written(subjects.get("zoo", "live").arguments, question, folder, ("html", "json"))
        found[question.split()[0]] = folder
    return found


def test_map_has_every_state(richer: dict[str, Path], browser: Browser) -> None:
    """Cell by cell; and a thread's row opens to its variables."""
    document = json.loads((richer["tls-map"] / "answer.json").read_text())
    browser.open(richer["tls-map"] / "answer.html")
    cells = """
        return [...document.querySelectorAll('.map tbody:not(.group) tr')].map(
            row => [row.cells[0].textContent, ...[...row.querySelectorAll('.cell')].map(c => c.classList[1])])"""
    lines = [[one["name"], *one["states"]] for one in document["variables"]]
    shown = browser.run(cells)
    assert sorted(shown) == sorted(lines)
    files = {one["name"]: one["module"]["path"].rsplit("/", 1)[-1] for one in document["variables"]}
    of_runtimes = [files[name].startswith(("libc.so", "libstdc++.so")) for name, *_ in shown]
    assert not any(of_runtimes[: of_runtimes.index(True)]) and all(of_runtimes[of_runtimes.index(True) :]), (
        "the C library's come last"
    )
    browser.run("document.querySelector('.open').click()")
    inner = "return [...document.querySelectorAll('.opened .inner tbody th')].map(cell => cell.textContent)"
    assert browser.run(inner) == [one["name"] for one in document["variables"]]


def test_audit_has_every_finding(richer: dict[str, Path], browser: Browser) -> None:
    document = json.loads((richer["tls-audit"] / "answer.json").read_text())
    browser.open(richer["tls-audit"] / "answer.html")
    shown = browser.run("return [...document.querySelectorAll('.findings > li')].map(one => one.textContent)")
    assert len(shown) == len(document["findings"]) > 0
    for text, finding in zip(shown, document["findings"]):
        assert finding["variable"]["name"] in text
        assert all(reason["sentence"] in text for reason in finding["reasons"])


@pytest.mark.parametrize("name", ["tls-map", "tls-audit"])
def test_richer_pages_fit_and_can_be_read(name: str, richer: dict[str, Path], browser: Browser) -> None:
    for width, dark in ((360, False), (360, True), (1100, False)):
        browser.open(richer[name] / "answer.html", width=width, dark=dark)
        browser.run("document.querySelectorAll('summary').forEach(one => one.click())")
        browser.run("const all = document.querySelector('.all'); if (all) all.click()")
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run(TOO_WIDE) == []
        assert browser.run(POOR_CONTRAST) == []
        assert browser.messages() == []


def test_page_is_light_and_dark(page: tuple[Path, dict[str, list[str]]], browser: Browser) -> None:
    """And can be read in both: WCAG's contrast of 4.5 for every text."""
    grounds = []
    for dark in (False, True):
        browser.open(page[0], dark=dark)
        browser.run("document.querySelector('.all').click()")
        assert browser.run(POOR_CONTRAST) == []
        grounds.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


def test_page_of_thousands_shows_the_first_and_then_all(browser: Browser, tmp_path: Path) -> None:
    """The filter and the order are of all rows, whether or not they are on the screen."""
    columns = [Column("Thread", page_model.NUMBER), Column("State", page_model.STATE)]
    rows = [Row([number, "set" if number % 3 else "null"]) for number in range(2_000)]
    file = tmp_path / "many.html"
    file.write_text(html.render(Page([], [Table("Threads", columns, rows)]), "many"))
    browser.open(file)
    seen = ROWS + "return rows.map(row => row.rows[0].cells[0].textContent)"
    said = "return document.querySelector('output').textContent"
    more = "document.querySelector('.more')"
    assert browser.run(seen) == [str(number) for number in range(500)] and browser.run(said) == "2,000 threads"
    assert browser.run(f"return {more}.textContent") == "Show all 2,000, not only the first 500"
    browser.run("document.querySelector('thead button').click(); document.querySelector('thead button').click()")
    assert browser.run(seen)[:2] == ["1999", "1998"] and len(browser.run(seen)) == 500
    browser.run("document.querySelector('.chips [data-state=null]').click()")
    assert browser.run(seen)[:2] == ["1998", "1995"] and browser.run(said) == "667 of 2,000 threads"
    browser.run(f"{more}.click()")
    assert len(browser.run(seen)) == 667 and browser.run(f"return {more}.hidden")
    assert browser.messages() == []
