"""Orders that are not paid in time: they expire and give their stock back; money that comes too late is never lost."""
import pytest

import harness
from harness import level, money, order_body, wait_for


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "LATE-PEN", "鋼筆", "100.00")
    harness.add_stock(home, "LATE-PEN", 50)
    home.channel("unpaid", "api", "")
    wait_for(lambda: home.api.call("GET", "/v1/channels/unpaid/verification").status == 200)
    answer = home.api.call("PATCH", "/v1/channels/unpaid/verification", {"unpaid_minutes": 30})
    assert answer.status == 200 and answer["unpaid_minutes"] == 30, answer
    return home


def place(shop, payments=()):
    return shop.api.post("/v1/orders", order_body("LATE-PEN", 3, "100.00", channel="unpaid", payments=list(payments)))


def read(shop, order):
    return shop.api.get(f"/v1/orders/{order['id']}")


def available(shop):
    return level(shop, "LATE-PEN")["available"]


def let_time_pass(shop, order):
    """As if half an hour had gone by."""
    shop.rows("UPDATE orders.orders SET placed_at = placed_at - interval '31 minutes',"
              " updated_at = updated_at - interval '31 minutes' WHERE id = %s RETURNING 1", order["id"])


def expire(shop):
    before = available(shop)
    order = place(shop)
    assert order["status"] == "pending" and order["lines"][0]["reserved"] == 3
    let_time_pass(shop, order)
    wait_for(lambda: read(shop, order)["status"] == "expired", message=lambda: read(shop, order))
    wait_for(lambda: available(shop) == before, message="the stock is not given back")
    return read(shop, order)


def pay(shop, order, **more):
    return shop.api.post(f"/v1/orders/{order['id']}/payments",
                         {"method": "bank_transfer", "status": "captured", "amount": money("300.00"), **more})


def test_an_order_that_is_paid_in_time_goes_on_and_others_expire(shop):
    paid = place(shop)
    assert pay(shop, paid)["status"] == "confirmed"
    cod = place(shop, [{"method": "cash_on_delivery", "status": "pending", "amount": money("300.00")}])
    assert cod["status"] == "confirmed"
    for order in (paid, cod):
        let_time_pass(shop, order)
    order = expire(shop)
    assert order["amount_due"] == money("0.00") and order["lines"][0]["cancelled"] == 3
    assert [e["type"] for e in shop.api.pages(f"/v1/orders/{order['id']}/timeline")][1] == "order_expired"
    assert read(shop, paid)["status"] == read(shop, cod)["status"] == "confirmed"
    answer = shop.api.call("POST", f"/v1/orders/{order['id']}/confirm", {})
    assert answer.status == 409


def test_late_money_is_held_and_the_order_can_be_reopened(shop):
    order = expire(shop)
    before = available(shop)
    order = pay(shop, order)
    assert order["status"] == "expired" and order["holds"][0]["type"] == "paid_late"
    assert order["refund_due"] == money("300.00") and order["payment_status"] == "overpaid"
    order = shop.api.post(f"/v1/orders/{order['id']}/reopen")
    assert order["status"] == "confirmed" and order["holds"] == [] and order["payment_status"] == "paid"
    wait_for(lambda: read(shop, order)["lines"][0]["reserved"] == 3)
    assert available(shop) == before - 3
    work = wait_for(lambda: [f for f in shop.api.get("/v1/fulfillments", order=order["number"])["data"]
                             if f["status"] == "open"])
    shop.api.post(f"/v1/fulfillments/{work[0]['id']}/ship", {"carrier": "sf", "tracking_number": "LATE1"})
    wait_for(lambda: read(shop, order)["status"] == "completed")
    assert shop.api.call("POST", f"/v1/orders/{order['id']}/reopen", {}).status == 409


def test_late_money_can_be_given_back_instead(shop):
    order = pay(shop, expire(shop))
    order = shop.api.post(f"/v1/orders/{order['id']}/refunds", {"amount": money("300.00"), "reason": "late"})
    assert order["payment_status"] == "refunded" and order["refund_due"] == money("0.00")
    order = shop.api.delete(f"/v1/orders/{order['id']}/holds/{order['holds'][0]['id']}")
    assert order["status"] == "expired" and order["holds"] == []


def test_a_hold_until_a_day_ends_as_that_day_begins_in_the_shop(shop):
    order = shop.api.post("/v1/orders", order_body("LATE-PEN", 1, "100.00"))
    path = f"/v1/orders/{order['id']}/holds"
    hold = shop.api.post(path, {"type": "ship_later", "reason": "開學", "until": "2037-09-01"}, status=201)
    assert hold["expires_at"].startswith("2037-08-31T16:00:00"), hold
    for day in ("2037-02-29", "1.9.2037", "2001-01-01"):
        assert shop.api.call("POST", path, {"type": "x", "until": day}).status == 400, day
    shop.rows("UPDATE orders.hold SET expires_at = now() WHERE order_id = %s RETURNING 1", order["id"])
    wait_for(lambda: read(shop, order)["holds"] == [])


def test_expiring_leaves_everything_whole(shop):
    shop.settle()
    shop.verify()
