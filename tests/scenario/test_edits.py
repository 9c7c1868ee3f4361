"""Editing an order: sizes swapped, quantities, prices, the address; two people at once; what is short and what is picked.
"""
import decimal
import uuid

import pytest

import harness
from harness import money, order_body, wait_for


@pytest.fixture(scope="module")
def shop(home):
    for sku, name, price in (("EDIT-M", "上衣 M", "250.00"), ("EDIT-L", "上衣 L", "350.00"), ("EDIT-CAP", "帽子", "80.00"),
                             ("EDIT-RARE", "限量版", "500.00")):
        harness.add_item(home, sku, name, price)
    for sku in ("EDIT-M", "EDIT-L", "EDIT-CAP"):
        harness.add_stock(home, sku, 500)
    harness.add_stock(home, "EDIT-RARE", 1)
    return home


def place(shop, sku="EDIT-M", quantity=1, price="250.00", **more):
    order = shop.api.post("/v1/orders", order_body(sku, quantity, price, **more))
    shop.settle()
    return order


def read(shop, order):
    return shop.api.get(f"/v1/orders/{order['id']}")


def edit(shop, order, *operations, status=None, headers=None, idempotency=None, **more):
    return shop.api.call("POST", f"/v1/orders/{order['id']}/edits", {"operations": list(operations), **more},
                         headers=headers, idempotency=idempotency)


def edited(shop, order, *operations, **more):
    answer = edit(shop, order, *operations, **more)
    assert answer.status == 200, answer
    return answer.json


def preview(shop, order, *operations, **more):
    return shop.api.post(f"/v1/orders/{order['id']}/edits/preview", {"operations": list(operations), **more},
                         idempotency=False)


def line_of(order, sku):
    return next(line for line in order["lines"] if line["sku"] == sku and line["quantity"] > 0)


def replace(order, sku, by):
    return {"replace_line": {"line": line_of(order, sku)["id"], "sku": by}}


def committed(shop, sku):
    return harness.level(shop, sku)["committed"]


def test_size_m_becomes_l_and_back_and_nothing_is_owed(shop):
    order = place(shop)
    before = read(shop, order), committed(shop, "EDIT-M"), committed(shop, "EDIT-L")
    rows = shop.row_counts()
    shown = preview(shop, order, replace(order, "EDIT-M", "EDIT-L"))
    assert shown["difference"] == shown["amount_due"] == money("100.00")
    assert {(s["sku"], s["taken"], s["given_back"]) for s in shown["stock"]} == {("EDIT-L", 1, 0), ("EDIT-M", 0, 1)}
    assert [s["available"] for s in shown["stock"] if s["sku"] == "EDIT-L"] == [500]
    assert shown["stops"] == [{"line": order["lines"][0]["id"], "sku": "EDIT-M", "quantity": 1}]
    assert not shown["is_short"]
    assert read(shop, order) == before[0] and shop.row_counts() == rows
    order = edited(shop, order, replace(order, "EDIT-M", "EDIT-L"), reason="客人要大一號")
    assert order["total"] == money("350.00") and order["amount_due"] == money("100.00")
    assert order["payment_status"] == "partially_paid" and line_of(order, "EDIT-L")["name"] == "上衣 L"
    shop.settle()
    assert (committed(shop, "EDIT-M"), committed(shop, "EDIT-L")) == (before[1] - 1, before[2] + 1)
    work = shop.api.get("/v1/fulfillments", order=order["id"])["data"]
    assert [(l["sku"], l["allocated"] - l["cancelled"]) for f in work for l in f["lines"]
            if l["allocated"] > l["cancelled"]] == [("EDIT-L", 1)]
    order = edited(shop, read(shop, order), replace(order, "EDIT-L", "EDIT-M"))
    assert order["total"] == order["current_total"] == money("250.00") and order["payment_status"] == "paid"
    assert order["amount_due"] == order["refund_due"] == money("0.00") and order["refunds"] == []
    assert line_of(order, "EDIT-M")["id"] == before[0]["lines"][0]["id"]
    shop.settle()
    assert (committed(shop, "EDIT-M"), committed(shop, "EDIT-L")) == before[1:]
    shop.verify()


