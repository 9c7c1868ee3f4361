"""Giving money back: a deposit and a balance, three discounted lines returned one by one, a second person, a double click.
"""
import concurrent.futures
import http.server
import json
import threading
import uuid

import pytest

import harness
from harness import money, order_body


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "REF-BAG", "背包", "400.00")
    harness.add_stock(home, "REF-BAG", 500)
    return home


def deposit_and_balance(shop):
    """1000.00 for three bags with 200.00 off: 300 by card, 700 by transfer."""
    body = order_body("REF-BAG", 3, "400.00", discounts=[{"title": "開學", "amount": money("200.00")}],
                      payments=[{"method": "card", "status": "captured", "amount": money("300.00"), "reference": "ch_1"}])
    order = shop.api.post("/v1/orders", body)
    assert order["payment_status"] == "partially_paid" and order["amount_due"] == money("700.00")
    order = shop.api.post(f"/v1/orders/{order['id']}/payments", {
        "method": "bank_transfer", "status": "captured", "amount": money("700.00"), "reference": "tr_1"})
    assert order["payment_status"] == "paid"
    return order


def refund(shop, order, status=None, **body):
    return shop.api.post(f"/v1/orders/{order['id']}/refunds", body, status=status)


def one_bag(order):
    return {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}], "reason": "customer"}


def test_three_lines_returned_one_by_one_give_back_both_payments_to_the_cent(shop):
    order = deposit_and_balance(shop)
    totals = []
    for _ in range(3):
        before = len(order["refunds"])
        order = refund(shop, order, **one_bag(order))
        totals.append([r["amount"]["amount"] for r in order["refunds"][before:]])
    assert totals == [["300.00", "33.33"], ["333.33"], ["333.34"]]
    assert order["payment_status"] == "refunded" and order["refunded_total"] == money("1000.00")
    assert order["refund_due"] == order["amount_due"] == money("0.00")
    assert [p["refunded"]["amount"] for p in order["payments"]] == ["300.00", "700.00"]
    answer = shop.api.call("POST", f"/v1/orders/{order['id']}/refunds", one_bag(order))
    assert answer.status == 409 and answer["code"] == "refund_exceeds_line" and answer["field"] == "lines[0].quantity"
    shop.verify()


def test_shipping_and_goodwill_are_parts_that_sum_to_the_amount(shop):
    body = order_body("REF-BAG", 1, "400.00", shipping_lines=[{"title": "順豐", "price": money("40.00")}],
                      payments=[{"method": "card", "status": "captured", "amount": money("440.00")}])
    order = shop.api.post("/v1/orders", body)
    path = f"/v1/orders/{order['id']}/refunds"
    answer = shop.api.call("POST", path, {"shipping": money("40.01")})
    assert answer.status == 409 and answer["code"] == "refund_exceeds_shipping"
    answer = shop.api.call("POST", path, {"shipping": money("40.00"), "goodwill": money("5.00"), "amount": money("44.00")})
    assert answer.status == 400 and answer["code"] == "amount_mismatch"
    order = refund(shop, order, shipping=money("40.00"), goodwill=money("5.00"), reason="late")
    assert order["refunded_total"] == money("45.00") and order["payment_status"] == "partially_refunded"
    assert shop.api.call("POST", path, {"shipping": money("0.01")})["code"] == "refund_exceeds_shipping"
    assert shop.api.call("POST", path, {"goodwill": money("395.01")})["code"] == "refund_exceeds_captured"


def test_a_double_click_makes_one_refund(shop):
    order = deposit_and_balance(shop)
    key, clients = str(uuid.uuid4()), [harness.Client(shop.address, shop.owner_key) for _ in range(4)]

    def click(client):
        return client.call("POST", f"/v1/orders/{order['id']}/refunds", {"goodwill": money("350.00")}, idempotency=key)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(click, clients))
    assert {a.status for a in answers} == {200}, answers
    after = shop.api.get(f"/v1/orders/{order['id']}")
    assert [r["amount"]["amount"] for r in after["refunds"]] == ["300.00", "50.00"]
    assert len({r["request_id"] for r in after["refunds"]}) == 1
    # And for good, not only for as long as answers are kept.
    shop.rows("DELETE FROM orders.command RETURNING 1")
    assert click(clients[0]).status == 200
    assert len(shop.api.get(f"/v1/orders/{order['id']}")["refunds"]) == 2


