"""Shopify's twin."""

from shop_twins.shopify_twin import TOKEN, ShopifyTwin, money, stamp

from examples.shop import Example


class ShopifyExample(Example):
    kind = "shopify"
    secret = TOKEN

    def begin(self) -> None:
        self.twin = twin = ShopifyTwin(self.now, self.monotonic)
        subscribed = {"emailAddress": "c1@example.com", "marketingState": "SUBSCRIBED"}
        twin.add_customer(
            1, self.days_ago(90), defaultEmailAddress=subscribed | {"marketingUpdatedAt": stamp(self.days_ago(90))}
        )
        twin.add_customer(2, self.days_ago(50))
        twin.add_order(11, 1, self.days_ago(40), "100.00", lines=2)
        twin.add_order(12, 2, self.days_ago(20), "50.00")
        self.refund(901, 11, 39, "30.00")
        self.first = {
            "customers": {"1", "2"},
            "orders": {"11", "12"},
            "order_lines": {"11", "12"},
            "refunds": {"901"},
            "consents": {"1"},
        }
        self.changed = {"orders": {"12", "13"}, "order_lines": {"12", "13"}, "refunds": {"902"}, "consents": {"2"}}
        self.gone = {"customers": {"2"}, "orders": {"11"}, "order_lines": {"11"}, "refunds": {"901"}}
        self.untouched = {"customers": {"1"}, "orders": {"11"}, "order_lines": {"11"}, "refunds": {"901"}}

    def refund(self, number: int, order: int, days: float, amount: str) -> None:
        at, found = stamp(self.days_ago(days)), self.twin.orders[f"gid://shopify/Order/{order}"]
        refund = {"id": f"gid://shopify/Refund/{number}", "createdAt": at, "totalRefundedSet": money(amount)}
        found["refunds"].append(refund)
        found |= {"updatedAt": at, "totalRefundedSet": money(amount)}

    def change(self) -> None:
        self.refund(902, 12, 0.2, "20.00")
        self.twin.add_order(13, 1, self.days_ago(0.1), "7.00")
        said = {"marketingState": "UNSUBSCRIBED", "marketingUpdatedAt": stamp(self.days_ago(0.1))}
        customer = self.twin.customers["gid://shopify/Customer/2"]
        customer["defaultEmailAddress"] |= said
        customer["updatedAt"] = stamp(self.days_ago(0.1))

    def vanish(self) -> None:
        del self.twin.customers["gid://shopify/Customer/2"], self.twin.orders["gid://shopify/Order/11"]

    def revoke(self) -> None:
        self.twin.scopes.remove("read_orders")
