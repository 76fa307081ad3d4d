"""What SQL counts over intervals is what one finds by looking at every customer on every day."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
import statistics_by_hand as by_hand
from statistics_by_hand import Life
from timeline_harness import connect

from perennial import config, transform

pytestmark = pytest.mark.server

NIGHT = date(2017, 3, 1)  # the first of a month, and the 90th day after the first of another
START = date(2015, 10, 20)
MODELS = {  # m: as the shipped ones are; n: two stable stages, two lost ones, and a stage that is never reached
    "m": {"prospect": "potential", "new": "growing", "active": "stable", "silent": "declining", "lost": "lost"},
    "n": {
        "prospect": "potential", "new": "growing", "happy": "stable", "active": "stable", "silent": "declining",
        "gone": "lost", "lost": "lost", "unseen": "growing",
    },
}  # fmt: skip
BUILT = (
    "intermediate.int_lived_stays",
    "intermediate.int_month_stays",
    "intermediate.int_first_orders",
    "intermediate.int_spells",
    "intermediate.int_stage_flows",
    "marts.fct_stage_counts",
    "marts.fct_stage_transitions",
    "marts.fct_win_backs",
    "marts.lifecycle_dwell",
    "marts.lifecycle_kpis",
    "intermediate.int_stage_forecasts",
    "marts.lifecycle_forecast_backtest",
    "marts.lifecycle_forecast",
)
INPUT = """
drop schema if exists marts cascade;
drop schema if exists intermediate cascade;
create schema marts;
create schema intermediate;
create table marts.dim_stages (lifecycle_model text, stage text, phase text);
create table marts.fct_lifecycle_timeline (
    customer_key text, lifecycle_model text, stage text, valid_from date, valid_to date
);
create table intermediate.int_episodes (customer_key text, episode_on date, orders bigint, first_order_on date)
"""


def random_lives(seed: int, count: int, night: date) -> tuple[list[Life], list[tuple], list[tuple]]:
    """Lives up to the night, with the rows of the timeline (plans included) and of the episodes they come from."""
    random, lives, timeline, episodes = Random(seed), [], [], []
    for number in range(count):
        key, known_on = f"c{number}", START + timedelta(days=random.choice([0, 12, random.randrange(520)]))
        first = known_on + timedelta(days=random.choice([0, 0, 1, 40])) if random.random() < 0.9 else None
        second = first + timedelta(days=random.choice([1, 7, 60, 400])) if first else None
        opened = [(known_on, 0, None)] if first != known_on else []
        opened += [(first, 1, first), (second, 2, first)] if first else []
        if first and random.random() < 0.2:  # everything is cancelled, and what counts begins anew
            opened += [(second + timedelta(days=20), 0, None), (second + timedelta(days=30), 1, second)]
        episodes += [(key, *episode) for episode in opened if episode[0] <= night]
        for model, phases in MODELS.items():
            stages = [stage for stage in phases if stage not in ("prospect", "unseen")]
            day, stage, rows = first or known_on, None, []
            if first != known_on:
                rows.append((key, model, "prospect", known_on, first))
            while first and day < night + timedelta(days=200):
                stage = random.choice([s for s in [*stages, "prospect"] if s != stage])
                stage = "new" if day == first else stage
                rows.append([key, model, stage, day, None])
                day = rows[-1][4] = day + timedelta(days=random.choice([1, 2, 30, 31, 90, random.randrange(1, 250)]))
            rows[-1] = (*rows[-1][:4], None)
            timeline += rows
            if known_on <= night:
                lived = [known_on + timedelta(days=n) for n in range((night - known_on).days + 1)]
                by_day = tuple(next(r[2] for r in rows if r[3] <= d and (r[4] is None or d < r[4])) for d in lived)
                asked = [d if d and d <= night else None for d in (first, second)]
                lives.append(Life(key, model, known_on, by_day, phases, *asked))
    return lives, timeline, episodes


class Statistics:
    """The rows that the SQL made of random lives."""

    def __init__(self, sql: dict[str, str], seed: int, count: int, night: date):
        self.night = night
        self.lives, timeline, episodes = random_lives(seed, count, night)
        with connect() as session, session.cursor() as cursor:
            cursor.execute("set local client_min_messages = warning")
            cursor.execute(INPUT)
            for table, rows in (
                ("marts.dim_stages", [(m, *stage) for m, phases in MODELS.items() for stage in phases.items()]),
                ("marts.fct_lifecycle_timeline", [(*row[:4], row[4] or "infinity") for row in timeline]),
                ("intermediate.int_episodes", episodes),
            ):
                with cursor.copy(f"copy {table} from stdin") as copy:
                    for row in rows:
                        copy.write_row(row)
            for model, select in sql.items():
                cursor.execute(f"create table {model} as {select}")
            self.rows = {}
            for model in BUILT:
                cursor.execute(f"select * from {model}")
                columns = [c.name for c in cursor.description]
                rows = [[float(v) if isinstance(v, Decimal) else v for v in row] for row in cursor.fetchall()]
                self.rows[model.split(".")[1]] = [dict(zip(columns, row, strict=True)) for row in rows]
            session.rollback()

    def by(self, table: str, *key: str) -> dict[tuple, dict]:
        """The rows of a table by these columns, which tell them apart."""
        rows = {tuple(row[column] for column in key): row for row in self.rows[table]}
        assert len(rows) == len(self.rows[table])
        return rows


@pytest.fixture(scope="module")
def build(warehouse):
    """Builds statistics of random lives: call it with seed and count."""
    names = [model.split(".")[1] for model in BUILT]
    transform.run(["compile", "--select", *names], config.load(), NIGHT, warehouse)
    written = transform.target_folder(NIGHT) / "compiled"
    sql = {model: next(written.rglob(f"{model.split('.')[1]}.sql")).read_text("utf-8") for model in BUILT}
    return lambda seed, count: Statistics(sql, seed, count, NIGHT)


@pytest.fixture(scope="module", params=[(1, 60), (2, 60), (3, 2)], ids=str)
def found(build, request) -> Statistics:
    return build(*request.param)


def test_stage_counts_are_those_of_every_single_day(found):
    wanted, rows = by_hand.counts(found.lives), found.by("fct_stage_counts", "lifecycle_model", "day", "stage")
    days = (NIGHT - min(life.first_day for life in found.lives)).days + 1
    assert len(rows) == days * sum(len(phases) for phases in MODELS.values())
    got = {key: (r["count_customers"], r["count_entered"], r["count_left"]) for key, r in rows.items()}
    assert {key: value for key, value in got.items() if any(value)} == wanted


def test_transitions_compare_the_first_days_of_two_months(found):
    wanted = by_hand.flows(found.lives, by_hand.next_month)
    rows = found.by("fct_stage_transitions", "lifecycle_model", "month", "from_stage", "to_stage")
    assert {key: row["count_customers"] for key, row in rows.items()} == wanted
    for (model, month, stage, _), row in rows.items():
        total = sum(n for key, n in wanted.items() if key[:3] == (model, month, stage))
        low, high = by_hand.wilson(row["count_customers"], total)
        assert row["count_from"] == total
        assert row["probability"] == pytest.approx(row["count_customers"] / total, abs=1e-6)
        assert row["probability_low"] == pytest.approx(low, abs=2e-6)
        assert row["probability_high"] == pytest.approx(high, abs=2e-6)


def test_dwell_is_measured_on_stays_that_ended_and_the_median_on_all(found):
    rows = found.by("lifecycle_dwell", "lifecycle_model", "stage")
    assert set(rows) == {(model, stage) for model, phases in MODELS.items() for stage in phases}
    for (model, stage), row in rows.items():
        lives = [life for life in found.lives if life.model == model]
        spells = [(life, *stay) for life in lives for stay in by_hand.stays(life, (stage,))]
        ended = [(life, day + timedelta(days=days), days) for life, day, days, over in spells if over]
        assert row["count_completed"] == len(ended)
        assert row["count_running"] == len(spells) - len(ended)
        assert row["median_days"] == by_hand.kaplan_meier_median([(days, over) for *_, days, over in spells])
        if ended:
            assert row["days_mean"] == pytest.approx(sum(d for *_, d in ended) / len(ended), abs=0.051)
        for phase in ("potential", "growing", "stable", "declining", "lost"):
            share = sum(life.phase(day) == phase for life, day, _ in ended) / len(ended) if ended else None
            assert row[f"share_to_{phase}"] == (pytest.approx(share, abs=1e-6) if ended else None)


def test_win_backs_and_relapses_are_those_of_every_life(found):
    columns = ("won_back_on", "left_stage", "entered_stage", "days_away", "relapsed_on", "is_mature")
    got = {(r["customer_key"], r["lifecycle_model"], *[r[c] for c in columns]) for r in found.rows["fct_win_backs"]}
    wanted = {(life.customer, life.model, *won) for life in found.lives for won in by_hand.win_backs(life)}
    assert got == wanted
    assert len(got) == len(found.rows["fct_win_backs"])


def test_indicators_are_those_of_every_life_for_all_and_by_cohort(found):
    groups = defaultdict(list)
    for life in found.lives:
        if life.first_order_on:
            for cohort in (None, life.first_order_on.replace(day=1)):
                groups[life.model, cohort].append(life)
    rows = found.by("lifecycle_kpis", "lifecycle_model", "cohort_month")
    assert set(rows) == set(groups)
    for group, lives in groups.items():
        wanted = by_hand.kpis(lives)
        got = {column: rows[group][column] for column in wanted}
        for column in ("decline_rate", "changes_per_year", "relapse_share"):
            value = wanted.pop(column)
            assert got.pop(column) == (value if value is None else pytest.approx(value, abs=0.006)), (group, column)
        assert got == wanted, group
        if wanted["stable_months"]:
            low, high = by_hand.wilson(wanted["count_declined"], wanted["stable_months"])
            assert rows[group]["decline_rate_low"] == pytest.approx(low, abs=2e-6)
            assert rows[group]["decline_rate_high"] == pytest.approx(high, abs=2e-6)


def test_forecasts_use_only_what_was_over_on_their_day(found):
    moves = by_hand.flows(found.lives, lambda month: month + timedelta(days=90))
    flows = found.by("int_stage_flows", "lifecycle_model", "origin", "from_stage", "to_stage")
    assert {key: row["count_customers"] for key, row in flows.items()} == moves
    past = found.by("lifecycle_forecast_backtest", "lifecycle_model", "origin", "stage")
    tonight = found.by("lifecycle_forecast", "lifecycle_model", "as_of", "stage")
    wanted_keys = set()
    for model, phases in MODELS.items():
        own = {key: n for key, n in moves.items() if key[0] == model}
        origins = sorted({key[1] for key in own})
        for origin in [o for o in origins if o >= origins[0] + timedelta(days=90)] + [NIGHT] * bool(origins):
            lives = [life for life in found.lives if life.model == model and life.stage(origin)]
            start = {stage: sum(life.stage(origin) == stage for life in lives) for stage in phases}
            expected = by_hand.forecast(own, start, origin, list(phases))
            for stage in phases:
                wanted_keys.add((model, origin, stage))
                row = (tonight if origin == NIGHT else past)[model, origin, stage]
                assert row["count_customers"] == start[stage]
                assert row["expected_customers"] == pytest.approx(expected[stage], abs=0.051)
                if origin < NIGHT:
                    actual = sum(life.stage(origin + timedelta(days=90)) == stage for life in lives)
                    assert row["actual_customers"] == actual
                    off = (abs(expected[stage] - actual), abs(start[stage] - actual))
                    assert row["error_share"] * len(lives) == pytest.approx(off[0], abs=0.06)
                    assert row["naive_error_share"] * len(lives) == pytest.approx(off[1], abs=0.01)
    assert set(past) | set(tonight) == wanted_keys


def test_the_lives_show_what_could_go_wrong(build):
    found = build(1, 60)
    won = [w for life in found.lives for w in by_hand.win_backs(life)]
    assert any(w[4] is None and w[5] for w in won)
    assert any(w[4] and w[5] for w in won)
    assert any(w[4] and not w[5] for w in won)
    assert any(life.first_order_on is None for life in found.lives)
    assert any("prospect" in life.stages[(NIGHT - life.first_day).days // 2 :] for life in found.lives)
    assert any(life.first_day == NIGHT or life.stages[-1] != life.stages[-2] for life in found.lives)
    assert {row["median_days"] is None for row in found.rows["lifecycle_dwell"]} == {True, False}


def test_nothing_is_planned_into_the_statistics(build):
    found = build(1, 60)
    assert max(row["day"] for row in found.rows["fct_stage_counts"]) == NIGHT
    assert max(row["month"] for row in found.rows["fct_stage_transitions"]) == date(2017, 2, 1)
    assert max(row["won_back_on"] for row in found.rows["fct_win_backs"]) <= NIGHT
    assert max(row["target"] for row in found.rows["lifecycle_forecast_backtest"]) == NIGHT


def test_an_empty_warehouse_has_stages_without_customers_and_nothing_else(build):
    rows = build(0, 0).rows
    assert [row["count_completed"] + row["count_running"] for row in rows.pop("lifecycle_dwell")] == [0] * 13
    assert {name: found for name, found in rows.items() if found} == {}
