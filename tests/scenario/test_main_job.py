"""The main job, as a story: an order comes in by webhook, and everything that follows from it happens once.

A customer in Hong Kong buys two shirts and a mug in a Shopify storefront. The order is stored, its stock reserved, the
shirts and the mug leave in one parcel, mails go out, one shirt comes back and its money is returned. At each step the
levels, the order, the mails and the timeline say the same.
"""
import copy
import itertools
import uuid

import pytest

import harness
from harness import level, money, wait_for

SECRET = "a-secret-of-the-shop"
NUMBERS = itertools.count(7_700_000_000_001)


def storefront_order(locale="zh-HK", **changes):
    """What the storefront's webhook says, in Shopify's own shape."""
    number = next(NUMBERS)
    body = {
        "id": number, "admin_graphql_api_id": f"gid://shopify/Order/{number}", "name": f"#{number % 10000}",
        "order_number": number % 10000, "test": False, "currency": "HKD", "presentment_currency": "HKD",
        "email": "tm@example.com", "contact_email": "tm@example.com", "phone": None, "customer_locale": locale,
        "created_at": "2026-11-11T12:00:03+08:00", "processed_at": "2026-11-11T12:00:02+08:00",
        "updated_at": "2026-11-11T12:00:03+08:00", "cancelled_at": None, "cancel_reason": None,
        "financial_status": "paid", "fulfillment_status": None, "payment_gateway_names": ["shopify_payments"],
        "taxes_included": True, "tax_lines": [], "total_tax": "0.00", "subtotal_price": "298.00",
        "total_line_items_price": "328.00", "total_discounts": "30.00", "total_price": "328.00",
        "current_total_price": "328.00", "total_outstanding": "0.00", "total_tip_received": "0.00",
        "note": "請放在門口", "note_attributes": [], "refunds": [],
        "customer": {"id": 5501, "first_name": "大文", "last_name": "陳", "email": "tm@example.com", "phone": None},
        "shipping_address": {"first_name": "大文", "last_name": "陳", "name": "陳大文", "company": None,
                             "phone": "+852 9123 4567", "address1": "觀塘道 1 號", "address2": "18 樓", "city": "觀塘",
                             "zip": None, "province": "Kowloon", "country": "Hong Kong", "country_code": "HK"},
        "billing_address": None,
        "discount_codes": [{"code": "SINGLES", "amount": "30.00", "type": "fixed_amount"}],
        "shipping_lines": [{"id": 91, "title": "順豐速運", "code": "SF", "price": "30.00", "discounted_price": "30.00",
                            "discount_allocations": [], "tax_lines": []}],
        "line_items": [line(101, "STORY-TEE", "純棉T恤 M", 2, "120.00", "20.00"),
                       line(102, "STORY-MUG", "陶瓷杯", 1, "88.00", "10.00")],
    }
    body.update(changes)
    return body


def line(number, sku, name, quantity, price, discount):
    return {"id": number, "sku": sku, "name": name, "title": name, "quantity": quantity, "current_quantity": quantity,
            "price": price, "total_discount": "0.00", "requires_shipping": True, "gift_card": False,
            "variant_id": 1000 + number, "product_id": 2000 + number, "properties": [], "tax_lines": [],
            "discount_allocations": [{"amount": discount, "discount_application_index": 0}]}


@pytest.fixture(scope="module")
def shop(home):
    home.channel("hk-store", "shopify", SECRET, "--prefix", "HK")
    for sku, name, price in (("STORY-TEE", "純棉T恤 M", "120.00"), ("STORY-MUG", "陶瓷杯", "88.00")):
        harness.add_item(home, sku, name, price)
        harness.add_stock(home, sku, 200)
    return home


def find(shop, external_id, channel="hk-store"):
    found = shop.api.get("/v1/orders", channel=channel, external_id=str(external_id))["data"]
    assert len(found) <= 1, found
    return found[0] if found else None


def await_order(shop, external_id, **wanted):
    """The order once it looks as wanted."""
    def looks_so():
        order = find(shop, external_id)
        return order if order and all(order[k] == v for k, v in wanted.items()) else None
    return wait_for(looks_so, message=lambda: f"{wanted}: {find(shop, external_id)}")


