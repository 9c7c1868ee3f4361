"""The shop's own rules: what confirms by itself, what waits, what is held and by which rule; and who is not trusted."""
import uuid

import pytest

import harness
from harness import money, order_body


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "RULE-CAP", "帽子", "100.00")
    harness.add_item(home, "RULE-RARE", "限量", "100.00")
    for sku in ("RULE-CAP", "RULE-RARE"):
        harness.add_stock(home, sku, 900)
    for channel, more in (("rules-auto", ()), ("rules-manual", ("--manual",))):
        home.channel(channel, "api", "", *more)
    harness.wait_for(lambda: len(home.rows("SELECT 1 FROM orders.channel WHERE name LIKE 'rules-%%'")) == 2)
    yield home
    for rule in home.api.get("/v1/rules")["data"]:
        home.api.delete(f"/v1/rules/{rule['id']}")


@pytest.fixture
def rule(shop):
    """Makes rules that are gone after the test."""
    made = []

    def make(name, actions, **more):
        conditions = {"channels": ["rules-auto", "rules-manual"], **more.pop("conditions", {})}
        made.append(shop.api.post("/v1/rules", {"name": name, "is_enabled": True, "conditions": conditions,
                                                "actions": actions, **more}, status=201))
        return made[-1]
    yield make
    for one in made:
        shop.api.call("DELETE", f"/v1/rules/{one['id']}")


def place(shop, channel="rules-auto", sku="RULE-CAP", quantity=1, phone=None, **more):
    phone = phone or "+8529%07d" % (uuid.uuid4().int % 10**7)
    customer = {"name": "陳大文", "email": f"{phone[1:]}@example.com", "phone": phone}
    body = order_body(sku, quantity, "100.00", channel=channel, **{"customer": customer, **more})
    return shop.api.post("/v1/orders", body, status=201)


def read(shop, order):
    return shop.api.get(f"/v1/orders/{order['id']}")


def held(shop, order):
    return harness.wait_for(lambda: read(shop, order)["holds"], message=lambda: read(shop, order))


def test_a_rule_confirms_what_a_manual_channel_leaves_to_a_person(shop, rule):
    assert place(shop, "rules-manual")["status"] == "pending"
    rule("已付款的小單", [{"type": "confirm"}],
         conditions={"payment_statuses": ["paid"], "total_below": money("300.00"), "countries": ["HK"]})
    assert place(shop, "rules-manual")["status"] == "confirmed"
    assert place(shop, "rules-manual", quantity=3)["status"] == "pending"
    unpaid = place(shop, "rules-manual", payments=[])
    assert unpaid["status"] == "pending"
    paid = shop.api.post(f"/v1/orders/{unpaid['id']}/payments",
                         {"method": "card", "status": "captured", "amount": money("100.00")})
    assert paid["status"] == "confirmed"


def test_a_held_order_names_its_rule_and_goes_on_when_the_last_hold_is_released(shop, rule):
    made = rule("大額先看", [{"type": "hold", "hold_type": "high_risk"}, {"type": "note", "text": "先打電話"}],
                conditions={"total_from": money("500.00")})
    second = rule("限量先看", [{"type": "hold", "hold_type": "limited"}, {"type": "remark", "text": "限量版"}],
                  conditions={"skus": ["RULE-RARE"]})
    key = str(uuid.uuid4())
    body = order_body("RULE-RARE", 5, "100.00", channel="rules-auto", external_id=key)
    order = shop.api.post("/v1/orders", body, idempotency=key)
    assert order["status"] == "pending" and order["shipping_remark"] == "限量版"
    assert [(h["type"], h["actor"], h["reason"]) for h in order["holds"]] == [
        ("high_risk", f"rule:{made['id']}", "大額先看"), ("limited", f"rule:{second['id']}", "限量先看")]
    lines = shop.api.pages(f"/v1/orders/{order['id']}/timeline")
    assert [(e["type"], e["actor"]) for e in lines[1:4]] == [(t, f"rule:{made['id']}") for t in
                                                             ("rule_fired", "hold_placed", "note_added")]
    assert lines[1]["summary"] == "Rule 大額先看: hold high_risk, note."
    # A repeat is told what the first call was told.
    again = shop.api.post("/v1/orders", body, idempotency=key)
    assert again["holds"] == order["holds"] and again["version"] == order["version"] and again["status"] == "pending"
    path = f"/v1/orders/{order['id']}/holds"
    assert shop.api.call("DELETE", f"{path}/{uuid.uuid4()}").status == 404
    assert shop.api.delete(f"{path}/{order['holds'][0]['id']}")["status"] == "pending"
    assert shop.api.delete(f"{path}/{order['holds'][1]['id']}")["status"] == "confirmed"
    assert shop.api.call("DELETE", f"{path}/{order['holds'][1]['id']}").status == 409


def test_rules_are_tried_in_their_order_until_one_stops(shop, rule):
    last = rule("攔住", [{"type": "hold", "hold_type": "late"}])
    first = rule("熟客", [{"type": "confirm"}], place=1, stops=True, conditions={"skus": ["RULE-RARE"]})
    assert [r["id"] for r in shop.api.get("/v1/rules")["data"] if r["id"] in (first["id"], last["id"])] == [
        first["id"], last["id"]]
    assert place(shop, sku="RULE-RARE")["status"] == "confirmed"
    assert place(shop)["holds"][0]["type"] == "late"
    shop.api.call("PATCH", f"/v1/rules/{last['id']}", {"name": "攔住", "is_enabled": False, "actions": last["actions"]})
    assert place(shop)["status"] == "confirmed"


