"""Who is meant: what somebody typed, before it is searched for."""

import pytest

from perennial.errors import FatalError
from perennial.lifecycle import find


class Session:
    """Counts what it is asked; nobody is ever found."""

    asked = 0

    def execute(self, *_):
        self.asked += 1
        return []


def test_what_is_too_long_for_an_id_is_not_searched_for():
    session = Session()
    with pytest.raises(FatalError, match="longer than 128 characters"):
        find.customer(session, "shop:" + "x" * 10_000, ["shop"])
    assert session.asked == 0


@pytest.mark.parametrize("typed", ["shop:" + "x" * 120, "0" * 32])
def test_nearest_ids_are_looked_for_a_few_times_only(typed):
    session = Session()
    with pytest.raises(FatalError, match=r"no customer with that id|nobody has a key"):
        find.customer(session, typed, ["shop"])
    assert session.asked <= 2 + find.TRIES, "herself, whether she was erased, and who comes near"