def await_level(shop, sku, **wanted):
    return wait_for(lambda: wanted.items() <= level(shop, sku).items(),
                    message=lambda: f"{wanted}: {level(shop, sku)}")


def await_mails(shop, order, count):
    """All mails about the order."""
    def all_there():
        found = [m for m in shop.mails() if order["number"] in m.subject]
        return found if len(found) >= count else None
    found = wait_for(all_there, message=lambda: shop.api.get("/v1/messages", order=order["id"]))
    assert len(found) == count, [m.subject for m in found]
    return found


def work(shop, order):
    """The order's one fulfillment order."""
    found = shop.api.get("/v1/fulfillments", order=order["id"])["data"]
    assert len(found) == 1, found
    return found[0]


def deliver(shop, body, topic="orders/create", **headers):
    answer = harness.post_shopify(shop, "hk-store", SECRET, topic, body, **headers)
    assert answer.status == 200, answer


def types(shop, order):
    return [entry["type"] for entry in shop.api.pages(f"/v1/orders/{order['id']}/timeline")]


def assert_in_order(wanted, found):
    """Each of wanted is in found, in this order."""
    rest = iter(found)
    assert all(item in rest for item in wanted), f"{' '.join(wanted)} in {' '.join(found)}"


def test_an_order_becomes_a_parcel_and_a_return_a_refund(shop):
    tee, mug = level(shop, "STORY-TEE"), level(shop, "STORY-MUG")
    body = storefront_order()
    event = str(uuid.uuid4())

    # The webhook is answered when it is stored, and what follows happens by itself.
    deliver(shop, body, Event_Id=event)
    order = await_order(shop, body["id"], status="confirmed", payment_status="paid", fulfillment_status="unfulfilled")
    assert order["number"].startswith("HK-")
    assert order["total"] == money("328.00") and order["discount_total"] == money("30.00")
    assert [(l["sku"], l["quantity"]) for l in order["lines"]] == [("STORY-TEE", 2), ("STORY-MUG", 1)]
    await_level(shop, "STORY-TEE", on_hand=tee["on_hand"], available=tee["available"] - 2, committed=tee["committed"] + 2,
                reserved=0)
    await_level(shop, "STORY-MUG", on_hand=mug["on_hand"], available=mug["available"] - 1, committed=mug["committed"] + 1)

    # The customer is told, in Traditional Chinese.
    mail, = await_mails(shop, order, 1)
    assert mail.to == ["tm@example.com"] and mail.language == "zh-Hant"
    for said in (order["number"], "純棉T恤 M", "HK$240.00", "HK$328.00", "-HK$30.00", "2026年11月11日 12:00", "觀塘道 1 號"):
        assert said in mail.text and said in mail.html, said

    # The warehouse picks, packs and ships it.
    wait_for(lambda: shop.api.get("/v1/fulfillments", order=order["id"])["data"])
    job = wait_for(lambda: work(shop, order) if work(shop, order)["status"] == "open" else None)
    assert {l["sku"]: l["allocated"] for l in job["lines"]} == {"STORY-TEE": 2, "STORY-MUG": 1}
    path = f"/v1/fulfillments/{job['id']}"
    shop.api.post(path + "/pick")
    await_order(shop, body["id"], fulfillment_status="unfulfilled")
    shop.api.post(path + "/pack")
    key = str(uuid.uuid4())
    shipment = {"carrier": "sf-express", "tracking_number": "SF1111222233334"}
    shipped = shop.api.post(path + "/ship", shipment, idempotency=key)
    again = shop.api.post(path + "/ship", shipment, idempotency=key)
    assert len(shipped["parcels"]) == len(again["parcels"]) == 1
    assert again["parcels"][0]["id"] == shipped["parcels"][0]["id"]
    order = await_order(shop, body["id"], fulfillment_status="fulfilled", status="completed")
    assert all(l["fulfilled"] == l["quantity"] and l["open"] == 0 for l in order["lines"])
    await_level(shop, "STORY-TEE", on_hand=tee["on_hand"] - 2, available=tee["available"] - 2, committed=tee["committed"])
    await_level(shop, "STORY-MUG", on_hand=mug["on_hand"] - 1, committed=mug["committed"])
    mail = next(m for m in await_mails(shop, order, 2) if "已寄出" in m.subject)
    assert "SF1111222233334" in mail.text and "順豐速運" in mail.text and "SF1111222233334" in mail.html

    # What has shipped is not cancelled.
    refused = shop.api.call("POST", f"/v1/orders/{order['id']}/cancel", {"reason": "customer"})
    assert refused.status == 409, refused

    # One shirt comes back.
    back = shop.api.post("/v1/returns", {"order": order["number"],
                                         "lines": [{"sku": "STORY-TEE", "quantity": 1, "reason": "size_too_small"}]})
    assert back["status"] == "requested" and back["number"].startswith(order["number"])
    path = f"/v1/returns/{back['id']}"
    assert shop.api.post(path + "/approve")["status"] == "approved"
    await_order(shop, body["id"], return_status="requested")
    received = shop.api.post(path + "/receive", {"location": "hk-main", "lines": [{"sku": "STORY-TEE", "quantity": 1}]})
    assert received["status"] == "received"
    decision = {"lines": [{"sku": "STORY-TEE", "quantity": 1, "disposition": "restock"}]}
    key = str(uuid.uuid4())
    for _ in range(3):
        inspected = shop.api.post(path + "/inspect", decision, idempotency=key)
    assert inspected["lines"][0]["restocked"] == 1
    # A shirt's share of the order's discount stays off: (240.00 - 20.00) / 2.
    assert inspected["refund_due"] == money("110.00"), inspected
    await_level(shop, "STORY-TEE", on_hand=tee["on_hand"] - 1, available=tee["available"] - 1, committed=tee["committed"])

    # Its money is in the ledger, once, and the customer is told.
    order = await_order(shop, body["id"], payment_status="partially_refunded", return_status="partially_returned")
    assert order["refunded_total"] == money("110.00")
    mail = next(m for m in await_mails(shop, order, 3) if "退款" in m.subject)
    assert "HK$110.00" in mail.subject and "HK$110.00" in mail.text
    shop.settle()
    full = shop.api.get(f"/v1/orders/{order['id']}")
    assert [(r["status"], r["amount"]) for r in full["refunds"]] == [("succeeded", money("110.00"))]

    # The same delivery again, as a retry and as a new event with old content, changes nothing.
    before = shop.row_counts()
    for _ in range(2):
        deliver(shop, body, Event_Id=event)
    deliver(shop, body, "orders/updated", Event_Id=str(uuid.uuid4()))
    shop.settle()
    after = shop.api.get(f"/v1/orders/{order['id']}")
    assert after == full
    after = shop.row_counts()
    changed = {table for table in after if after[table] != before[table]}
    assert all(table.startswith("gateway.") for table in changed), changed
    assert len(await_mails(shop, order, 3)) == 3

    assert_in_order(["order_placed", "picked", "packed", "parcel_shipped", "return_requested",
                     "return_approved", "return_received", "return_inspected"], types(shop, order))
    assert types(shop, order).count("refund_recorded") == 1
    messages = shop.api.get("/v1/messages", order=order["number"])["data"]
    assert [(m["template"], m["status"], m["attempts"]) for m in reversed(messages)] == [
        ("order_confirmation", "sent", 1), ("shipment", "sent", 1), ("refund", "sent", 1)]
    assert {m["recipient_masked"] for m in messages} == {"t***@example.com"}
    shop.verify()


