"""How good a forecast was, once the future has come. Arrays of shape (n,), one element per customer."""

import numpy as np
import pandas as pd


def bias(predicted: np.ndarray, actual: np.ndarray) -> float | None:
    """Total predicted over total actual, minus one; None if nothing happened."""
    total = float(actual.sum())
    return float(predicted.sum()) / total - 1 if total > 0 else None


def mean_absolute_error(predicted: np.ndarray, actual: np.ndarray) -> float:
    """In the unit of both."""
    return float(np.abs(predicted - actual).mean())


def gini(predicted: np.ndarray, spent: np.ndarray) -> float | None:
    """How well `predicted` ranks spend: 1 like spend itself, 0 like chance; None if nobody spent more.

    Ties rank in no order: each takes the mean spend of its tie.
    """
    perfect = _area(spent, spent)
    return _area(predicted, spent) / perfect if perfect > 1e-12 else None


def _area(ranking: np.ndarray, spent: np.ndarray) -> float:
    total = spent.sum()
    if total <= 0:
        return 0.0
    fair = pd.Series(spent).groupby(ranking).transform("mean").to_numpy()
    best_first = fair[np.argsort(-ranking, kind="stable")]
    reached = np.concatenate([[0.0], np.cumsum(best_first) / total])
    return float((reached[1:] + reached[:-1]).mean() / 2 - 0.5)


def brier(chance: np.ndarray, happened: np.ndarray) -> float:
    """Mean squared distance of a probability from what happened."""
    return float(((chance - happened) ** 2).mean())


def auc(chance: np.ndarray, happened: np.ndarray) -> float | None:
    """Chance that somebody to whom it happened had the higher probability; None if it happened to all or none."""
    yes = int(happened.sum())
    if yes in (0, len(happened)):
        return None
    ranks = pd.Series(chance).rank().to_numpy()
    return float((ranks[happened].sum() - yes * (yes + 1) / 2) / (yes * (len(happened) - yes)))


def coverage(low: np.ndarray, high: np.ndarray, actual: np.ndarray) -> float:
    """Share of customers within their interval, both ends included."""
    return float(((actual >= low) & (actual <= high)).mean())


def deciles(value: np.ndarray) -> np.ndarray:
    """1 for the tenth of customers with the highest value to 10 for the lowest; equal values share the better one."""
    ranks = pd.Series(-value).rank(method="min").to_numpy()
    return np.minimum(np.floor((ranks - 1) * 10 / len(value)).astype(int) + 1, 10)
