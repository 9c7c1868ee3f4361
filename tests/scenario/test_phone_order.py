"""Story 3: an order by telephone. And what a clerk leaves to us: who the customer is, what an item costs."""
import pytest

import harness
from harness import money, wait_for


@pytest.fixture(scope="module")
def shop(home):
    for sku, name, price in (("PHONE-CUP", "手沖杯", "380"), ("PHONE-BAG", "帆布袋", "250")):
        harness.add_item(home, sku, name, price, "TWD")
        harness.add_stock(home, sku, 10)
    return home


def customer_of(shop, **more):
    body = {"name": "林美玲", "phone": "0912-345-678", "country": "TW", "email": "meiling@example.com", **more}
    return shop.api.post("/v1/customers", body, status=201)


def phone_order(customer, **more):
    body = {"channel": "phone", "currency": "TWD", "locale": "zh-Hant", "stock_policy": "require",
            "customer_id": customer["id"], "prices_include_tax": True, "notify_customer": False,
            "lines": [{"sku": "PHONE-CUP", "quantity": 2},
                      {"name": "刻字", "is_custom": True, "quantity": 1, "unit_price": money("120", "TWD")}],
            "discounts": [{"title": "優惠", "amount": money("50", "TWD"), "reason": "上次出貨延誤"}],
            "delivery": {"method": "convenience_store", "carrier": "7_eleven", "store_code": "131386",
                         "store_name": "鑫安門市", "cash_on_delivery": True}}
    body.update(more)
    return body


def refused(shop, body, status, code, field):
    answer = shop.api.call("POST", "/v1/orders", body)
    assert (answer.status, answer["code"], answer["field"]) == (status, code, field), answer
    return answer


def test_a_phone_order_finds_its_customer_prices_itself_and_is_silent(shop):
    made = customer_of(shop)
    assert made["phone"] == "+886912345678"
    found = shop.api.get("/v1/customers", q="912345")["data"]
    assert [c["id"] for c in found] == [made["id"]]
    before = harness.level(shop, "PHONE-CUP")["available"]

    order = shop.api.post("/v1/orders", phone_order(found[0]), status=201)

    assert order["number"].startswith("TEL-")
    assert order["customer"]["name"] == "林美玲" and order["customer"]["phone"] == "+886912345678"
    assert [line["unit_price"]["amount"] for line in order["lines"]] == ["380", "120"]
    assert order["total"] == money("830", "TWD") and order["amount_due"] == money("830", "TWD")
    assert order["payment_status"] == "unpaid" and order["is_silent"]
    assert order["discounts"][0]["reason"] == "上次出貨延誤"
    assert order["delivery"]["store_name"] == "鑫安門市" and order["delivery"]["cash_on_delivery"]
    assert order["lines"][0]["reserved"] == 2 and order["lines"][1]["unallocated"] == 0
    assert harness.level(shop, "PHONE-CUP")["available"] == before - 2

    shop.settle()
    assert not [m for m in shop.mails() if order["number"] in m.subject]
    told = shop.api.get("/v1/messages", order=order["id"])["data"]
    assert [m["status"] for m in told] == ["suppressed"]
    shown = wait_for(lambda: (o := shop.api.get(f"/v1/orders/{order['number']}"))["customer_id"] and o)
    assert shown["customer_id"] == made["id"]
    work = shop.api.get("/v1/fulfillments", order=order["id"])["data"]
    assert len(work) == 1
    assert work[0]["delivery"] == {"method": "convenience_store", "carrier": "7_eleven", "store_code": "131386",
                                   "store_name": None, "cash_on_delivery": True, "code": None}
    shop.api.post(f"/v1/fulfillments/{work[0]['id']}/ship", {"carrier": "7_eleven", "tracking_number": "C1"})
    shop.settle()
    assert not [m for m in shop.mails() if order["number"] in m.subject]
    profile = shop.api.get(f"/v1/customers/{made['id']}")
    assert profile["history"]["orders"] == 1
    assert profile["history"]["spend"][0]["ordered"] == money("830", "TWD")


def test_the_short_line_is_named_and_nothing_is_placed(shop):
    customer = customer_of(shop, phone="0922000111", email="short@example.com")
    body = phone_order(customer, lines=[{"sku": "PHONE-BAG", "quantity": 1}, {"sku": "PHONE-CUP", "quantity": 99}])
    refused(shop, body, 409, "insufficient_stock", "lines[1].quantity")
    shop.settle()
    assert shop.api.get(f"/v1/customers/{customer['id']}")["history"]["orders"] == 0


@pytest.mark.parametrize("delivery, status, code, field", [
    ({"method": "convenience_store", "store_code": "131386"}, 400, "required", "delivery.carrier"),
    ({"method": "convenience_store", "carrier": "7_eleven"}, 400, "required", "delivery.store_code"),
    ({"method": "home", "store_code": "131386"}, 400, "invalid", "delivery.store_code"),
    ({"method": "digital", "cash_on_delivery": True}, 400, "invalid", "delivery.cash_on_delivery"),
    ({"carrier": "sf_express"}, 400, "required", "delivery.method"),
])
def test_a_delivery_that_cannot_be_is_refused(shop, delivery, status, code, field):
    refused(shop, phone_order({"id": ""}, delivery=delivery), status, code, field)


def test_a_convenience_store_collects_at_most_20000(shop):
    body = phone_order({"id": ""}, discounts=[], lines=[
        {"name": "訂製櫃", "is_custom": True, "quantity": 1, "unit_price": money("20001", "TWD")}])
    refused(shop, body, 409, "collection_limit", "delivery.cash_on_delivery")
    body["lines"][0]["unit_price"] = money("20000", "TWD")
    assert shop.api.post("/v1/orders", body, status=201)["total"] == money("20000", "TWD")
    body["payments"] = [{"method": "bank_transfer", "status": "captured", "amount": money("20000", "TWD")}]
    refused(shop, body, 409, "collection_limit", "delivery.cash_on_delivery")


def test_what_is_left_out_and_cannot_be_known_is_named(shop):
    harness.add_item(shop, "PHONE-HKD", "港貨", "10.00", "HKD")
    harness.add_stock(shop, "PHONE-HKD", 5)
    refused(shop, phone_order({"id": ""}, lines=[{"sku": "PHONE-HKD", "quantity": 1}]), 400, "no_price",
            "lines[0].unit_price")
    refused(shop, phone_order({"id": ""}, lines=[{"sku": "PHONE-NONE", "quantity": 1}], stock_policy="accept"), 400,
            "unknown_sku", "lines[0].sku")
    refused(shop, phone_order({"id": "0190a1b2-0000-7000-8000-000000000000"}), 400, "unknown_customer", "customer_id")


def test_a_repeat_gets_the_first_answer_whatever_became_of_the_item(shop):
    customer = customer_of(shop, phone="0933000222", email="again@example.com")
    body = phone_order(customer, lines=[{"sku": "PHONE-BAG", "quantity": 1}])
    first = shop.api.post("/v1/orders", body, status=201, idempotency="phone-again")
    shop.api.call("PATCH", "/v1/items/PHONE-BAG", {"price": money("999", "TWD")})
    shop.api.call("PATCH", f"/v1/customers/{customer['id']}", {"name": "林小姐"})
    again = shop.api.post("/v1/orders", body, status=201, idempotency="phone-again")
    assert again == first


def test_the_books_are_right(shop):
    shop.settle()
    shop.verify()
