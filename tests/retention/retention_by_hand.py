"""Cohorts, repurchases and old customers counted person by person in plain Python.

People are retention_shop.Person; days after the night must not occur in them.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import sqrt

from retention_shop import NIGHT, Order, Person


def month(day: date) -> date:
    return day.replace(day=1)


def next_month(day: date) -> date:
    return month(month(day) + timedelta(days=31))


def months(first: date) -> list[date]:
    """Every month from this one to that of the night."""
    found = [month(first)]
    while next_month(found[-1]) <= NIGHT:
        found.append(next_month(found[-1]))
    return found


def money(order: Order) -> list[tuple[date, Decimal]]:
    """Every movement of money with its day: the order, what is given back, and the rest if it is cancelled."""
    end = order.cancelled_on or NIGHT
    given_back = [(day, -amount) for day, amount in order.refunds if day <= end]
    moved = [(order.ordered_on, order.gross), *given_back]
    left = max(sum(amount for _, amount in moved), Decimal(0))  # who got back too much need not pay it back
    return [*moved, (order.cancelled_on, -left)] if order.cancelled_on else moved


def net(order: Order) -> Decimal:
    return sum(amount for _, amount in money(order))


def counts(order: Order) -> bool:
    return order.cancelled_on is None and net(order) > 0


def order_days(person: Person) -> list[date]:
    return sorted({order.ordered_on for order in person.orders if counts(order)})


def cohort(person: Person) -> date | None:
    return next((month(day) for day in order_days(person)), None)


def net_in(people: list[Person], of: date) -> Decimal:
    return sum(net(order) for person in people for order in person.orders if month(order.ordered_on) == of)


def cash_in(people: list[Person], of: date) -> Decimal:
    return sum(
        amount for person in people for order in person.orders for day, amount in money(order) if month(day) == of
    )


def retention(people: list[Person]) -> Iterator[tuple[date, int, dict]]:
    """Cohort month, age and figures of each month of each cohort of these people."""
    for first in {cohort(person) for person in people} - {None}:
        members = [person for person in people if cohort(person) == first]
        for age, of in enumerate(months(first)):
            bought = [
                [order for order in person.orders if counts(order) and month(order.ordered_on) == of]
                for person in members
            ]
            active = sum(bool(orders) for orders in bought)
            figures = {
                "month": of,
                "count_customers": len(members),
                "count_active": active,
                "count_orders": sum(map(len, bought)),
                "retention_share": rounded(active, len(members)),
                "net_revenue": net_in(members, of) + (age == 0) * _before(net_in, members, first),
                "cash_revenue": cash_in(members, of) + (age == 0) * _before(cash_in, members, first),
                "is_mature": next_month(of) - timedelta(days=1) <= NIGHT,
            }
            yield first, age, figures


def _before(of_month, members: list[Person], first: date) -> Decimal:
    return sum(of_month(members, of) for of in months(date(2014, 1, 1)) if of < first)


def sales(people: list[Person], of: date, age: str) -> dict:
    """The figures of a month for its new or returning customers."""
    of_age = [p for p in people if (cohort(p) is not None and cohort(p) < of) == (age == "returning")]
    bought = [(p, o) for p in of_age for o in p.orders if month(o.ordered_on) == of]
    repeats = [(p, o) for p, o in bought if order_days(p) and o.ordered_on > order_days(p)[0]]
    return {
        "count_customers": sum(any(month(day) == of for day in order_days(p)) for p in of_age),
        "count_orders": sum(counts(o) for _, o in bought),
        "count_repeat_orders": sum(counts(o) for _, o in repeats),
        "net_revenue": net_in(of_age, of),
        "repeat_revenue": sum(net(o) for _, o in repeats),
        "cash_revenue": cash_in(of_age, of),
    }


def steps(people: list[Person], number: int) -> list[tuple[date, date | None]]:
    """The order-day of this number and the next one, of everybody who had it."""
    days = [[*order_days(person), None] for person in people]
    return [(d[number - 1], d[number]) for d in days if len(d) > number]


def repurchase(people: list[Person], number: int, within: int) -> tuple[int, int, int]:
    """How many had the order-day, were watched for the period, and came again in it."""
    reached, period = steps(people, number), timedelta(days=within)
    watched = [(day, again) for day, again in reached if day + period <= NIGHT]
    return len(reached), len(watched), sum(again is not None and again - day <= period for day, again in watched)


def median_days(people: list[Person], number: int) -> int | None:
    """Kaplan-Meier: the first day by which half have come again, among those watched up to it."""
    waits = [((again or NIGHT) - day, again is not None) for day, again in steps(people, number)]
    share = Fraction(1)
    for days in sorted({days for days, over in waits if over}):
        at_risk = sum(other >= days for other, _ in waits)
        share *= 1 - Fraction(sum(wait == (days, True) for wait in waits), at_risk)
        if share <= Fraction(1, 2):
            return days.days
    return None


def rounded(part: Decimal | int, whole: Decimal | int, places: int = 6) -> Decimal | None:
    """A quotient as the marts round it, null without a whole."""
    return (Decimal(part) / Decimal(whole)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if whole else None


def wilson(successes: int, trials: int) -> tuple[float, float]:
    z, p = 1.959964, successes / trials
    half = z * sqrt(p * (1 - p) / trials + z * z / 4 / trials**2)
    return tuple((p + z * z / 2 / trials + sign * half) / (1 + z * z / trials) for sign in (-1, 1))
