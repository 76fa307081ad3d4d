"""Fitting orders, whatever the data: from maximum likelihood down a ladder, never an exception.

level        when                                                          statuses that lead to it
mle          200 repeaters, converged, parameters identified, skill >= 0   ok
map          20 repeaters; maximum of likelihood times a weak prior        few_repeaters, not_converged, at_bound,
                                                                           not_identified, negative_skill
last_good    parameters of a night at most 30 days ago                     too_few_repeaters, map_failed
recent_rate  any customer watched for a day; nobody drops out              the same, or three negative skills
none         nothing to learn from                                         no_customers, no_valid_rows, no_days_watched

The shrunken recent rate is the same family with a = 0: orders are Poisson with a Gamma-distributed rate whose mean is
that of all customers and whose weight is 91 days, so every formula of predict.py holds for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perennial.clv.cells import Cells
from perennial.clv.newton import Maximum, maximise
from perennial.clv.orders import LogLikelihood, Parameters
from perennial.clv.outliers import inliers

MLE_REPEATERS, MAP_REPEATERS = 200, 20
LAST_GOOD_DAYS = 30
RECENT_DAYS = 91  # days that the recent rate is measured on
RATE_WEIGHT = float(RECENT_DAYS)  # days of the average customer that a customer's own rate is mixed with
RECENT_WEIGHT = 7.0  # the same where there are data enough to judge models by
BOX = np.log(1e3)  # log-parameters further out than this (alpha: relative to the mean T) are at a bound
IDENTIFIED = 0.01  # smallest curvature: no combination of log-parameters has a standard error above 10
ROUGH_CELLS, ROUGH_GAIN = 20_000, 0.1  # a start needs neither all cells nor the last digit
CROWDED = 0.5  # share of customers first seen in the first tenth of the data


@dataclass(frozen=True)
class Recent:
    """What the recent rate is measured on: orders after the first within the last `window` days, and days watched."""

    orders: float
    days: float
    window: float


@dataclass(frozen=True)
class Fit:
    """Parameters of one model and how they came about; `parameters` is None at level none only."""

    model: str
    level: str
    status: str
    parameters: Parameters | None
    loglik: float | None = None  # of histories in days, over the cells fitted
    converged: bool = False
    iterations: int = 0
    customers: int = 0  # fitted
    repeaters: int = 0
    repeats: int = 0
    rejected: int = 0
    excluded: int = 0
    window: float = np.inf  # days that count at level recent_rate
    memory: float = np.inf  # days of evidence that intervals trust, see memory.py
    notes: tuple[str, ...] = ()

    @property
    def model_used(self) -> str:
        """What stands in the column of this name, e.g. mbg_mle, bg_map, recent_rate."""
        return self.level if self.level in ("recent_rate", "none") else f"{self.model}_{self.level}"

    def loglik_per(self, days: float) -> float | None:
        """The log-likelihood had time been measured in units of so many days: a density per unit, one per repeat."""
        return None if self.loglik is None else self.loglik + self.repeats * float(np.log(days))


def fit(
    cells: Cells,
    model: str = "mbg",
    *,
    last_good: Parameters | None = None,
    last_good_days: int = 0,
    skills: Sequence[float] = (),
    recent: Recent | None = None,
) -> Fit:
    """Fit `model`, bg or mbg, to cells; `last_good` (so many days old) is the warm start and the third rung.

    `skills` are those of the latest back-tests, newest first: a negative one forbids the MLE, three the model.
    """
    last_good = last_good if last_good is not None and last_good.usable() else None
    empty = Fit(model, "none", "no_customers", None, rejected=cells.rejected)
    if cells.customers == 0:
        return replace(empty, status="no_valid_rows" if cells.rejected else "no_customers")
    days = float(cells.count @ cells.T)
    if days <= 0:
        return replace(empty, status="no_days_watched", customers=int(cells.customers))
    kept = inliers(cells, lambda part: _parameters(_rough(model, part)))
    fitted = cells.where(kept)
    known = replace(
        empty,
        customers=int(fitted.customers),
        repeaters=int(fitted.repeaters),
        repeats=int(fitted.repeats),
        excluded=int(cells.customers - fitted.customers),
        notes=_notes(cells, kept),
    )
    if len(skills) >= 3 and max(skills[:3]) < 0:
        return _recent_rate(known, fitted, recent, "three_negative_skills", RECENT_WEIGHT)
    if known.repeaters < MAP_REPEATERS:
        return _without_likelihood(known, fitted, last_good, last_good_days, recent, "too_few_repeaters")
    found, status = _mle(model, fitted, last_good, skills)
    if status == "ok":
        return _as_fit(known, "mle", status, found, found.value)
    found = _map(model, fitted, _start(model, fitted, last_good))
    if not found.converged:
        found = _map(model, fitted, _prior(fitted)[0])
    if not found.converged:
        return _without_likelihood(known, fitted, last_good, last_good_days, recent, "map_failed")
    return _as_fit(known, "map", status, found, LogLikelihood(model, fitted)(found.point)[0])


def _mle(model: str, cells: Cells, last_good: Parameters | None, skills: Sequence[float]) -> tuple[Maximum | None, str]:
    """The maximum of the likelihood and ok, or why it must not be used."""
    if cells.repeaters < MLE_REPEATERS:
        return None, "few_repeaters"
    if skills and skills[0] < 0:
        return None, "negative_skill"
    likelihood, (mean, _) = LogLikelihood(model, cells), _prior(cells)
    status = "not_converged"
    for start in (_start(model, cells, last_good), mean):
        found = maximise(likelihood, start)
        status = _trouble(found, cells)
        if status == "ok":
            return found, status
    return None, status


def _trouble(found: Maximum, cells: Cells) -> str:
    middle = np.array([0, np.log(cells.count @ cells.T / cells.customers), 0, 0])
    if (np.abs(found.point - middle) > BOX).any():
        return "at_bound"
    if not found.converged:
        return "not_converged"
    return "ok" if np.linalg.eigvalsh(-found.hessian).min() >= IDENTIFIED else "not_identified"


def _map(model: str, cells: Cells, start: np.ndarray, tolerance: float = 1e-11) -> Maximum:
    """The maximum of likelihood times prior."""
    likelihood, (mean, sd) = LogLikelihood(model, cells), _prior(cells)

    def posterior(logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient, hessian = likelihood(logs)
        away = (logs - mean) / sd
        return value - away @ away / 2, gradient - away / sd, hessian - np.diag(1 / sd**2)

    return maximise(posterior, start, tolerance)


def _rough(model: str, cells: Cells) -> Maximum:
    """Roughly the same, from every so many-th cell; they are sorted, so these are like the others."""
    some = cells.where(slice(None, None, 1 + len(cells.x) // ROUGH_CELLS))
    return _map(model, some, _prior(some)[0], ROUGH_GAIN)


def _start(model: str, cells: Cells, last_good: Parameters | None) -> np.ndarray:
    """Log-parameters to start from, shape (4,)."""
    return last_good.logs() if last_good and last_good.a > 0 else _rough(model, cells).point


def _prior(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of the log-parameters, shape (4,): medians .7, .7 / order rate, .7 and 2."""
    rate = max(cells.repeats, 0.5) / float(cells.count @ cells.T)
    return np.log([0.7, 0.7 / rate, 0.7, 2.0]), np.array([1, 1.5, 1, 1])


