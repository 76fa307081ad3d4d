"""Small customers whose stage can be told by reading: for every stage of every shipped model at least one.

Days are counted from 2016-01-01, day 0. Orders are worth 40.00. Until 2017-04-01, day 456, the shipped population says
30 days between orders; so whoever orders once, or every 30 days, has a personal cycle of exactly 30 days.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from oracle import Customer, Event, Order, Refund


def day(number: int) -> date:
    """The day with this number."""
    return date(2016, 1, 1) + timedelta(days=number)


def life(
    *orders: int | tuple[int, float],
    registered: int | None = None,
    events: Iterable[tuple] = (),
    refunds: Iterable[tuple[int, int, float]] = (),
    cancelled: dict[int, int] | None = None,
) -> Customer:
    """A customer told by day numbers.

    Orders are days or (day, amount), events (type, day) or (type, day, announced day), refunds (number of the order,
    day, amount), `cancelled` the day by number of the order. Events of one day happened in the order of the list.
    """
    made = []
    for number, told in enumerate(orders):
        on, amount = told if isinstance(told, tuple) else (told, 40)
        given_back = tuple(Refund(day(back), round(sent * 100)) for order, back, sent in refunds if order == number)
        off = (cancelled or {}).get(number)
        made.append(Order(day(on), round(amount * 100), given_back, None if off is None else day(off)))
    happened = tuple(
        Event(kind, day(on), day(to[0]) if to else None, seq) for seq, (kind, on, *to) in enumerate(events)
    )
    return Customer("somebody", None if registered is None else day(registered), tuple(made), happened)


MONTHLY = range(0, 181, 30)  # seven orders, the last one on day 180
SPEEDING_UP = (*range(0, 60, 10), *range(60, 124, 3))  # 20 order-days after day 63, 7 in the 60 days before: up
SLOWING_DOWN = (*range(0, 60, 3), *range(60, 121, 10))  # 6 order-days after day 60, 20 in the 60 days before: down

# model, stage, day, customer, story
LIVES = [
    ("relationship", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("relationship", "exploring", 240, life(0), "one order; eight cycles of silence are not over yet"),
    ("relationship", "forming", 60, life(0, 30, 60), "third order today"),
    ("relationship", "forming", 179, life(*MONTHLY), "many orders, but only 179 days with us"),
    ("relationship", "stable", 180, life(*MONTHLY), "orders every month, 180 days with us today"),
    ("relationship", "exploring", 150, life(0, 30), "four cycles of silence, not one day more"),
    ("relationship", "declining", 151, life(0, 30), "two orders, silent for four cycles and a day"),
    ("relationship", "declining", 120, life(*SLOWING_DOWN), "orders every ten days, no longer every three"),
    ("relationship", "declining", 99, life(0, 30, events=[("notice", 40, 100)]), "gave notice for tomorrow"),
    ("relationship", "ended", 100, life(0, 30, events=[("notice", 40, 100)]), "the notice runs out today"),
    (
        "relationship",
        "exploring",
        100,
        life(0, 30, events=[("notice", 40, 100), ("notice", 90)]),
        "gave notice and withdrew it",
    ),
    ("relationship", "ended", 271, life(0, 30), "silent for eight cycles and a day"),
    ("broadcast", "prospect", 0, life(registered=0), "registered today"),
    ("broadcast", "acquisition", 30, life(0), "30 days since the only order"),
    ("broadcast", "forming", 31, life(0), "31 days since the only order"),
    ("broadcast", "stable", 180, life(*MONTHLY), "orders every month, 180 days with us today"),
    ("broadcast", "declining", 151, life(0, 30), "two orders, silent for four cycles and a day"),
    ("broadcast", "left", 95, life(0, events=[("contract", 5, 95)]), "the contract ends today"),
    (
        "broadcast",
        "forming",
        95,
        life(0, events=[("contract", 5, 95), ("contract", 90, 300)]),
        "the contract would end today, but was renewed five days ago",
    ),
    (
        "broadcast",
        "left",
        300,
        life(0, events=[("contract", 5, 95), ("contract", 90, 300)]),
        "the renewed contract ends today",
    ),
    ("broadcast", "left", 241, life(0), "no contract, silent for eight cycles and a day"),
    ("broadcast", "forming", 241, life(0, events=[("contract", 5, 400)]), "as silent, but the contract runs on"),
    ("broadcast", "forming", 241, life(0, events=[("contract", 5)]), "as silent, under a contract without an end"),
    ("telecom", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("telecom", "acquisition", 90, life(0), "one order, three cycles of silence"),
    ("telecom", "acquisition", 30, life(0, 10, 20), "three orders, but only 30 days with us"),
    ("telecom", "raising", 31, life(0, 30), "two orders, 31 days with us"),
    ("telecom", "raising", 123, life(*SPEEDING_UP), "orders every three days, no longer every ten"),
    ("telecom", "mature", 90, life(0, 30, 60, 90), "fourth order today"),
    ("telecom", "declining", 91, life(0), "silent for three cycles and a day"),
    ("telecom", "left", 40, life(0, 30, events=[("termination", 40)]), "ended the service today"),
    ("telecom", "left", 30, life(0, 30, events=[("termination", 30)]), "ordered and ended the service, both today"),
    ("telecom", "raising", 50, life(0, 30, 50, events=[("termination", 40)]), "ended the service and ordered again"),
    ("telecom", "left", 181, life(0), "silent for six cycles and a day"),
    ("user", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("user", "prospect", 20, life(0, refunds=[(0, 20, 40)]), "the only order was refunded in full today"),
    ("user", "activated", 0, life(0), "first order today"),
    ("user", "growing", 30, life(0, 30), "second order today"),
    ("user", "growing", 90, life(0, 30, 60, 90, cancelled={2: 80}), "four orders, one of them cancelled"),
    ("user", "mature", 90, life(0, 30, 60, 90), "fourth order today"),
    ("user", "churned", 181, life(0), "silent for six cycles and a day"),
    ("activity_fixed", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("activity_fixed", "active", 45, life(0), "silent for 45 days"),
    ("activity_fixed", "silent", 46, life(0), "silent for 46 days"),
    ("activity_fixed", "silent", 90, life(0), "silent for 90 days"),
    ("activity_fixed", "dormant", 91, life(0), "silent for 91 days"),
    ("activity_fixed", "dormant", 180, life(0), "silent for 180 days"),
    ("activity_fixed", "lost", 181, life(0), "silent for 181 days"),
    ("activity_personal", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("activity_personal", "active", 45, life(0), "silent for one and a half cycles"),
    ("activity_personal", "silent", 46, life(0), "silent for one and a half cycles and a day"),
    ("activity_personal", "silent", 52, life(0, 7, 14, 21), "a weekly buyer, silent for 31 days"),
    ("activity_personal", "dormant", 91, life(0), "silent for three cycles and a day"),
    ("activity_personal", "dormant", 67, life(0, 7, 14, 21), "a weekly buyer, silent for 46 days"),
    ("activity_personal", "lost", 181, life(0), "silent for six cycles and a day"),
    ("activity_personal", "lost", 112, life(0, 7, 14, 21), "a weekly buyer, silent for 91 days"),
    ("custom", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("custom", "new", 90, life(0), "one order, silent for 90 days"),
    ("custom", "new", 30, life(0, 20), "two orders, but only 30 days with us"),
    ("custom", "follow_up", 31, life(0, 30), "two orders, 31 days with us"),
    ("custom", "follow_up", 120, life(*SLOWING_DOWN), "many orders, but every ten days, no longer every three"),
    ("custom", "loyal", 120, life(0, 30, 60, 90, 120), "fifth order today"),
    ("custom", "silent", 91, life(0), "silent for 91 days"),
    ("custom", "lost", 181, life(0), "silent for 181 days"),
    ("ecommerce", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("ecommerce", "new", 30, life(0, 20), "two orders, but only 30 days with us"),
    ("ecommerce", "rising", 31, life(0, 30), "two orders, 31 days with us"),
    ("ecommerce", "rising", 123, life(*SPEEDING_UP), "orders every three days, no longer every ten"),
    ("ecommerce", "mature", 60, life(0, 30, 60), "third order today"),
    ("ecommerce", "declining", 91, life(0, 30), "two orders, silent for two cycles and a day"),
    ("ecommerce", "declining", 120, life(*SLOWING_DOWN), "orders every ten days, no longer every three"),
    ("ecommerce", "silent", 121, life(0), "silent for four cycles and a day"),
    ("ecommerce", "lost", 241, life(0), "silent for eight cycles and a day"),
    ("journey", "considering", 40, life(registered=0, events=[("visit", 10)]), "looked around 30 days ago"),
    ("journey", "prospect", 41, life(registered=0, events=[("visit", 10)]), "looked around 31 days ago"),
    ("journey", "prospect", 10, life(registered=10, events=[("cart", 9)]), "filled a cart before anybody knew her"),
    ("journey", "purchased", 20, life(20, registered=0, events=[("cart", 20)]), "filled a cart and ordered today"),
    ("journey", "using", 18, life(0, events=[("delivery", 3)]), "delivered 15 days ago, half a cycle"),
    ("journey", "purchased", 19, life(0, events=[("delivery", 3)]), "delivered 16 days ago"),
    ("journey", "feedback", 42, life(0, events=[("delivery", 3), ("review", 12)]), "reviewed 30 days ago"),
    ("journey", "purchased", 43, life(0, events=[("delivery", 3), ("review", 12)]), "reviewed 31 days ago"),
    ("journey", "repurchased", 30, life(0, 30, events=[("review", 12)]), "ordered again today, after a review"),
    ("crm", "prospect", 10, life(registered=0), "registered, never ordered"),
    ("crm", "raising", 30, life(0, 30), "second order today"),
    ("crm", "mature", 60, life(0, 30, 60), "third order today"),
    ("crm", "declining", 151, life(0, 30, 60), "three orders, silent for three cycles and a day"),
    ("crm", "declining", 120, life(*SLOWING_DOWN), "orders every ten days, no longer every three"),
    ("crm", "lost", 241, life(0), "silent for eight cycles and a day"),
]

# (customer, model, day, stage, story); every customer has a key of her own
CUSTOMERS = [
    (Customer(f"{model} {stage} {number}", who.registered_on, who.orders, who.events), model, day(on), stage, story)
    for number, (model, stage, on, who, story) in enumerate(LIVES)
]