def test_beyond_the_limit_of_a_role_a_second_person_approves(shop):
    desk, desk2, finance = (harness.Client(shop.address, shop.key(r)) for r in ("order_desk", "order_desk", "finance"))
    shop.api.call("PATCH", "/v1/refund-policy", {"limits": [{"role": "order_desk", "amount": money("100.00")},
                                                            {"role": "finance", "amount": money("900.00")}]})
    try:
        order = deposit_and_balance(shop)
        path = f"/v1/orders/{order['id']}/refunds"
        small = desk.post(path, {"goodwill": money("100.00")})["refunds"][0]
        assert small["status"] == "succeeded"
        order = desk.post(path, {"goodwill": money("250.00"), "reason": "damaged"})
        asked = order["refunds"][1:]
        assert [(r["status"], r["amount"]["amount"]) for r in asked] == [("requested", "200.00"), ("requested", "50.00")]
        assert order["payment_status"] == "partially_refunded" and order["paid_total"] == money("1000.00")
        # What is asked for keeps its share: nobody else can give it away meanwhile.
        assert desk.call("POST", path, {"goodwill": money("650.01")})["code"] == "refund_exceeds_captured"
        approve = f"{path}/{asked[1]['id']}/approve"
        assert desk.call("POST", approve, {})["code"] == "second_person_needed"
        assert desk2.call("POST", approve, {})["code"] == "over_limit"
        listed = [r for r in finance.get("/v1/refunds")["data"] if r["order_id"] == order["id"]]
        assert [r["refund"]["id"] for r in listed] == [r["id"] for r in asked]
        order = finance.post(approve)
        assert [r["status"] for r in order["refunds"]] == ["succeeded"] * 3
        assert all(r["approved_by"] != r["requested_by"] for r in order["refunds"][1:])
        assert finance.call("POST", approve, {})["code"] == "invalid_state"
        asked = desk.post(path, {"goodwill": money("200.00")})["refunds"][-1]
        order = finance.post(f"{path}/{asked['id']}/decline", {"reason": "not ours"})
        assert order["refunds"][-1]["status"] == "cancelled" and order["refunded_total"] == money("350.00")
        assert [e["type"] for e in shop.api.pages(f"/v1/orders/{order['id']}/timeline")][-1] == "refund_declined"
    finally:
        shop.api.call("PATCH", "/v1/refund-policy", {"limits": []})
    shop.settle()
    shop.verify()


# ---- through the channel ----

class Store(http.server.ThreadingHTTPServer):
    """A WooCommerce or Shopify shop's own API, as far as refunds go: scripted to refuse, and counting."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), StoreHandler)
        self.refunds, self.asked, self.script = [], [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class StoreHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.server.asked.append(("GET", self.path))
        self.answer(200, self.server.refunds)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(("POST", self.path, body, dict(self.headers)))
        step = self.server.script.pop(0) if self.server.script else "make"
        if "graphql" in self.path:
            errors = [] if step == "make" else [{"field": None, "message": step}]
            self.answer(200, {"data": {"refundCreate": {"refund": None if errors else {"id": "gid://shopify/Refund/9"},
                                                        "userErrors": errors}}})
        elif step in ("make", "make_and_hang_up"):
            self.server.refunds.append({"id": 900 + len(self.server.refunds), "amount": body["amount"],
                                        "meta_data": body["meta_data"]})
            if step == "make":
                self.answer(201, self.server.refunds[-1])
        else:
            self.answer(500, {"code": "gateway_down", "message": step})


@pytest.fixture(scope="module")
def store():
    made = Store()
    yield made
    made.shutdown()


def imported(shop, channel, kind, external_id, store):
    """An order of a channel, as orders keeps it, paid in one piece of 100.00; the channel's API is the scripted one."""
    shop.channel(channel, kind, "a-secret-of-the-shop")
    answer = shop.api.call("PATCH", f"/v1/channels/{channel}/api",
                           {"url": store.url, "user": "ck_1", "secret": "cs_of_the_shop"})
    assert answer.status == 200 and answer["has_secret"] and "cs_of_the_shop" not in answer.body.decode(), answer
    body = order_body("REF-BAG", 1, "100.00", channel=channel, external_id=external_id,
                      payments=[{"method": "card", "status": "captured", "amount": money("100.00"), "reference": "77001"}])
    return harness.wait_for(lambda: (lambda a: a.json if a.status == 201 else None)(shop.api.call("POST", "/v1/orders", body)))