def _without_likelihood(
    known: Fit, cells: Cells, last_good: Parameters | None, age: int, recent: Recent | None, status: str
) -> Fit:
    if last_good is not None and age <= LAST_GOOD_DAYS:
        return replace(known, level="last_good", status=status, parameters=last_good)
    return _recent_rate(known, cells, recent, status)


def recent_rate(recent: Recent, weight: float = RECENT_WEIGHT) -> Fit:
    """The Poisson level by itself, to be blended with a model; half an order is the least, so no rate is zero."""
    rate = max(recent.orders, 0.5) / recent.days
    parameters = Parameters(r=rate * weight, alpha=weight, a=0.0, b=1.0)
    return Fit("mbg", "recent_rate", "ok", parameters, window=recent.window)


def _recent_rate(known: Fit, cells: Cells, recent: Recent | None, status: str, weight: float = RATE_WEIGHT) -> Fit:
    if recent is None or recent.days <= 0:
        recent = Recent(cells.repeats, float(cells.count @ cells.T), np.inf)
    found = recent_rate(recent, weight)
    return replace(known, level=found.level, status=status, parameters=found.parameters, window=found.window)


def _as_fit(known: Fit, level: str, status: str, found: Maximum, loglik: float) -> Fit:
    return replace(
        known,
        level=level,
        status=status,
        parameters=_parameters(found),
        loglik=float(loglik),
        converged=found.converged,
        iterations=found.iterations,
    )


def _parameters(found: Maximum) -> Parameters:
    return Parameters(*(float(one) for one in np.exp(found.point)))


def _notes(cells: Cells, kept: np.ndarray) -> tuple[str, ...]:
    """Remarks that do not change the level."""
    long = 0.9 * cells.T.max()
    early = cells.count[long <= cells.T].sum() / cells.customers
    remarks = {
        "rows_rejected": cells.rejected > 0,
        "outliers_excluded": not kept.all(),
        # first orders crowd where the data begin: most of these people were customers before
        "left_truncated": early > CROWDED and cells.T.min() < long,
    }
    return tuple(name for name, holds in remarks.items() if holds)