def test_an_english_customer_reads_english(shop):
    body = storefront_order("en-GB", email="lee@example.com",
                            customer={"id": 5502, "first_name": "Lee", "last_name": "K.", "email": "lee@example.com"})
    deliver(shop, body)
    order = await_order(shop, body["id"], status="confirmed")
    job = wait_for(lambda: shop.api.get("/v1/fulfillments", order=order["id"], status="open")["data"])[0]
    shop.api.post(f"/v1/fulfillments/{job['id']}/pick")
    shop.api.post(f"/v1/fulfillments/{job['id']}/ship", {"carrier": "dhl", "tracking_number": "JD0002",
                                                        "lines": [{"sku": "STORY-TEE", "quantity": 1}]})
    confirmation, first = await_mails(shop, order, 2)
    if "received" not in confirmation.subject:
        confirmation, first = first, confirmation
    assert confirmation.language == first.language == "en"
    assert "Thank you for your order" in confirmation.text and "HK$328.00" in confirmation.text
    assert "JD0002" in first.text and "DHL" in first.text and "follows separately" in first.text
    shop.api.post(f"/v1/fulfillments/{job['id']}/ship", {"carrier": "dhl", "tracking_number": "JD0003"})
    order = await_order(shop, body["id"], fulfillment_status="fulfilled")
    last = next(m for m in await_mails(shop, order, 3) if "JD0003" in m.text)
    assert "follows separately" not in last.text
    shipped = [f["parcels"] for f in shop.api.get("/v1/fulfillments", order=order["id"])["data"]]
    assert [len(p) for p in shipped] == [2]


