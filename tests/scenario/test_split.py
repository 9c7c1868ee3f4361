"""Splitting an order, putting it together again, and the money of a family, over the API."""
import decimal

import pytest

import harness
from harness import add_item, add_stock, money, order_body, wait_for

SKUS = ("SPLIT-TEE", "SPLIT-MUG")


@pytest.fixture(scope="module")
def shop(home):
    for sku in SKUS:
        add_item(home, sku)
        add_stock(home, sku, 200)
    return home


def amount(value):
    return decimal.Decimal(value["amount"])


def two_lines(**more):
    """3 x 99.99 and 2 x 10.01, 50.00 off the order, 30.00 to ship: 319.99, paid."""
    body = order_body(SKUS[0], lines=[{"sku": SKUS[0], "quantity": 3, "unit_price": money("99.99")},
                                      {"sku": SKUS[1], "quantity": 2, "unit_price": money("10.01")}],
                      discounts=[{"title": "獨家", "amount": money("50.00")}],
                      shipping_lines=[{"title": "順豐", "price": money("30.00")}],
                      payments=[{"method": "card", "status": "captured", "amount": money("299.99")}])
    body.update(more)
    return body


def get(shop, order):
    return shop.api.get(f"/v1/orders/{order['id']}")


def line(order, sku):
    return next(row for row in order["lines"] if row["sku"] == sku)


def split(shop, order, sku, quantity, **more):
    body = {"lines": [{"line_id": line(order, sku)["id"], "quantity": quantity}], **more}
    return shop.api.post(f"/v1/orders/{order['id']}/split", body, status=201)


def await_reserved(shop, order):
    return wait_for(lambda: (now := get(shop, order)) and all(row["unallocated"] == 0 for row in now["lines"]) and now,
                    message=lambda: get(shop, order))


def work(shop, order):
    return shop.api.get("/v1/fulfillments", order=order["id"])["data"]


def open_work(shop, order, units):
    """The order's fulfillment order, once it has so many units to ship."""
    def ready():
        rows = [row for row in work(shop, order) if row["status"] not in ("cancelled", "scheduled")]
        left = sum(x["allocated"] - x["cancelled"] - x["shipped"] for row in rows for x in row["lines"])
        return rows if left == units else None
    return wait_for(ready, message=lambda: work(shop, order))


def ship(shop, fulfillment, tracking):
    return shop.api.post(f"/v1/fulfillments/{fulfillment['id']}/ship",
                         {"carrier": "SF", "tracking_number": tracking})


def test_a_split_conserves_every_cent_and_ships_apart(shop):
    order = await_reserved(shop, shop.api.post("/v1/orders", two_lines()))
    preview = shop.api.post(f"/v1/orders/{order['id']}/split/preview",
                            {"lines": [{"line_id": line(order, SKUS[0])["id"], "quantity": 1}]}, status=200)
    assert get(shop, order)["version"] == order["version"], "a preview changes nothing"
    both = split(shop, order, SKUS[0], 1, version=order["version"], notify_child=True)
    parent, child = both["parent"], both["child"]
    for name in ("total", "discount_total", "shipping_total", "items_total"):
        assert amount(parent[name]) + amount(child[name]) == amount(order[name]), name
        assert preview["child"][name] == child[name], name
    assert child["number"] == order["number"] + "-A"
    assert child["family"]["parent_id"] == parent["id"] and child["family"]["root_id"] == parent["id"]
    assert [m["number"] for m in parent["family"]["members"]] == [order["number"], child["number"]]
    assert amount(child["shipping_total"]) == 0
    assert line(child, SKUS[0])["origin_line_id"] == line(order, SKUS[0])["id"]
    ship(shop, open_work(shop, child, 1)[0], "SF-CHILD")
    ship(shop, open_work(shop, parent, 4)[0], "SF-PARENT")
    for one in (parent, child):
        wait_for(lambda: get(shop, one)["fulfillment_status"] == "fulfilled", message=lambda: get(shop, one))
    shop.settle()
    mails = {m.subject for m in shop.mails() if child["number"] in m.subject}
    assert mails, "the child's mail was asked for"
    shop.verify()