def test_a_short_swap_changes_nothing_and_names_the_sku(shop):
    order = place(shop, "EDIT-CAP", 2, "80.00")
    before = read(shop, order)
    assert preview(shop, order, replace(order, "EDIT-CAP", "EDIT-RARE"))["is_short"]
    answer = edit(shop, order, {"set_note": {"text": "不會留下"}}, replace(order, "EDIT-CAP", "EDIT-RARE"))
    assert answer.status == 409 and answer["code"] == "insufficient_stock" and answer["field"] == "operations[1]"
    assert (answer["sku"], answer["available"], answer["asked"]) == ("EDIT-RARE", 1, 2), answer
    shop.settle()
    assert read(shop, order) == before
    wait_for(lambda: harness.level(shop, "EDIT-RARE")["available"] == 1)
    answer = edit(shop, order, {"add_line": {"sku": "EDIT-NONE", "quantity": 1}})
    assert answer.status == 400 and answer["code"] == "unknown_sku"


def test_two_people_on_different_fields_both_keep_theirs_and_on_the_same_the_second_is_told(shop):
    order = read(shop, place(shop))
    seen = f'"{order["version"]}"'
    edited(shop, order, {"set_shipping_remark": {"text": "請放管理處"}}, headers={"If-Match": seen})
    assert preview(shop, order, replace(order, "EDIT-M", "EDIT-L"), version=order["version"])["is_rebased"]
    both = edited(shop, order, replace(order, "EDIT-M", "EDIT-L"), headers={"If-Match": seen})
    assert both["shipping_remark"] == "請放管理處" and line_of(both, "EDIT-L")["quantity"] == 1
    answer = edit(shop, order, {"set_quantity": {"line": order["lines"][0]["id"], "quantity": 3}},
                  headers={"If-Match": seen})
    assert answer.status == 412 and answer["code"] == "stale_version", answer
    assert "EDIT-M quantity 1 -> 0" in answer["changes"] and "EDIT-L quantity 0 -> 1" in answer["changes"]
    assert answer["version"] >= both["version"] and "管理處" not in answer["changes"]
    assert edit(shop, order, {"set_note": {"text": "x"}}, headers={"If-Match": '"9999"'}).status == 412
    assert edit(shop, order, {"set_note": {"text": "x"}}, headers={"If-Match": "W/1"}).status == 400
    shop.settle()
    current = shop.api.call("GET", f"/v1/orders/{order['id']}")
    assert current.headers["ETag"] == f'"{current["version"]}"'
    wait_for(lambda: harness.level(shop, "EDIT-M")["reserved"] == 0)


def test_discounts_taxes_and_charges_stay_exact_and_untouched_lines_keep_their_price(shop):
    lines = [{"sku": "EDIT-M", "quantity": 3, "unit_price": money("33.33"), "discount": money("10.00")},
             {"sku": "EDIT-CAP", "quantity": 1, "unit_price": money("79.90")}]
    order = place(shop, lines=lines, prices_include_tax=False, discounts=[{"title": "會員", "amount": money("7.77")}],
                  shipping_lines=[{"title": "順豐", "price": money("30.00")}], payments=[],
                  tax_lines=[{"title": "稅", "rate_ppm": 50000, "amount": money("9.60")}])
    first = order["lines"][0]["id"]
    more = edited(shop, order, {"set_quantity": {"line": first, "quantity": 7}},
                  {"add_line": {"sku": "禮盒", "name": "客製刻字", "is_custom": True, "quantity": 1, "unit_price": money("55.00")}},
                  {"set_charge": {"title": "補償", "amount": money("-5.00")}})
    assert line_of(more, "EDIT-M")["discount"] == money("23.33") and line_of(more, "EDIT-CAP")["unit_price"] == money("79.90")
    cents = {name: decimal.Decimal(more[name]["amount"]) for name in
             ("items_total", "discount_total", "shipping_total", "charges_total", "tax_total", "total")}
    assert cents["total"] == cents["items_total"] - cents["discount_total"] + cents["shipping_total"] \
        + cents["charges_total"] + cents["tax_total"]
    custom = next(line for line in more["lines"] if line["is_custom"])
    back = edited(shop, more, {"set_quantity": {"line": first, "quantity": 3}}, {"remove_line": {"line": custom["id"]}},
                  {"set_charge": {"title": "補償", "amount": money("0.00")}})
    for figure in ("items_total", "discount_total", "tax_total", "total", "amount_due"):
        assert back[figure] == order[figure], figure
    answer = edit(shop, back, {"set_line_discount": {"line": first, "discount": money("100.00")}})
    assert answer.status == 400 and answer["code"] == "discount_too_large"
    shop.settle()
    shop.verify()


