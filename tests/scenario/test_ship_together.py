"""Story 13: the same customer orders twice on two channels; one parcel, each channel its tracking; taken apart again."""
import uuid

import pytest

import harness
from harness import add_item, add_stock, order_body, wait_for

PHONE = "+8525" + str(uuid.uuid4().int)[:7]


@pytest.fixture(scope="module")
def shop(home):
    add_item(home, "TOGETHER-1")
    add_item(home, "TOGETHER-2")
    add_stock(home, "TOGETHER-1", 100)
    add_stock(home, "TOGETHER-2", 100)
    home.channel("together-b", "shopify", "a-secret-of-the-shop", "--prefix", "TB")
    return home


def place(shop, sku, **more):
    customer = {"name": "陳大文", "email": "together@example.com", "phone": PHONE}
    order = shop.api.post("/v1/orders", order_body(sku, customer=customer, **more), status=201)
    wait_for(lambda: work(shop, order)["status"] == "open" if works(shop, order) else False)
    return order


def works(shop, order):
    return shop.api.get("/v1/fulfillments", order=order["id"])["data"]


def work(shop, order):
    found = works(shop, order)
    assert len(found) == 1, found
    return found[0]


def get(shop, order):
    return shop.api.get(f"/v1/orders/{order['id']}")


def types(shop, order):
    return [e["type"] for e in shop.api.pages(f"/v1/orders/{order['id']}/timeline")]


def together(shop, *orders):
    return shop.api.post("/v1/shipments", {"orders": [o["id"] for o in orders]}, status=201)


def test_two_orders_leave_in_one_parcel_and_each_is_told(shop):
    first, second = place(shop, "TOGETHER-1"), place(shop, "TOGETHER-2", channel="together-b")
    wait_for(lambda: [o["id"] for o in shop.api.get(f"/v1/orders/{first['id']}/ship-together")["data"]]
             == [second["id"]])
    shipment = together(shop, first, second)
    assert shipment["status"] == "open" and len(shipment["orders"]) == 2
    assert shop.api.get("/v1/shipments", order=second["number"])["data"][0]["id"] == shipment["id"]
    alone = shop.api.call("POST", f"/v1/fulfillments/{work(shop, first)['id']}/ship", {"carrier": "SF"})
    assert alone.status == 409 and alone["code"] == "in_shared_parcel", alone
    again = shop.api.call("POST", "/v1/shipments", {"orders": [first["id"], second["id"]]})
    assert again.status == 409 and again["code"] == "in_shared_parcel", again
    shipped = shop.api.post(f"/v1/shipments/{shipment['id']}/ship", {"carrier": "SF", "tracking_number": "SF-BOTH"})
    assert shipped["status"] == "shipped"
    for order in (first, second):
        wait_for(lambda: get(shop, order)["status"] == "completed", message=lambda: get(shop, order))
        assert [p["tracking_number"] for p in work(shop, order)["parcels"]] == ["SF-BOTH"]
        assert "shares_parcel" in types(shop, order)
        shop.settle()
        assert [m for m in shop.mails() if order["number"] in m.subject and "SF-BOTH" in m.text], "its own mail"
    parcel = work(shop, first)["parcels"][0]
    shop.api.post(f"/v1/fulfillments/{work(shop, first)['id']}/parcels/{parcel['id']}/deliver", {})
    wait_for(lambda: get(shop, second)["fulfillment_status"] == "delivered", message=lambda: get(shop, second))
    shop.settle()
    shop.verify()


def test_cancelling_one_takes_it_apart_and_leaves_the_other_alone(shop):
    first, second = place(shop, "TOGETHER-1"), place(shop, "TOGETHER-2")
    shipment = together(shop, first, second)
    shop.settle()
    before = {k: v for k, v in get(shop, second).items() if k not in ("version", "updated_at")}
    shop.api.post(f"/v1/orders/{first['id']}/cancel", {"reason": "customer"})
    wait_for(lambda: shop.api.get(f"/v1/shipments/{shipment['id']}")["status"] == "taken_apart")
    shop.settle()
    assert {k: v for k, v in get(shop, second).items() if k not in ("version", "updated_at")} == before
    assert "parcel_taken_apart" in types(shop, second)
    gone = shop.api.call("POST", f"/v1/shipments/{shipment['id']}/ship", {"carrier": "SF"})
    assert gone.status == 409 and gone["code"] == "invalid_state", gone
    shop.api.post(f"/v1/fulfillments/{work(shop, second)['id']}/ship", {"carrier": "SF", "tracking_number": "SF-2"})
    wait_for(lambda: get(shop, second)["status"] == "completed", message=lambda: get(shop, second))
    shop.settle()
    shop.verify()


def test_only_one_recipient_and_only_before_the_picking(shop):
    first, second = place(shop, "TOGETHER-1"), place(shop, "TOGETHER-2")
    address = {"name": "李小明", "phone": PHONE, "address1": "彌敦道 2 號", "city": "旺角", "country": "HK"}
    elsewhere = place(shop, "TOGETHER-1", shipping_address=address)
    answer = shop.api.call("POST", "/v1/shipments", {"orders": [first["id"], elsewhere["id"]]})
    assert (answer.status, answer["code"], answer["field"]) == (409, "different_recipient", "orders[1]"), answer
    for orders, field in (([first["id"]], "orders"), ([first["id"], first["id"]], "orders[1]")):
        answer = shop.api.call("POST", "/v1/shipments", {"orders": orders})
        assert answer.status == 400 and answer["field"] == field, answer
    shop.api.post(f"/v1/fulfillments/{work(shop, second)['id']}/pick", {})
    answer = shop.api.call("POST", "/v1/shipments", {"orders": [first["id"], second["id"]]})
    assert (answer.status, answer["code"], answer["field"]) == (409, "already_picked", "orders[1]"), answer
    third = place(shop, "TOGETHER-2")
    shipment = together(shop, first, third)
    apart = shop.api.post(f"/v1/shipments/{shipment['id']}/take-apart", {"reason": "two boxes after all"})
    assert apart["status"] == "taken_apart" and apart["reason"] == "two boxes after all"
    shop.api.post(f"/v1/fulfillments/{work(shop, third)['id']}/ship", {"carrier": "SF"})
    shop.settle()
    shop.verify()
