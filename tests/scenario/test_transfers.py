"""Transfers to the shop's bank account: what the customer says, what arrived, and who looked."""
import pytest

import harness
from harness import money, order_body


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "BANK-CUP", "杯", "100.00")
    harness.add_stock(home, "BANK-CUP", 50)
    return home


def submitted(shop, **body):
    order = shop.api.post("/v1/orders", order_body("BANK-CUP", 2, "100.00", payments=[]))
    return shop.api.post(f"/v1/orders/{order['id']}/transfers", {"last_five": "12345", "note": "網銀", **body})


def decide(shop, order, what, client=None, status=200, **body):
    path = f"/v1/orders/{order['id']}/transfers/{order['payments'][0]['id']}/{what}"
    answer = (client or shop.api).call("POST", path, body)
    assert answer.status == status, answer
    return answer


@pytest.mark.parametrize("arrived,payment_status", [(None, "paid"), ("150.00", "partially_paid"), ("230.00", "overpaid")])
def test_what_arrived_decides_and_not_what_was_claimed(shop, arrived, payment_status):
    order = submitted(shop)
    assert order["payment_status"] == "pending" and order["payments"][0]["amount"] == money("200.00")
    order = decide(shop, order, "approve", **({"amount": money(arrived)} if arrived else {})).json
    assert order["payment_status"] == payment_status and order["paid_total"] == money(arrived or "200.00")
    assert decide(shop, order, "decline", status=409)["code"] == "invalid_state"


def test_other_digits_of_the_account_stop_the_approval(shop):
    order = submitted(shop)
    assert decide(shop, order, "approve", status=409, last_five="54321")["code"] == "last_five_mismatch"
    assert decide(shop, order, "approve", last_five="12345")["payment_status"] == "paid"


def test_finance_lists_approves_and_declines_and_customer_service_does_not(shop):
    order = submitted(shop, reference="proof-77")
    again = shop.api.post(f"/v1/orders/{order['id']}/transfers", {"last_five": "12345", "reference": "proof-77"})
    assert len(again["payments"]) == 1
    service, finance = (harness.Client(shop.address, shop.key(r)) for r in ("customer_service", "finance"))
    decide(shop, order, "approve", service, status=403)
    row = [t for t in finance.get("/v1/transfers")["data"] if t["order_id"] == order["id"]]
    assert [(t["last_five"], t["reference"], t["claimed"]) for t in row] == [("12345", "proof-77", money("200.00"))]
    order = decide(shop, order, "decline", finance, reason="沒有入帳").json
    assert order["payment_status"] == "unpaid" and order["payments"][0]["status"] == "failed"
    assert [t["order_id"] for t in finance.get("/v1/transfers", status="declined")["data"]].count(order["id"]) == 1
    shop.settle()
    shop.verify()