def test_a_later_payment_marks_the_family_and_refunds_are_capped_there(shop):
    order = await_reserved(shop, shop.api.post("/v1/orders", two_lines(payments=[])))
    both = split(shop, order, SKUS[1], 2)
    parent, child = both["parent"], both["child"]
    assert amount(parent["amount_due"]) + amount(child["amount_due"]) == amount(order["total"]), "cash on delivery"
    shop.api.post(f"/v1/orders/{child['id']}/payments",
                  {"method": "bank_transfer", "status": "captured", "amount": parent["amount_due"]})
    assert get(shop, parent)["payment_status"] == "paid"
    assert get(shop, child)["payment_status"] == "unpaid"
    types = [e["type"] for e in shop.api.pages(f"/v1/orders/{parent['id']}/timeline")]
    assert "family_payment_changed" in types
    shop.api.post(f"/v1/orders/{parent['id']}/payments",
                  {"method": "bank_transfer", "status": "captured", "amount": child["amount_due"]})
    assert get(shop, child)["payment_status"] == "paid"
    assert len(get(shop, child)["payments"]) == 2, "a child shows its family's payments"
    too_much = shop.api.call("POST", f"/v1/orders/{child['id']}/refunds",
                             {"amount": money(str(amount(order["total"]) + 1))})
    assert too_much.status == 409 and too_much["code"] == "refund_exceeds_captured", too_much
    shop.api.post(f"/v1/orders/{child['id']}/refunds", {"amount": child["total"], "reason": "kind"})
    assert get(shop, child)["payment_status"] == "refunded"
    assert get(shop, parent)["payment_status"] == "paid"
    shop.settle()
    shop.verify()


def test_unsplit_is_the_inverse_to_the_cent(shop):
    order = await_reserved(shop, shop.api.post("/v1/orders", two_lines()))
    child = split(shop, order, SKUS[0], 2, shipping=money("12.00"))["child"]
    open_work(shop, child, 2)
    both = shop.api.post(f"/v1/orders/{child['id']}/unsplit", {})
    for name in ("total", "discount_total", "shipping_total", "items_total", "paid_total", "payment_status"):
        assert both["parent"][name] == order[name], name
    assert {row["id"]: (row["quantity"], row["total"]) for row in both["parent"]["lines"]} == \
        {row["id"]: (row["quantity"], row["total"]) for row in order["lines"]}
    assert both["child"]["status"] == "cancelled" and amount(both["child"]["total"]) == 0
    ship(shop, open_work(shop, order, 5)[0], "SF-WHOLE")
    wait_for(lambda: get(shop, order)["status"] == "completed", message=lambda: get(shop, order))
    shop.settle()
    shop.verify()


def test_what_cannot_be_split_is_refused(shop):
    order = await_reserved(shop, shop.api.post("/v1/orders", two_lines()))
    path = f"/v1/orders/{order['id']}/split"
    tee = line(order, SKUS[0])["id"]
    cases = [({"lines": []}, 400, "required", "lines"),
             ({"lines": [{"line_id": tee, "quantity": 4}]}, 409, "quantity_too_large", "lines[0].quantity"),
             ({"lines": [{"line_id": tee}, {"line_id": tee}]}, 400, "duplicate_line", "lines[1].line_id"),
             ({"lines": [{"line_id": row["id"]} for row in order["lines"]]}, 409, "nothing_left", "lines"),
             ({"lines": [{"line_id": tee}], "version": 1 + order["version"]}, 412, "stale_version", "version"),
             ({"lines": [{"line_id": tee}], "shipping": money("31.00")}, 409, "out_of_range", "shipping.amount")]
    for body, status, code, field in cases:
        answer = shop.api.call("POST", path, body)
        assert (answer.status, answer["code"], answer.json.get("field")) == (status, code, field), answer
    assert get(shop, order)["version"] == order["version"], "a refusal writes nothing"
    shop.api.post(f"/v1/fulfillments/{open_work(shop, order, 5)[0]['id']}/pick", {})
    wait_for(lambda: line(get(shop, order), SKUS[0])["picked"] == 3)
    answer = shop.api.call("POST", path, {"lines": [{"line_id": tee, "quantity": 1}]})
    assert answer.status == 409, answer