def test_an_edit_window_ends_by_itself(shop, rule):
    rule("可改一會", [{"type": "hold", "hold_type": "edit_window", "hold_minutes": 30}])
    order = place(shop)
    assert order["holds"][0]["expires_at"] > order["placed_at"]
    shop.rows("UPDATE orders.hold SET expires_at = now() WHERE order_id = %s RETURNING 1", order["id"])
    harness.wait_for(lambda: read(shop, order)["status"] == "confirmed")


@pytest.mark.parametrize("why,customer,address", [
    ("postal code is not one of the city", {}, {"country": "TW", "city": "高雄市", "postcode": "100", "address1": "中正路 1 號"}),
    ("Hong Kong has no postal codes", {}, {"country": "HK", "city": "觀塘", "postcode": "51800", "address1": "觀塘道 1 號"}),
    ("telephone number is none of Hong Kong", {"phone": "12345"+"67"}, {"country": "HK", "address1": "觀塘道 1 號"}),
    ("neither a telephone number nor an e-mail", {"phone": "", "email": ""}, {"country": "HK", "address1": "x"}),
    (None, {"phone": "0912-345-678"}, {"country": "TW", "city": "新北市", "postcode": "220", "address1": "文化路 1 號"}),
])
def test_what_cannot_be_delivered_is_held_and_not_refused(shop, rule, why, customer, address):
    rule("地址電話檢查", [{"type": "hold", "hold_type": "address_check"}],
         conditions={"checks": ["contact", "phone", "postal_code", "store"]})
    person = {"name": "陳大文", "email": "a@example.com", "phone": "+85291234567", **customer}
    order = place(shop, customer=person, shipping_address={"name": "陳大文", **address})
    if why is None:
        assert order["status"] == "confirmed"
    else:
        assert order["status"] == "pending" and why in order["holds"][0]["reason"], order["holds"]


def test_the_blacklist_knows_a_number_however_it_is_written(shop, rule):
    rule("黑名單", [{"type": "hold", "hold_type": "high_risk"}], conditions={"is_blacklisted": True})
    entry = shop.api.post("/v1/blacklist", {"kind": "phone", "value": "(852) 6777 8888", "reason": "拒收三次"}, status=201)
    assert place(shop, phone="+85267778888")["holds"][0]["type"] == "high_risk"
    assert place(shop)["status"] == "confirmed"
    assert entry["id"] in [e["id"] for e in shop.api.get("/v1/blacklist")["data"]]
    shop.api.delete(f"/v1/blacklist/{entry['id']}")
    assert place(shop, phone="+85267778888")["status"] == "confirmed"


def test_a_second_order_with_the_same_lines_is_held_a_moment_later(shop, rule):
    made = rule("重複?", [{"type": "hold", "hold_type": "possible_duplicate"}], conditions={"duplicate_minutes": 10})
    first, other = place(shop, phone="+85261112222"), place(shop, phone="+85261112222", quantity=2)
    second = place(shop, phone="+85261112222")
    assert [(h["type"], h["actor"]) for h in held(shop, second)] == [("possible_duplicate", f"rule:{made['id']}")]
    assert read(shop, first)["holds"] == read(shop, other)["holds"] == []
    assert shop.api.delete(f"/v1/orders/{second['id']}/holds/{read(shop, second)['holds'][0]['id']}")["holds"] == []


def test_who_did_not_take_a_parcel_before_is_risky_and_says_why(shop, rule):
    rule("拒收過", [{"type": "hold", "hold_type": "high_risk", "text": "未取貨兩次"}], conditions={"refusals_from": 2})
    cod = [{"method": "cash_on_delivery", "status": "failed", "amount": money("100.00")}]
    for _ in range(2):
        place(shop, phone="+85263334444", payments=cod)
    order = place(shop, phone="+85263334444")
    assert held(shop, order)[0]["reason"] == "拒收過: 未取貨兩次"


def test_a_dry_run_tells_which_orders_would_have_been_held(shop):
    small, big = place(shop), place(shop, quantity=9)
    before = shop.row_counts()
    body = {"rule": {"name": "試", "conditions": {"channels": ["rules-auto"], "total_from": money("900.00")},
                     "actions": [{"type": "hold", "hold_type": "high_risk"}, {"type": "note", "text": "x"}]}}
    answer = shop.api.post("/v1/rules/dry-run", body, idempotency=False)
    found = {o["order_id"]: o["effects"] for o in answer["data"]}
    assert found.get(big["id"]) == ["hold high_risk", "note"] and small["id"] not in found
    answer = shop.api.post("/v1/rules/dry-run", {**body, "to": small["placed_at"]}, idempotency=False)
    assert big["id"] not in [o["order_id"] for o in answer["data"]]
    assert shop.row_counts()["orders.hold"] == before["orders.hold"]


def test_a_rule_that_is_none_is_refused_by_its_field(shop):
    for body, field in (({"name": ""}, "name"), ({"name": "x"}, "actions"),
                        ({"name": "x", "actions": [{"type": "note"}]}, "actions[0].text")):
        answer = shop.api.call("POST", "/v1/rules", body)
        assert answer.status == 400 and answer["field"] == field, answer


def test_the_rules_leave_everything_whole(shop):
    shop.settle()
    shop.verify()
