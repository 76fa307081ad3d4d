"""A person at a browser: Airflow as `perennial ui` runs it, a night of the sample, Debian's chromium.

PERENNIAL_PICTURES names a folder for the README's pictures, then of the whole sample.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nights
import pytest
import ui

import axe
import browser
from perennial import config

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.server,
    pytest.mark.airflow,
    pytest.mark.skipif(browser.PROGRAM is None, reason="chromium is not installed"),
]

DAY = "2017-09-30"
PICTURES = os.environ.get("PERENNIAL_PICTURES")
NIGHTS = ("2017-09-23", "2017-09-29", DAY) if PICTURES else (DAY,)  # pictures compare with last night and last week
WAITS, SENT = f"{DAY}.regulars.email_files", f"{DAY}.lost_customers.sms_files"
FRAME = "document.querySelector('iframe').contentDocument"


@pytest.fixture(scope="module")
def airflow(living_state: Path, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A night whose e-mail audiences wait, Airflow on it, and a browser."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(ui.PROJECT / "config", folder / "config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_CONFIG", str(folder / "config"))
        patch.setattr(config, "_load", config._load.__wrapped__)
        for day in NIGHTS:
            if day == DAY:
                be_careful(folder / "config" / "destinations.yml")
            nights.live_until(day, households=None if PICTURES else 250)
            nights.run(day)
        made = nights.command("report")
        assert made.returncode == 0, made.stderr
        with ui.running(living_state) as url, browser.browsing(folder / "profile") as page:
            (folder / "downloads").mkdir()
            page.save_into(folder / "downloads")
            page.look()
            yield SimpleNamespace(url=url, page=page, state=living_state, downloads=folder / "downloads")


def be_careful(destinations: Path) -> None:
    """From now on whatever would change in an audience of e-mail waits."""
    text, shipped = destinations.read_text(), "guards: { first: false } # a file"
    assert shipped in text
    careful = "guards: { first: true, removals: 0.0001, size: 0.0001, from_members: 1 } # a file"
    destinations.write_text(text.replace(shipped, careful))


def picture(airflow: SimpleNamespace, name: str, **part: str) -> None:
    """For the README, if it is asked for."""
    if PICTURES:
        airflow.page.picture(Path(PICTURES) / f"{name}.png", **part)


def in_frame(airflow: SimpleNamespace, path: str, found: str) -> None:
    """Open a page of Airflow's own, and wait for something in the frame of ours."""
    airflow.page.go(airflow.url + path)
    airflow.page.wait(f"document.querySelector('iframe') && {FRAME} && {FRAME}.querySelector({found!r})")


def test_who_may_only_look_is_refused(airflow):
    ui.sign_in(airflow.page, airflow.url, airflow.state, "reader")
    airflow.page.go(f"{airflow.url}/perennial/audiences/{WAITS}")
    assert airflow.page.run("document.querySelectorAll('main form').length") == 0
    for path in (f"{WAITS}/approve", f"{WAITS}/reject", f"{SENT}/file"):
        airflow.page.go(f"{airflow.url}/perennial/customers")  # where she has a form, which is bent to another end
        airflow.page.run(
            f"(form => {{ form.action = '/perennial/audiences/{path}'; form.elements.customer.name = 'seen'; "
            "form.elements.seen.value = 'x'; form.submit() })(document.querySelector('form.find'))"
        )
        airflow.page.wait("document.body && document.body.innerText.includes('Your role may not')")
        assert airflow.page.run("performance.getEntriesByType('navigation')[0].responseStatus") == 403
    assert nights.query("select count(*) from ops.page_audit") == [(0,)]


def test_a_marketer_filters_approves_and_downloads_inside_airflow(airflow):
    page = airflow.page
    ui.sign_in(page, airflow.url, airflow.state, "marketer")
    page.wait("document.body.innerText.includes('Plugins')")
    in_frame(airflow, "/plugin/perennial-audiences", "table")
    everything = page.run(f"{FRAME}.querySelectorAll('tbody tr').length")
    picture(airflow, "pages-audiences")
    page.run(f"{FRAME}.querySelector('a[href*=\"status=waiting\"]').click()")
    page.wait(f"{FRAME}.readyState === 'complete' && {FRAME}.location.search.includes('status=waiting')")
    waiting = page.run(f"{FRAME}.querySelectorAll('tbody tr').length")
    assert 0 < waiting < everything

    page.run(f"{FRAME}.querySelector('a[href$=\"{WAITS}\"]').click()")
    page.wait(f"{FRAME}.querySelector('form[action$=approve] button')")
    page.run(f"{FRAME}.querySelector('.decide details').open = true")
    picture(airflow, "pages-plan")
    page.run(f"{FRAME}.querySelector('form[action$=approve] button').click()")
    page.wait(f"{FRAME}.body && {FRAME}.body.innerText.includes('Approved')")
    page.wait(f"{FRAME}.body && {FRAME}.body.innerText.includes('sha256')", patience=150)  # Airflow has sent it
    run = f"select status, approved_by from activation.export_runs where plan = '{WAITS}'"
    assert nights.query(run) == [("done", "marketer")]

    page.run(f"{FRAME}.querySelector('form[action$=file] button').click()")
    (file,) = _downloaded(airflow.downloads)
    written = next(airflow.state.rglob("regulars.csv"))
    assert file.read_bytes() == written.read_bytes()
    assert file.name == f"{WAITS}.csv"
    assert nights.query("select who, what, plan from ops.page_audit order by at") == [
        ("marketer", "approved", WAITS),
        ("marketer", "downloaded", WAITS),
    ]


