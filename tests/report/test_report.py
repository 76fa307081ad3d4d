"""The page as a whole: complete, alone, in two languages, without contact details, the same every time."""

import re
from datetime import date

import psycopg
import pytest
from report_warehouse import HOSTILE, NIGHT

from perennial import config
from perennial.report import facts, registry
from perennial.report.build import build
from perennial.report.page import render
from perennial.report.verdict import verdict

pytestmark = pytest.mark.server

SECTIONS = registry.load()


def part(page: str, name: str) -> str:
    """A section of the page."""
    return re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)[0]


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_shows_something_of_a_night_with_a_few_rows_of_everything(page, name):
    section = part(page, name)
    assert 'class="empty"' not in section
    assert any(tag in section for tag in ("<svg", "<table", 'class="tiles"'))


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_of_an_empty_warehouse_says_what_to_do_in_both_languages(empty_page, name):
    section = part(empty_page, name)
    assert 'class="empty"' in section
    for text in (SECTIONS[name].EMPTY, SECTIONS[name].LEAD, SECTIONS[name].TITLE):
        assert text.en
        assert re.search("[\u4e00-\u9fff]", text.zh)
    assert "<svg" not in section


@pytest.mark.parametrize("name", SECTIONS)
def test_a_query_asks_only_what_the_models_promise(small, name):
    """Tables have the columns of their yml files, so a query that fails here would show an empty section at night."""
    about = facts.night(small, config.load(), NIGHT)
    for query in SECTIONS[name].QUERIES.values():
        small.execute(query, {"as_of": NIGHT, "shown": NIGHT, "model": about.model}).fetchall()


def test_who_is_who_counts_records_merges_of_the_night_and_those_that_wait_until_they_are_approved(small, page):
    section = part(page, "identity")
    assert "25.0 % of all, 1 in several sources" in section
    assert "2 in 7 nights" in section
    assert "Merges that wait. Waits for approval: a consent would change: 1." in section
    small.execute("insert into ops.identity_approvals values ('m1', '{}', '2017-10-01 03:00+00', 'ann')")
    later = build(small, config.load(), NIGHT)
    small.rollback()
    assert "No merge waits for approval." in part(later, "identity")


def test_a_first_night_that_failed_shows_what_its_steps_cost_and_which_one_failed(small):
    """Nothing was built before, so every other table of it may be missing."""
    small.execute("truncate ops.nights")
    small.execute("insert into ops.nights (as_of) values (%s)", [NIGHT])
    small.execute("update ops.runs set status = 'failed' where task = 'transform'")
    page = build(small, config.load(), NIGHT)
    small.rollback()
    assert "This night was not built" in page
    assert "Failed or unfinished: transform. " in page
    assert "There are no figures yet." in page
    assert "✕ failed" in part(page, "cost")


def test_the_night_its_verdict_and_its_warnings_stand_at_the_top(page):
    top = page.split("<main", 1)[0]
    assert "30 September 2017" in top
    assert "2017年9月30日" in top
    assert "Passed the gate and exported" in top
    assert "stopped: vip (1 unknown_key" in top


def test_no_contact_detail_is_on_the_page_whoever_wrote_it_where(page):
    assert "[e-mail]" in page  # a check named one
    body = page.split("<body>", 1)[1]
    assert "@" not in body
    assert not re.search(r"\+1[ \d-]{7}|5550123|5550199", body)
    assert "0123456789abcdef" not in body  # only the beginning of a key
    assert "01234567" in body


def test_labels_are_text_and_never_markup(page):
    assert HOSTILE not in page
    assert page.count("<script") == 1
    assert "&lt;script&gt;" in page
    assert "<b>gone</b>" not in page


def test_the_page_needs_nothing_but_itself(page):
    outside = [found for found in re.findall(r"""(?:https?:)?//[^\s"'<>)]+""", page) if "w3.org" not in found]
    assert outside == []
    assert not re.search(r"<(link|img|iframe|object|embed)\b|@import|url\((?!#)|\bsrc=", page)
    assert "default-src 'none'" in page


