"""WooCommerce's twin."""

from shop_twins.woocommerce_twin import KEY, SECRET, WooCommerceTwin, stamp

from examples.shop import Example
from perennial.connections import Connection


class WooCommerceExample(Example):
    kind = "woocommerce"
    secret = SECRET

    def begin(self) -> None:
        self.twin = twin = WooCommerceTwin()
        twin.add_customer(1, self.days_ago(90))
        twin.add_customer(2, self.days_ago(50))
        twin.add_order(11, 1, self.days_ago(40), "100.00")
        twin.add_order(12, 2, self.days_ago(20), "50.00")
        twin.add_refund(901, 11, self.days_ago(39), "30.00")
        self.first = {
            "customers": {"1", "2"},
            "orders": {"11", "12"},
            "order_lines": {"11", "12"},
            "refunds": {"901"},
        }
        self.gone = {"customers": {"2"}, "orders": {"11"}, "order_lines": {"11"}, "refunds": {"901"}}
        self.changed = {"orders": {"12", "13"}, "order_lines": {"12", "13"}, "refunds": {"902"}, "customers": {"3"}}
        self.untouched = {"customers": {"1"}, "orders": {"11"}, "order_lines": {"11"}}

    def change(self) -> None:
        self.twin.orders[12] |= {"status": "cancelled", "date_modified_gmt": stamp(self.days_ago(0.2))}
        self.twin.add_refund(902, 12, self.days_ago(0.2), "20.00")
        self.twin.add_order(13, 1, self.days_ago(0.1), "7.00")
        self.twin.add_customer(3, self.days_ago(0.1))

    def vanish(self) -> None:
        del self.twin.customers[2], self.twin.orders[11], self.twin.refunds[901]

    def connection(self, secret: str | None = None) -> Connection:
        return Connection("http", host=self.twin.url, login=KEY, password=secret or self.secret)

    def revoke(self) -> None:
        self.twin.forbidden = "orders"
