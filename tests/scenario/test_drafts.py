"""Drafts: freely edited, with stock held for a while if wanted, and placed once."""
import concurrent.futures

import pytest

import harness
from harness import money, order_body, wait_for


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "DRAFT-LAMP", "檯燈", "300.00")
    harness.add_stock(home, "DRAFT-LAMP", 10)
    return home


def lamps(quantity, **more):
    return order_body("DRAFT-LAMP", quantity, "300.00", channel="phone", payments=[],
                      lines=[{"sku": "DRAFT-LAMP", "quantity": quantity}], **more)


def draft_of(shop, order):
    return shop.api.post("/v1/drafts", {"title": "陳先生", "order": order}, status=201)


def available(shop):
    return harness.level(shop, "DRAFT-LAMP")["available"]


def patch(shop, draft, **body):
    return shop.api.call("PATCH", f"/v1/drafts/{draft['id']}", body)


def test_a_draft_may_lack_anything_and_takes_no_stock(shop):
    before = available(shop)
    draft = draft_of(shop, {"note": "再打來"})
    seen = shop.api.post(f"/v1/drafts/{draft['id']}/preview", {})
    assert seen["order"] is None and seen["problems"][0]["code"] == "required"
    answer = shop.api.call("POST", f"/v1/drafts/{draft['id']}/place", {})
    assert (answer.status, answer["code"], answer["field"]) == (400, "required", "channel")
    changed = patch(shop, draft, order=lamps(12), title="陳太")
    assert changed.status == 200 and changed["title"] == "陳太" and changed["version"] == 2
    seen = shop.api.post(f"/v1/drafts/{draft['id']}/preview", {})
    assert seen["lines"][0]["missing"] == 2 and seen["lines"][0]["available"] == before
    assert seen["order"]["total"] == money("3600.00")
    assert [p["code"] for p in seen["problems"]] == ["insufficient_stock"]
    assert available(shop) == before
    stale = patch(shop, draft, version=1, title="x")
    assert (stale.status, stale["code"]) == (412, "version_conflict")
    assert draft["id"] in [d["id"] for d in shop.api.get("/v1/drafts")["data"]]
    shop.api.delete(f"/v1/drafts/{draft['id']}")
    assert shop.api.call("GET", f"/v1/drafts/{draft['id']}").status == 404


def test_stock_is_held_for_a_while_held_longer_and_given_back(shop):
    before = available(shop)
    draft = draft_of(shop, lamps(3))
    path = f"/v1/drafts/{draft['id']}"
    held = shop.api.post(path + "/hold", {"expires_in_seconds": 60})
    assert available(shop) == before - 3 and held["held_until"]
    longer = shop.api.post(path + "/hold", {"expires_in_seconds": 600})
    assert longer["held_until"] > held["held_until"] and available(shop) == before - 3
    assert longer["reservation_id"] == held["reservation_id"]
    seen = shop.api.post(path + "/preview", {})
    assert seen["problems"] == [] and seen["lines"][0]["available"] == before
    kept = patch(shop, draft, order=lamps(3, note="週五送"))
    assert kept["reservation_id"] == held["reservation_id"] and available(shop) == before - 3
    other = patch(shop, draft, order=lamps(2))
    assert other["reservation_id"] is None and available(shop) == before
    shop.api.post(path + "/hold", {})
    assert available(shop) == before - 2
    shop.api.delete(path + "/hold")
    assert available(shop) == before
    short = shop.api.post(path + "/hold", {"expires_in_seconds": 1})
    assert short["reservation_id"]
    wait_for(lambda: shop.api.get(path)["reservation_id"] is None and available(shop) == before)


def test_a_draft_becomes_one_order_however_often_it_is_placed(shop):
    before = available(shop)
    draft = draft_of(shop, lamps(2))
    path = f"/v1/drafts/{draft['id']}"
    shop.api.post(path + "/hold", {})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        placed = list(pool.map(lambda _: shop.api.post(path + "/place", {}), range(4)))
    assert len({order["number"] for order in placed}) == 1
    order = placed[0]
    assert order["lines"][0]["reserved"] == 2 and order["total"] == money("600.00")
    shop.settle()
    assert available(shop) == before - 2
    done = shop.api.get(path)
    assert (done["status"], done["order_number"], done["order"]) == ("placed", order["number"], None)
    assert patch(shop, draft, title="x").status == 409
    assert shop.api.call("DELETE", path).status == 409


def test_a_short_draft_stays_a_draft_unless_it_is_forced(shop):
    draft = draft_of(shop, lamps(99))
    path = f"/v1/drafts/{draft['id']}"
    answer = shop.api.call("POST", path + "/place", {})
    assert (answer.status, answer["code"], answer["field"]) == (409, "insufficient_stock", "lines[0].quantity")
    assert shop.api.get(path)["status"] == "open"
    patch(shop, draft, order=lamps(99, stock_policy="accept"))
    order = shop.api.post(path + "/place", {})
    assert order["lines"][0]["unallocated"] > 0
    shop.api.post(f"/v1/orders/{order['id']}/cancel", {"reason": "other"})


def test_the_shop_says_what_it_offers(shop):
    offer = {"code": "7_eleven_cod", "name": "7-ELEVEN 取貨付款", "method": "convenience_store", "carrier": "7_eleven",
             "cash_on_delivery": True, "prices": [money("60", "TWD")], "rank": 2}
    shop.api.post("/v1/delivery-methods", offer)
    shop.api.post("/v1/delivery-methods", {**offer, "code": "home", "method": "home", "carrier": "", "rank": 1,
                                           "cash_on_delivery": False})
    shown = shop.api.get("/v1/delivery-methods")["data"]
    assert [o["code"] for o in shown] == ["home", "7_eleven_cod"] and shown[1]["prices"] == offer["prices"]
    shop.api.delete("/v1/delivery-methods/home")
    assert shop.api.call("DELETE", "/v1/delivery-methods/home").status == 404


def test_the_books_are_right(shop):
    shop.settle()
    shop.verify()
