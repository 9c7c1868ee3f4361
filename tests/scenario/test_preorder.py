"""Story 2: one line in stock, one on preorder. The customer wants the first now; the rest ships when it lands."""
import decimal
import uuid

import pytest

import harness
from harness import add_item, add_stock, level, money, order_body, wait_for

RELEASE = "2027-03-01T02:00:00Z"


def amount(value):
    return decimal.Decimal(value["amount"])


def preorder_item(home, sku, limit, kind="preorder"):
    body = {"sku": sku, "name": sku, "price": money("300.00"), "selling_ahead": kind, "ahead_limit": limit,
            "promised_at": RELEASE}
    home.api.post("/v1/items", body, status=201)


def both_lines(now, later, quantity=1):
    lines = [{"sku": now, "quantity": 1, "unit_price": money("120.00")},
             {"sku": later, "quantity": quantity, "unit_price": money("300.00")}]
    total = str(120 + 300 * quantity) + ".00"
    return order_body(now, lines=lines, payments=[{"method": "card", "status": "captured", "amount": money(total)}])


def get(home, order):
    return home.api.get(f"/v1/orders/{order['id']}")


def await_line(home, order, sku, **wanted):
    def looks_so():
        found = next(row for row in get(home, order)["lines"] if row["sku"] == sku)
        return found if wanted.items() <= found.items() else None
    return wait_for(looks_so, message=lambda: (wanted, get(home, order)["lines"]))


def open_work(home, order):
    rows = home.api.get("/v1/fulfillments", order=order["id"])["data"]
    return [row for row in rows if row["status"] in ("open", "picking", "picked", "packing", "packed")]


def ship(home, order, tracking):
    work = wait_for(lambda: open_work(home, order), message=lambda: home.api.get("/v1/fulfillments", order=order["id"]))
    assert len(work) == 1, work
    home.api.post(f"/v1/fulfillments/{work[0]['id']}/ship", {"carrier": "SF", "tracking_number": tracking})
    wait_for(lambda: get(home, order)["fulfillment_status"] == "fulfilled", message=lambda: get(home, order))


def test_what_is_in_stock_ships_now_and_the_preorder_when_it_lands(home):
    now, later = "NOW-" + uuid.uuid4().hex[:6].upper(), "LATER-" + uuid.uuid4().hex[:6].upper()
    add_item(home, now)
    add_stock(home, now, 10)
    preorder_item(home, later, 5)
    first = home.api.post("/v1/orders", both_lines(now, later, 2), status=201)
    order = home.api.post("/v1/orders", both_lines(now, later), status=201)
    line = await_line(home, order, later, preordered=1, unallocated=0)
    assert line["promised_at"].startswith("2027-03-01T02:00:00"), line
    assert home.api.get(f"/v1/items/{later}")["ahead_limit"] == 5

    both = home.api.post(f"/v1/orders/{order['id']}/split",
                         {"lines": [{"line_id": line["id"]}], "notify_child": True}, status=201)
    parent, child = both["parent"], both["child"]
    assert child["number"] == order["number"] + "-A"
    assert amount(parent["total"]) + amount(child["total"]) == amount(order["total"])
    assert parent["payment_status"] == child["payment_status"] == "paid", "the family has paid"
    ship(home, parent, "SF-NOW")
    await_line(home, child, later, preordered=1)
    assert open_work(home, child) == []

    add_stock(home, later, 2)
    await_line(home, first, later, preordered=0, reserved=2)
    await_line(home, child, later, preordered=1, reserved=0)
    add_stock(home, later, 1)
    await_line(home, child, later, preordered=0, reserved=1)
    ship(home, child, "SF-LATER")
    wait_for(lambda: get(home, child)["status"] == "completed")
    home.settle()
    subjects = [m.subject for m in home.mails() if order["number"] in m.subject]
    child_mails = [s for s in subjects if child["number"] in s]
    messages = home.api.get("/v1/messages", order=parent["id"])["data"]
    assert len(child_mails) == 2, subjects  # it exists; it has shipped
    assert len(subjects) - len(child_mails) == 2, subjects  # placed; shipped; nothing of the split
    assert sorted(m["status"] for m in messages).count("suppressed") == 1, messages
    home.verify()


def test_no_more_is_sold_ahead_than_the_limit(home):
    sku = "CAP-" + uuid.uuid4().hex[:6].upper()
    preorder_item(home, sku, 3, "backorder")
    taken = home.api.post("/v1/orders", order_body(sku, 2, "300.00"), status=201)
    await_line(home, taken, sku, backordered=2)
    refused = home.api.call("POST", "/v1/orders", order_body(sku, 2, "300.00"))
    assert refused.status == 409 and refused["code"] == "insufficient_stock", refused
    last = home.api.post("/v1/orders", order_body(sku, 1, "300.00"), status=201)
    await_line(home, last, sku, backordered=1)
    # A channel has sold it already: it is taken, and waits without a promise.
    beyond = home.api.post("/v1/orders", order_body(sku, 1, "300.00", stock_policy="accept"), status=201)
    await_line(home, beyond, sku, backordered=0, unallocated=1)
    home.api.post(f"/v1/orders/{taken['id']}/cancel", {"reason": "customer"})
    wait_for(lambda: home.api.call("POST", "/v1/orders", order_body(sku, 1, "300.00")).status == 201)
    checkout = home.api.call("POST", "/v1/reservations", {"lines": [{"sku": sku, "quantity": 1}]})
    assert checkout.status == 409, checkout
    add_stock(home, sku, 10)
    await_line(home, beyond, sku, reserved=1)
    wait_for(lambda: level(home, sku)["available"] == 7)
    home.settle()
    home.verify()


@pytest.mark.parametrize("body, field", [
    ({"selling_ahead": "none", "ahead_limit": 3}, "selling_ahead"),
    ({"selling_ahead": "preorder", "ahead_limit": -1}, "ahead_limit"),
])
def test_a_setting_that_makes_no_sense_is_refused(home, body, field):
    answer = home.api.call("POST", "/v1/items", {"sku": "X-" + uuid.uuid4().hex[:6], "name": "x", **body})
    assert answer.status == 400 and answer["field"] == field, answer
