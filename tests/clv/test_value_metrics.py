"""How forecasts are judged, by hand on a few customers."""

import numpy as np
import pytest

from perennial.value import metrics


def array(*values):
    return np.array(values, dtype=float)


def test_bias_is_of_totals_and_unknown_where_nothing_happened():
    assert metrics.bias(array(1, 2, 3), array(2, 2, 1)) == pytest.approx(0.2)
    assert metrics.bias(array(1, 2), array(0, 0)) is None


def test_mean_absolute_error_does_not_cancel():
    assert metrics.mean_absolute_error(array(1, 3), array(2, 2)) == 1


def test_gini_is_one_for_the_right_order_minus_one_for_the_opposite_and_none_without_differences():
    spent = array(0, 10, 20, 70)
    assert metrics.gini(array(1, 2, 3, 4), spent) == pytest.approx(1)
    assert metrics.gini(array(4, 3, 2, 1), spent) == pytest.approx(-1)
    assert metrics.gini(array(5, 5, 5, 5), spent) == pytest.approx(0)
    assert metrics.gini(array(1, 2), array(0, 0)) is None
    assert metrics.gini(array(1, 2), array(3, 3)) is None


def test_gini_does_not_depend_on_the_order_of_rows():
    spent, ranking = array(9, 0, 4, 4, 1, 0), array(2, 2, 2, 1, 1, 1)
    shuffled = [3, 5, 0, 2, 4, 1]
    assert metrics.gini(ranking, spent) == pytest.approx(metrics.gini(ranking[shuffled], spent[shuffled]))


def test_auc_counts_pairs_and_halves_ties():
    happened = np.array([True, False, True, False])
    assert metrics.auc(array(0.9, 0.1, 0.5, 0.5), happened) == pytest.approx(3.5 / 4)
    assert metrics.auc(array(0.9, 0.1), np.array([True, True])) is None


def test_brier_and_coverage():
    assert metrics.brier(array(1, 0.5), np.array([True, False])) == pytest.approx(0.125)
    assert metrics.coverage(array(0, 0, 3), array(1, 2, 4), array(1, 3, 3)) == pytest.approx(2 / 3)


def test_deciles_are_tenths_from_the_top_and_equal_values_stay_together():
    assert metrics.deciles(np.arange(20.0)).tolist() == sorted([*range(1, 11)] * 2, reverse=True)
    assert metrics.deciles(array(5, 5, 5, 1)).tolist() == [1, 1, 1, 8]