def test_the_policy_allows_the_script_of_the_page_and_no_other(page):
    import base64
    import hashlib

    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in page


def test_the_page_is_small(page):
    assert len(page.encode()) < 3_000_000


def test_drawn_again_it_is_the_same_to_the_byte(small, page):
    assert build(small, config.load(), NIGHT) == page


def test_every_text_has_its_twin_in_the_other_language(page):
    assert page.count('<span class="en">') == page.count('<span class="zh" lang="zh">') > 100
    drawn = [len(re.findall(rf'<div class="{language} (?:wide|narrow|one)"', page)) for language in ("en", "zh")]
    assert drawn[0] == drawn[1] > 20


def test_every_drawing_has_a_title_and_a_description_and_ids_of_its_own(page):
    drawings = re.findall(r"<svg viewBox.*?</svg>", page.split("<main", 1)[1], re.DOTALL)
    for drawing in drawings:
        title, description = re.search(r'role="img" aria-labelledby="(\S+) (\S+)"', drawing).groups()
        assert re.search(rf'<title id="{title}">[^<]+</title><desc id="{description}">[^<]+</desc>', drawing)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_every_table_that_scrolls_has_a_name_of_its_own(page):
    names = re.findall(r'role="region" aria-label="([^"]+)"', page)
    assert len(names) == len(set(names)) > 15


def test_too_little_is_said_to_be_too_little(page):
    assert "too few to say" in part(page, "effect")  # an effect without an interval
    assert "too few to say" in part(page, "warnings")  # a precision of none judged
    assert "too few to say" in part(page, "cohorts")  # a cohort of nine
    compared = re.findall(r'<dd class="(\w+)">([^<]+)</dd>', part(page, "headline"))
    assert ("same", "–") in compared  # nothing was planned a week ago
    assert ("same", "±0 USD") in compared


def test_numbers_stand_in_the_cells_and_in_a_table_under_every_chart(page):
    section = part(page, "stages_and_tiers")
    assert section.count("<figure") == section.count("<details") == 2
    assert "800 USD" in section
    assert re.search(r"<text[^>]*>800</text>", section)


def test_a_plan_that_waits_says_why(page):
    assert "waits for approval: first export" in part(page, "audiences")
    assert "Export plans that wait for somebody: 1." in page.split("<main", 1)[0]


# --- however the night ended ------------------------------------------------------------------------------------------


@pytest.fixture
def changed(small: psycopg.Connection):
    """The warehouse in which a test may change something, undone afterwards."""
    yield small
    small.rollback()


def told(session: psycopg.Connection, as_of: date = NIGHT) -> str:
    """The top of the page, without the sections."""
    about = facts.night(session, config.load(), as_of)
    return render(about, verdict(about), [])


def test_a_blocked_night_says_so_and_why(changed):
    changed.execute("update ops.gate_results set passed = false, message = 'orders: 9, 8' where severity = 'block'")
    assert "Stopped at the gate: nothing was exported" in (page := told(changed))
    assert "orders: 9, 8" in page


def test_a_night_whose_build_did_not_end_names_the_step(changed):
    changed.execute("update ops.nights set built_at = null where as_of = %s", [NIGHT])
    changed.execute("update ops.runs set status = 'failed' where task = 'transform' and as_of = %s", [NIGHT])
    assert "The build of this night did not end" in (page := told(changed))
    assert "Failed or unfinished: transform" in page


def test_a_night_that_was_not_begun_says_of_which_the_figures_are(changed):
    page = told(changed, date(2017, 10, 1))
    assert "This night was not built" in page
    assert "The figures below are of 2017-09-30" in page


def test_what_the_report_itself_cost_is_not_on_it(changed, page):
    changed.execute(
        "insert into ops.runs (as_of, task, started_at, finished_at, status) "
        "values (%s, 'report', '2017-10-01 04:00+00', '2017-10-01 04:01+00', 'success')",
        [NIGHT],
    )
    assert build(changed, config.load(), NIGHT) == page
