"""A log that is not the one that was read: its consumer stops instead of guessing.

What an operator gets who restores one schema and not the others is imitated by giving the event at the consumer's
cursor another id.
"""
import re

import pytest

import harness
from harness import wait_for


@pytest.fixture
def shop():
    made = harness.Home()
    try:
        made.start()
        harness.add_location(made)
        harness.add_item(made, "LOG-1")
        harness.add_stock(made, "LOG-1", 10)
        yield made
    finally:
        made.close()


def place(shop, name):
    return shop.api.post("/v1/orders", {
        "channel": "web", "external_id": name, "currency": "HKD", "stock_policy": "require", "customer": {"name": "陳大文"},
        "lines": [{"sku": "LOG-1", "quantity": 1, "unit_price": {"amount": "1.00", "currency": "HKD"}}]}, status=201)


def is_halted(shop):
    text = shop.client().send("GET", "/metrics").body.decode()
    return re.search(r'^penstock_subscription_halted\{service="inventory",source="orders"\} 1$', text, re.M)


def test_a_consumer_halts_on_another_log_and_takes_nothing_from_it(shop):
    place(shop, "before")
    shop.settle()
    assert not is_halted(shop)
    [[cursor]] = shop.rows("SELECT position FROM inventory.cursor WHERE source = 'orders'")
    shop.rows("UPDATE orders.event SET event_id = gen_random_uuid() WHERE position = %s RETURNING position", cursor)
    shop.kill("orders")  # what it kept of its log in memory goes with it
    wait_for(shop.is_ready, 30, "orders does not come back")
    place(shop, "after")
    wait_for(lambda: is_halted(shop), 30, "inventory goes on with a log that it does not know")
    assert shop.rows("SELECT position FROM inventory.cursor WHERE source = 'orders'") == [(cursor,)]
