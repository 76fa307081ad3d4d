"""Stripe's twin."""

from shop_twins.stripe_twin import KEY, StripeTwin

from examples.shop import Example


class StripeExample(Example):
    kind = "stripe"
    secret = KEY

    def begin(self) -> None:
        self.twin = twin = StripeTwin(self.now)
        twin.add_customer(1, self.days_ago(90))
        twin.add_customer(2, self.days_ago(15))
        twin.add_charge(11, 1, self.days_ago(14), 10000, invoice="in_11")
        self.authorised = twin.add_charge(12, 2, self.days_ago(13), 5000, captured=False, amount_captured=0)
        twin.add_charge(14, 2, self.days_ago(12), 2000)
        self.invoice(11, 1, 14, charge="ch_11")
        self.refund(901, 11, 12, 3000)
        self.subscription = twin.add_subscription(7, 1, self.days_ago(14))
        begun = f"sub_7:contract:{self.subscription['start_date']}"
        self.first = {
            "customers": {"cus_1", "cus_2"},
            "orders": {"ch_11", "ch_14"},
            "order_lines": {"ch_11"},
            "refunds": {"re_901"},
            "events": {begun},
        }
        cancelled = int(self.days_ago(0.2).timestamp())
        self.changed = {"orders": {"ch_12", "ch_13"}, "refunds": {"re_902"}, "events": {f"sub_7:notice:{cancelled}"}}
        self.gone = {"customers": {"cus_2"}}  # payments stay for ever
        self.untouched = {"customers": {"cus_1"}, "orders": {"ch_11"}}

    def invoice(self, number: int, customer: int, days: float, **fields) -> dict:
        line = {
            "amount": 10000,
            "currency": "usd",
            "quantity": 1,
            "price": {"product": "prod_9"},
            "discount_amounts": [],
        }
        known = {
            "status": "paid", "customer": f"cus_{customer}", "charge": None, "paid_out_of_band": False,
            "amount_paid": 10000, "currency": "usd", "customer_email": None, "all_lines": [line],
            "lines": {"data": [line], "has_more": False},
            "status_transitions": {"paid_at": int(self.days_ago(days).timestamp())},
        } | fields  # fmt: skip
        return self.twin.add("invoices", f"in_{number}", self.days_ago(days), "invoice.paid", **known)

    def refund(self, number: int, charge: int, days: float, amount: int, status: str = "succeeded") -> dict:
        fields = {"charge": f"ch_{charge}", "amount": amount, "currency": "usd", "status": status}
        return self.twin.add("refunds", f"re_{number}", self.days_ago(days), "refund.created", **fields)

    def change(self) -> None:
        self.authorised |= {"captured": True, "amount_captured": 4500}
        self.twin.happens("charge.captured", self.authorised, self.days_ago(0.2))
        self.refund(950, 12, 0.2, 500)  # what the capture let go of
        self.twin.add_charge(13, 1, self.days_ago(0.1), 700)
        self.refund(902, 14, 0.2, 2000)
        given = int(self.days_ago(0.2).timestamp())
        self.subscription |= {"cancel_at_period_end": True, "canceled_at": given}
        before = {"cancel_at_period_end": False, "canceled_at": None}
        self.twin.happens("customer.subscription.updated", self.subscription, self.days_ago(0.2), **before)

    def vanish(self) -> None:
        self.twin.delete_customer(2, self.days_ago(0.1))

    def revoke(self) -> None:
        self.twin.forbidden = "charges"