def await_refund(shop, order, status):
    def looks_so():
        found = shop.api.get(f"/v1/orders/{order['id']}")
        return found if found["refunds"][-1]["status"] == status else None
    return harness.wait_for(looks_so, message=lambda: shop.api.get(f"/v1/orders/{order['id']}")["refunds"])


def test_a_provider_that_fails_is_seen_and_tried_again(shop, store):
    order = imported(shop, "ref-woo", "woocommerce", "5001", store)
    store.script = ["the bank is asleep"]
    order = refund(shop, order, goodwill=money("40.00"), provider="channel", reason="late")
    order = await_refund(shop, order, "failed")
    failed = order["refunds"][0]
    assert failed["error"] == "HTTP 500: the bank is asleep" and failed["attempts"] == 1
    assert order["refund_due"] == money("40.00") and order["payment_status"] == "paid"
    assert [r["refund"]["id"] for r in shop.api.get("/v1/refunds", status="failed")["data"]] == [failed["id"]]
    # Meanwhile its share is taken: it is owed.
    assert shop.api.call("POST", f"/v1/orders/{order['id']}/refunds", {"goodwill": money("60.01")}).status == 409
    shop.api.post(f"/v1/orders/{order['id']}/refunds/{failed['id']}/retry")
    order = await_refund(shop, order, "succeeded")
    assert order["refund_due"] == money("0.00") and order["payment_status"] == "partially_refunded"
    assert [r["amount"] for r in store.refunds] == ["40.00"]
    assert any(line["type"] == "refund_failed" for line in shop.api.pages(f"/v1/orders/{order['id']}/timeline"))
    shop.settle()
    shop.verify()


def test_a_refund_that_was_made_without_an_answer_is_not_made_again(shop, store):
    store.refunds.clear()
    order = imported(shop, "ref-woo", "woocommerce", "5002", store)
    store.script = ["make_and_hang_up"]
    order = refund(shop, order, amount=money("25.00"), provider="channel")
    order = await_refund(shop, order, "failed")
    assert order["refunds"][0]["error"].startswith("no answer")
    shop.api.post(f"/v1/orders/{order['id']}/refunds/{order['refunds'][0]['id']}/retry")
    await_refund(shop, order, "succeeded")
    assert [r["amount"] for r in store.refunds] == ["25.00"]


def test_shopify_is_asked_under_its_own_idempotency_key(shop, store):
    order = imported(shop, "ref-shopify", "shopify", "820982911946154508", store)
    store.script = ["Refund amount is too high"]
    order = refund(shop, order, amount=money("12.50"), provider="channel")
    order = await_refund(shop, order, "failed")
    assert order["refunds"][0]["error"] == "HTTP 200: Refund amount is too high"
    shop.api.post(f"/v1/orders/{order['id']}/refunds/{order['refunds'][0]['id']}/retry")
    order = await_refund(shop, order, "succeeded")
    asked = [a for a in store.asked if "graphql" in a[1]]
    keys = {a[2]["variables"]["key"] for a in asked}
    assert len(asked) == 2 and keys == {order["refunds"][0]["id"]} and "@idempotent(key: $key)" in asked[0][2]["query"]
    assert asked[0][2]["variables"]["input"]["transactions"][0]["parentId"] == "gid://shopify/OrderTransaction/77001"
    assert asked[0][3]["X-Shopify-Access-Token"] == "cs_of_the_shop"


def test_an_api_is_only_where_nobody_listens_in(shop):
    for url in ("http://shop.example.com", "ftp://x", "https://user@shop.example.com", "https://"):
        answer = shop.api.call("PATCH", "/v1/channels/ref-woo/api", {"url": url, "user": "u"})
        assert answer.status == 400 and answer["field"] == "url", (url, answer)