def test_what_is_picked_stays_and_the_rest_can_be_edited(shop):
    order = place(shop, "EDIT-CAP", 5, "80.00")
    work = shop.api.get("/v1/fulfillments", order=order["id"])["data"][0]
    shop.api.post(f"/v1/fulfillments/{work['id']}/pick", {"lines": [{"sku": "EDIT-CAP", "quantity": 2}]})
    line = order["lines"][0]["id"]
    answer = edit(shop, order, {"set_quantity": {"line": line, "quantity": 1}})
    assert answer.status == 409 and answer["code"] == "already_picked", answer
    fewer = edited(shop, order, {"set_quantity": {"line": line, "quantity": 2}})
    assert fewer["refund_due"] == money("240.00") and fewer["payment_status"] == "overpaid"
    shop.settle()
    shop.api.post(f"/v1/fulfillments/{work['id']}/ship", {"carrier": "sf", "tracking_number": "SF1"})
    shop.settle()
    assert read(shop, order)["fulfillment_status"] == "fulfilled"
    answer = edit(shop, order, {"set_shipping_address": {"address1": "新地址", "country": "HK"}})
    assert answer.status == 409 and answer["code"] in ("already_shipped", "invalid_state")
    shop.verify()


def test_the_credit_of_an_edit_is_left_or_refunded_once(shop):
    order = place(shop, "EDIT-CAP", 3, "80.00")
    key = str(uuid.uuid4())
    fewer = {"set_quantity": {"line": order["lines"][0]["id"], "quantity": 2}}
    left = edited(shop, order, fewer, idempotency=key)
    assert left["refund_due"] == money("80.00") and left["refunds"] == []
    again = edit(shop, order, fewer, idempotency=key)
    assert again.status == 200 and again.headers["Idempotent-Replayed"] == "true" and again.json == left
    one = edited(shop, left, {"set_quantity": {"line": order["lines"][0]["id"], "quantity": 1}}, credit="refund")
    assert one["refund_due"] == money("0.00") and one["refunded_total"] == money("160.00")
    assert one["payment_status"] == "partially_refunded"
    answer = edit(shop, one, {"remove_line": {"line": order["lines"][0]["id"]}})
    assert answer.status == 409 and answer["code"] == "nothing_left"
    shop.settle()
    shop.verify()


def test_the_customer_hears_of_an_edit_when_whoever_made_it_says_so(shop):
    order = place(shop, customer={"name": "王小明", "email": "edit@example.com"})
    edited(shop, order, {"set_shipping_remark": {"text": "安靜"}})
    edited(shop, order, replace(order, "EDIT-M", "EDIT-L"), notify_customer=True)
    shop.settle()
    subject = f"您的訂單 {order['number']} 已更新"
    mine = lambda: [m for m in shop.mails() if "edit@example.com" in m.to]
    mail = wait_for(lambda: [m for m in mine() if m.subject == subject])[0]
    assert len(wait_for(lambda: len(mine()) >= 2 and mine())) == 2
    assert "上衣 L" in mail.text and "上衣 M" not in mail.text and "HK$350.00" in mail.text and "100.00" in mail.text
    shop.verify()


def test_address_and_method_are_edited_and_a_home_delivery_drops_the_store(shop):
    order = place(shop)
    store = edited(shop, order, {"set_delivery": {"method": "convenience_store", "carrier": "7_eleven", "store_code": "131386",
                                                  "store_name": "台大店"}},
                   {"set_shipping": {"lines": [{"title": "超商取貨", "price": money("60.00")}]}})
    assert store["delivery"]["store_code"] == "131386" and store["amount_due"] == money("60.00")
    home = edited(shop, store, {"set_delivery": {"method": "home", "carrier": "sf_express", "store_code": "131386",
                                                 "store_name": "台大店"}},
                  {"set_shipping_address": {"name": "李小姐", "address1": "彌敦道 8 號", "city": "旺角", "country": "hk"}},
                  {"set_shipping": {"lines": []}})
    assert (home["delivery"]["store_code"], home["delivery"]["store_name"]) == (None, None)
    assert home["shipping_address"]["address1"] == "彌敦道 8 號" and home["amount_due"] == money("0.00")
    answer = edit(shop, home, {"set_delivery": {"method": "convenience_store", "carrier": "7_eleven"}})
    assert answer.status == 400 and answer["field"].startswith("operations[0].set_delivery"), answer


