"""Tonight's forecast: the candidate that did best on the past, fitted to everybody."""

from dataclasses import dataclass
from datetime import date

import psycopg

from perennial.clv import Fit, Parameters, Spend, fit, fit_spend
from perennial.clv.fit import recent_rate
from perennial.config.value import Value
from perennial.value import backtest, histories

LAST_GOOD = """
    select as_of, r, alpha, a, b from clv.parameters
    where as_of < %(as_of)s and model = %(model)s and fit_level in ('mle', 'map') and r is not null
    order by as_of desc limit 1
"""


@dataclass(frozen=True)
class Forecast:
    """Tonight's parameters."""

    champion: str
    fit: Fit
    recent: Fit | None  # None: it has no share
    share: float
    spend: Spend

    @property
    def model_used(self) -> str:
        """What stands in the column of this name."""
        if self.share == 1:
            return "recent_rate"
        return f"{self.fit.model_used}_blend" if self.share > 0 else self.fit.model_used


def run(session: psycopg.Connection, as_of: date, value: Value) -> tuple[Forecast, backtest.Backtest]:
    """Judge the candidates on the past, and fit the best of them."""
    horizon, days = backtest.origins(as_of, histories.first_day(session), value.backtest_days)
    tested = backtest.run(days, lambda day: histories.past(session, day, horizon), value.candidates)
    return fit_tonight(session, as_of, tested), tested


def fit_tonight(session: psycopg.Connection, as_of: date, tested: backtest.Backtest) -> Forecast:
    """Fit the champion to everybody, from the parameters of the night before."""
    cells, spenders, recent = histories.tonight(session)
    model = backtest.model_of(tested.champion)
    known, age = _last_good(session, as_of, model)
    found = fit(cells, model, last_good=known, last_good_days=age, skills=tested.skills, recent=recent)
    found = backtest.remembering(found, tested.newest)
    blends = tested.champion != model and found.level not in ("recent_rate", "none")
    share = backtest.recent_share(model, tested.newest) if blends and recent.days > 0 else 0.0
    if found.level == "recent_rate":
        return Forecast(tested.champion, found, found, 1.0, fit_spend(spenders))
    return Forecast(tested.champion, found, recent_rate(recent) if share > 0 else None, share, fit_spend(spenders))


def _last_good(session: psycopg.Connection, as_of: date, model: str) -> tuple[Parameters | None, int]:
    row = session.execute(LAST_GOOD, {"as_of": as_of, "model": model}).fetchone()
    if row is None:
        return None, 0
    return Parameters(row["r"], row["alpha"], row["a"], row["b"]), (as_of - row["as_of"]).days