def test_the_topics_of_one_order_in_any_sequence_make_it_once(shop):
    """Create, paid, an update and the cancellation of one order: whatever comes first, the newest word counts."""
    story = storefront_order(financial_status="pending", total_outstanding="328.00")
    steps = [("orders/create", story)]
    for topic, second, changes in (
            ("orders/paid", 10, {"financial_status": "paid", "total_outstanding": "0.00"}),
            ("orders/updated", 20, {"financial_status": "paid", "total_outstanding": "0.00", "note": "請按門鈴"}),
            ("orders/cancelled", 30, {"financial_status": "voided", "cancelled_at": "2026-11-11T12:00:30+08:00",
                                      "cancel_reason": "customer"})):
        body = copy.deepcopy(story)
        body.update(changes, updated_at=f"2026-11-11T12:00:{3 + second:02d}+08:00")
        steps.append((topic, body))
    free = level(shop, "STORY-TEE")
    placed = []
    for sequence in itertools.permutations(range(4)):
        number = next(NUMBERS)
        placed.append(number)
        for step in sequence:
            topic, body = steps[step]
            body = {**body, "id": number, "name": f"#P{number % 10000}"}
            deliver(shop, body, topic, Event_Id=f"{number}-{step}")
    shop.settle(60)
    finals = []
    for number in placed:
        order = await_order(shop, number, status="cancelled")
        finals.append({k: order[k] for k in ("status", "fulfillment_status", "total", "note")})
    assert all(final == finals[0] for final in finals), finals
    await_level(shop, "STORY-TEE", on_hand=free["on_hand"], available=free["available"], committed=free["committed"])
    shop.verify()


def test_an_order_whose_customer_is_hostile_harms_no_mail(shop):
    name = "\"</td><script>alert(1)</script> =?UTF-8?Q?x?= Bcc: evil@example.com"
    body = harness.order_body("STORY-MUG", price="88.00", locale="en",
                              customer={"name": name, "email": "victim@example.com"})
    body["lines"][0]["name"] = "<img src=x onerror=alert(2)>{{shop_name}}"
    body["shipping_address"]["address1"] = "</p><style>*{display:none}</style>"
    order = shop.api.post("/v1/orders", body, status=201)
    mail, = await_mails(shop, order, 1)
    assert mail.to == ["victim@example.com"] and mail.message["Bcc"] is None
    assert not mail.message.defects
    for tag in ("<script", "<img", "<style"):
        assert tag not in mail.html
    assert "{{shop_name}}" in mail.html


def test_an_address_that_is_none_is_told_and_not_written_to(shop):
    order = shop.api.post("/v1/orders", harness.order_body("STORY-MUG", price="88.00",
                                                          customer={"name": "陳大文"}), status=201)
    message = wait_for(lambda: shop.api.get("/v1/messages", order=order["number"], status="suppressed")["data"])[0]
    assert message["last_error"] == "no_address" and message["recipient_masked"] in (None, "")
    assert not [m for m in shop.mails() if order["number"] in m.subject]