def test_every_version_can_be_read_and_compared_and_the_timeline_tells_before_and_after(shop):
    order = place(shop)
    path = f"/v1/orders/{order['id']}/versions"
    only = shop.api.get(path)["data"]
    assert [(v["version"], v["kind"]) for v in only] == [(1, "placed")]
    order = edited(shop, order, {"set_quantity": {"line": order["lines"][0]["id"], "quantity": 2}}, reason="加一件")
    order = edited(shop, order, {"set_note": {"text": "生日禮物"}}, {"add_line": {"sku": "EDIT-CAP", "quantity": 1}})
    versions = shop.api.pages(path, limit=1)
    assert [v["kind"] for v in versions] == ["edited", "edited", "placed"] and versions[1]["reason"] == "加一件"
    assert {c["field"].split(".")[-1]: (c["before"], c["after"]) for c in versions[1]["changes"]} == {
        "quantity": ("1", "2"), "total": ("250.00 HKD", "500.00 HKD")}
    first = shop.api.get(f"{path}/1")
    assert first["order"]["lines"][0]["quantity"] == 1 and first["order"]["shipping_address"]["city"] == "觀塘"
    both = shop.api.get(f"{path}/{versions[0]['version']}", against=1)
    assert {c["label"] or c["field"]: (c["before"], c["after"]) for c in both["changes"]
            if c["field"].endswith("quantity") or c["field"] in ("note", "total")} == {
        "EDIT-M": ("1", "2"), "EDIT-CAP": (None, "1"), "note": (None, "生日禮物"), "total": ("250.00 HKD", "580.00 HKD")}
    told = [e for e in shop.api.get(f"/v1/orders/{order['id']}/timeline")["data"] if e["type"] == "order_edited"]
    assert [e["changes"][0]["after"] for e in told][0] == "2" and "生日" not in told[1]["summary"]
    assert shop.api.call("GET", f"{path}/999").status == 404


def test_a_child_of_a_split_is_edited_and_its_family_shares_the_money(shop):
    order = place(shop, "EDIT-CAP", 3, "80.00")
    line = order["lines"][0]["id"]
    both = shop.api.post(f"/v1/orders/{order['id']}/split", {"lines": [{"line_id": line, "quantity": 2}]}, status=201)
    child = both["child"]
    assert child["payment_status"] == "paid" and child["total"] == money("160.00")
    shop.settle()
    kept = shop.api.get(f"/v1/orders/{order['id']}/versions")["data"]
    assert [v["kind"] for v in kept] == ["split", "placed"]
    answer = edit(shop, order, {"set_quantity": {"line": line, "quantity": 1}}, version=1)
    assert answer.status == 412 and "EDIT-CAP quantity 3 -> 1" in answer["changes"]
    more = edited(shop, child, {"set_quantity": {"line": child["lines"][0]["id"], "quantity": 3}})
    assert more["amount_due"] == money("80.00") and more["payment_status"] == "partially_paid"
    assert read(shop, order)["amount_due"] == money("0.00")
    back = edited(shop, more, {"set_quantity": {"line": child["lines"][0]["id"], "quantity": 2}})
    assert back["amount_due"] == back["refund_due"] == money("0.00")
    shop.settle()
    shop.verify()


def test_what_is_no_edit_is_refused_with_its_field(shop):
    order = place(shop)
    line = order["lines"][0]["id"]
    for operation, field in (({}, "operations[0]"), ({"set_note": {"text": "a"}, "remove_line": {"line": line}}, "operations[0]"),
                             ({"add_line": {"sku": "EDIT-M", "quantity": 0}}, "operations[0].add_line.quantity"),
                             ({"set_quantity": {"line": "x", "quantity": 1}}, "operations[0].set_quantity.line"),
                             ({"set_shipping_address": {"phone": "abc"}}, "operations[0].set_shipping_address.phone"),
                             ({"set_discount": {"title": "a", "amount": money("1.00", "TWD")}},
                              "operations[0].set_discount.amount.currency")):
        answer = edit(shop, order, operation)
        assert answer.status == 400 and answer["field"] == field, answer
    assert edit(shop, order).status == 400
    shop.api.post(f"/v1/orders/{order['id']}/cancel", {})
    answer = edit(shop, order, {"set_note": {"text": "a"}})
    assert answer.status == 409 and answer["code"] == "invalid_state"
