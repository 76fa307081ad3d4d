"""How the tests' sources name what the contract wants to know of an order."""

ORDER_COLUMNS = {
    "order_id": "no",
    "customer_id": "who",
    "ordered_at": "at",
    "status": {"constant": "placed"},
    "amount": "amount",
    "currency": {"constant": "USD"},
}