def test_one_language_is_shown_kept_and_spoken_by_the_report_too(airflow):
    page = airflow.page
    ui.sign_in(page, airflow.url, airflow.state, "marketer")
    in_frame(airflow, "/dags/customer_lifecycle/plugin/perennial-report", "#report")
    report = f"{FRAME}.querySelector('#report').contentDocument"
    page.wait(f"{report} && {report}.querySelector('h1')")
    assert page.run(f"{report}.documentElement.lang") == "en"
    page.run(f"{FRAME}.querySelector('[data-language=zh]').click()")
    assert page.run(f"{FRAME}.querySelector('h1').innerText") == "生命周期报告"
    page.wait(f"{report}.documentElement.lang === 'zh'")
    in_frame(airflow, "/plugin/perennial-audiences", "table")
    assert "等待审批" in page.run(f"{FRAME}.body.innerText")
    page.run(f"{FRAME}.querySelector('[data-language=en]').click()")


def test_the_report_of_the_night_opens_from_its_file(airflow):
    page = airflow.page
    page.look(1040)
    page.go((airflow.state / "report" / "latest.html").as_uri())
    page.run("document.querySelector('[data-language=en]').click()")
    assert page.run("document.querySelector('h1').innerText") == "Night of 30 September 2017"
    picture(airflow, "report", below="body", until="#stages_and_tiers")
    page.look(1040, dark=True)
    page.run("document.querySelector('[data-language=zh]').click()")
    assert page.run("document.querySelector('#flow h2').innerText") == "阶段流转"
    picture(airflow, "report-zh", below="#flow", until="#flow")
    page.look()


def test_a_customer_is_found_and_her_story_told(airflow):
    page = airflow.page
    ui.sign_in(page, airflow.url, airflow.state, "reader")
    ((key,),) = nights.query("select customer_key from marts.customer_360 order by historic_revenue desc limit 1")
    page.go(f"{airflow.url}/perennial/customers")
    page.type("#customer", key[:10])
    page.run("document.querySelector('form.find button').click()")
    page.wait(f"location.pathname.endsWith('{key}') && document.querySelector('ul.story')")
    picture(airflow, "pages-customer")
    told = page.run("document.body.innerText")
    assert "Next, if nothing happens" in told
    assert not re.search(r"@|\+1", told)
    assert nights.query("select who, customer_key from ops.page_audit where what = 'looked up'") == [("reader", key)]


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_complained_of(airflow):
    page = airflow.page
    ui.sign_in(page, airflow.url, airflow.state, "marketer")
    page.requested.clear()
    page.complaints.clear()
    for path in ("audiences", f"audiences/{WAITS}", "lifecycle", "customers"):
        page.go(f"{airflow.url}/perennial/{path}")
        time.sleep(0.5)
    assert len(page.requested) > 10
    assert [url for url in page.requested if not url.startswith((airflow.url, f"blob:{airflow.url}", "data:"))] == []
    assert page.complaints == []


@pytest.mark.skipif(not axe.PROGRAM.exists(), reason=axe.MISSING)
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_use_the_pages(airflow, dark, width):
    page = airflow.page
    ui.sign_in(page, airflow.url, airflow.state, "marketer")
    ((key,),) = nights.query("select customer_key from marts.customer_360 order by historic_revenue desc limit 1")
    page.look(width, dark=dark)
    still = f"{DAY}.fading.email_files"  # waits
    plans = (f"audiences/{still}", f"audiences/{SENT}")
    # the report is looked at as the frame of the page Lifecycle shows it
    for path in ("audiences", *plans, "lifecycle", f"lifecycle/{DAY}", "customers", f"customers/{key}"):
        for language in ("en", "zh"):
            page.go(f"{airflow.url}/perennial/{path}")
            page.run(f"document.querySelector('[data-language={language}]').click()")
            assert axe.complaints(page) == [], (path, language)
    page.run("document.querySelector('[data-language=en]').click()")
    page.look()


def _downloaded(folder: Path) -> list[Path]:
    end = time.monotonic() + browser.PATIENCE
    while time.monotonic() < end:
        if (files := list(folder.iterdir())) and not any(file.suffix == ".crdownload" for file in files):
            return files
        time.sleep(0.2)
    raise AssertionError("nothing was downloaded")
