"""The report as a person opens it from disk: at every width, in the dark, in both languages, on paper."""

import base64
from collections.abc import Iterator

import pytest

import axe
import browser

pytestmark = [pytest.mark.server, pytest.mark.skipif(browser.PROGRAM is None, reason="chromium is not installed")]

SMALLEST = 10.5  # pixels of a line that can still be read
WIDTHS = {"desk": 1280, "tablet": 820, "phone": 360}
CUT = """
    [...document.querySelectorAll('h1, h2, h3, p, dd, figure svg')]
    .filter(e => e.getClientRects().length)
    .filter(e => (box => box.left < -1 || box.right > innerWidth + 1)(e.getBoundingClientRect()))
    .map(e => e.outerHTML.slice(0, 200))
"""
SHOWN = "[...document.querySelectorAll('figure svg')].filter(e => e.getClientRects().length)"


@pytest.fixture(scope="module")
def opened(page: str, empty_page: str, tmp_path_factory) -> Iterator[tuple[browser.Browser, dict[str, str]]]:
    """A browser, and where the reports of a small night and of an empty warehouse lie."""
    folder = tmp_path_factory.mktemp("report-browser")
    (folder / "small.html").write_text(page, "utf-8")
    (folder / "empty.html").write_text(empty_page, "utf-8")
    with browser.browsing(folder / "profile") as chromium:
        yield chromium, {name: (folder / f"{name}.html").as_uri() for name in ("small", "empty")}


def test_it_opens_from_disk_switches_language_and_asks_nobody_for_anything(opened):
    chromium, urls = opened
    chromium.look()
    chromium.requested.clear()
    chromium.complaints.clear()
    chromium.go(urls["small"])
    seen = {}
    for language, title in (("zh", "Perennial：2017-09-30 晚间报告"), ("en", "Perennial: night of 2017-09-30")):
        chromium.run(f"document.querySelector('[data-language={language}]').click()")
        assert chromium.run("document.documentElement.lang") == language
        assert chromium.run("document.title") == title
        seen[language] = chromium.run("document.body.innerText")
    assert "At a glance" in seen["en"]
    assert "At a glance" not in seen["zh"]
    assert "概览" in seen["zh"]
    assert chromium.requested == [urls["small"]]
    assert chromium.complaints == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", ["small", "empty"])
def test_nothing_is_cut_off_at_any_width(opened, name, width, language):
    chromium, urls = opened
    chromium.look(width)
    chromium.go(urls[name])
    chromium.run(f"document.querySelector('[data-language={language}]').click()")
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.run(CUT) == []
    assert (chromium.run(f"{SHOWN}.length") > 10) == (name == "small")
    written = f"{SHOWN}.flatMap(s => [...s.querySelectorAll('text')]).filter(t => t.textContent.trim())"
    heights = chromium.run(f"{written}.map(t => [t.textContent, t.getBoundingClientRect().height])")
    assert [text for text, height in heights if height < SMALLEST] == []


def test_on_paper_it_is_a_few_pages_without_what_only_a_screen_can_do(opened):
    chromium, urls = opened
    chromium.look()
    chromium.go(urls["small"])
    chromium.ask("Emulation.setEmulatedMedia", media="print")
    hidden = "[...document.querySelectorAll('nav, .languages, details')].filter(e => e.getClientRects().length).length"
    assert chromium.run(hidden) == 0
    printed = base64.b64decode(chromium.ask("Page.printToPDF", preferCSSPageSize=True)["data"])
    chromium.ask("Emulation.setEmulatedMedia", media="")
    assert 4 < printed.count(b"/Type /Page\n") < 20


@pytest.mark.skipif(not axe.PROGRAM.exists(), reason=axe.MISSING)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("name", ["small", "empty"])
def test_everybody_can_use_it(opened, name, width, dark):
    chromium, urls = opened
    chromium.look(width, dark=dark)
    for language in ("en", "zh"):
        chromium.go(urls[name])
        chromium.run(f"document.querySelector('[data-language={language}]').click()")
        assert axe.complaints(chromium) == [], language
    chromium.look()
