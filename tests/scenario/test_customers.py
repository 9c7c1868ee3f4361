"""Customers: one person over all channels, merged and taken apart, told in full and taken out of everything."""
import uuid

import pytest

import harness
from harness import order_body, wait_for

SECRET = "customers-secret-1"


@pytest.fixture(scope="module")
def shop(home):
    home.channel("cust-store", "shopify", SECRET, "--prefix", "CU")
    harness.add_item(home, "CUST-TEE", "T恤", "120.00")
    harness.add_stock(home, "CUST-TEE", 100)
    return home


def place(shop, name, email, phone, **more):
    body = order_body("CUST-TEE", customer={"name": name, "email": email, "phone": phone}, **more)
    return shop.api.post("/v1/orders", body, status=201)


def owner(shop, order):
    """Whose the order is, once the projection has come by."""
    return wait_for(lambda: shop.api.get(f"/v1/orders/{order['id']}")["customer_id"])


def find(shop, q):
    return [c["id"] for c in shop.api.pages("/v1/customers", q=q)]


def ship(shop, order):
    work = wait_for(lambda: shop.api.get("/v1/fulfillments", order=order["id"])["data"])
    shop.api.post(f"/v1/fulfillments/{work[0]['id']}/ship", {"carrier": "sf", "tracking_number": order["number"]})
    wait_for(lambda: shop.api.get(f"/v1/orders/{order['id']}")["status"] == "completed")


def test_orders_of_all_channels_are_one_customers(shop):
    first = place(shop, "歐陽小雯", "Wen@Example.com", "9876 5432")
    by_phone = place(shop, "Ouyang", "", "+852-9876-5432", channel="counter")
    by_email = place(shop, "歐陽小雯", "wen@example.com", "")
    who = owner(shop, first)
    assert owner(shop, by_phone) == owner(shop, by_email) == who
    profile = shop.api.get(f"/v1/customers/{who}")
    assert (profile["name"], profile["email"], profile["phone"]) == ("歐陽小雯", "wen@example.com", "+85298765432")
    assert profile["history"]["orders"] == 3
    assert profile["history"]["spend"] == [{"ordered": {"amount": "360.00", "currency": "HKD"},
                                            "paid": {"amount": "360.00", "currency": "HKD"}, "orders": 3}]
    assert profile["addresses"][0]["address"]["address1"] == "觀塘道 1 號"
    orders = shop.api.pages(f"/v1/customers/{who}/orders", limit=2)
    assert [o["number"] for o in orders] == [by_email["number"], by_phone["number"], first["number"]]


def test_a_customer_is_found_by_a_piece_of_what_is_known(shop):
    who = owner(shop, place(shop, "上官婉兒", "waner.sg@example.com", "+852 6321 4477"))
    for q in ("3214", "63214477", "上官", "婉兒", "waner.", "WANER.SG@example"):
        assert who in find(shop, q), q
    for q in ("32149", "官上", "wanel"):
        assert who not in find(shop, q), q
    assert shop.api.call("GET", "/v1/customers?q=1").json["code"] == "too_short"


def test_over_the_counter_nobody_is_made_a_customer(shop):
    body = order_body("CUST-TEE", channel="counter", customer=None, shipping_address=None)
    order = shop.api.post("/v1/orders", body, status=201)
    later = place(shop, "後來", "later@example.com", "")
    owner(shop, later)
    assert shop.api.get(f"/v1/orders/{order['id']}")["customer_id"] is None


def test_a_customer_is_made_and_changed(shop):
    body = {"name": "司徒", "email": "Situ@Example.com", "tags": ["VIP", "批發"], "note": "下午來電",
            "address": {"name": "司徒", "address1": "中環", "city": "香港", "country": "HK"}}
    made = shop.api.post("/v1/customers", body, status=201, idempotency="situ")
    assert shop.api.post("/v1/customers", body, status=201, idempotency="situ")["id"] == made["id"]
    assert made["tags"] == ["VIP", "批發"] and made["email"] == "situ@example.com"
    path = f"/v1/customers/{made['id']}"
    changed = shop.api.call("PATCH", path, {"phone": "0912000333", "country": "TW", "clear": ["note"],
                                            "accepts_marketing": True, "tags": {"values": ["VIP"]}}).json
    assert (changed["phone"], changed["note"], changed["tags"]) == ("+886912000333", None, ["VIP"])
    assert changed["accepts_marketing"] and changed["consented_at"]
    stale = shop.api.call("PATCH", path, {"name": "司徒二", "version": made["version"]})
    assert (stale.status, stale["code"]) == (412, "version_conflict")
    assert owner(shop, place(shop, "司徒", "", "+886 912 000 333")) == made["id"]
    empty = shop.api.call("PATCH", path, {"clear": ["name", "email", "phone"]})
    assert (empty.status, empty["field"]) == (400, "name")


def test_a_merge_is_suggested_made_and_taken_back(shop):
    one = owner(shop, place(shop, "夏侯", "xia1@example.com", "+85261110001"))
    two = owner(shop, place(shop, "夏侯惇", "xia2@example.com", "+85261110002"))
    assert one != two
    assert shop.api.get(f"/v1/customers/{one}/suggestions")["data"] == []
    shared = place(shop, "夏侯", "xia2@example.com", "+85261110001")
    assert owner(shop, shared) == one
    found = shop.api.get(f"/v1/customers/{one}/suggestions")["data"]
    assert [(s["customer"]["id"], s["reasons"]) for s in found] == [(two, ["email"])]

    merged = shop.api.post(f"/v1/customers/{one}/merge", {"other": two})
    assert merged["history"]["orders"] == 3 and merged["history"]["merged"] == [two]
    assert find(shop, "夏侯惇") == [one]
    assert owner(shop, place(shop, "夏侯惇", "", "+85261110002")) == two
    assert shop.api.get(f"/v1/customers/{one}")["history"]["orders"] == 4
    again = shop.api.call("POST", f"/v1/customers/{two}/merge", {"other": one})
    assert (again.status, again["code"]) == (409, "invalid_state")

    shop.api.post(f"/v1/customers/{two}/unmerge", {})
    assert shop.api.get(f"/v1/customers/{one}")["history"]["orders"] == 2
    assert shop.api.get(f"/v1/customers/{two}")["history"]["orders"] == 2
    assert find(shop, "夏侯惇") == [two]


def test_an_erased_customer_leaves_no_trace_and_the_money_stays(shop):
    canary = "canary" + uuid.uuid4().hex[:10]
    phone = "+8526" + str(uuid.uuid4().int)[:7]
    address = {"name": canary, "phone": phone, "address1": f"{canary} road", "city": "觀塘", "country": "HK",
               "email": f"{canary}@example.com"}
    order = place(shop, canary, f"{canary}@example.com", phone, shipping_address=address, billing_address=address,
                  note=f"ring {canary}", shipping_remark=canary)
    hook = {"id": 881177, "name": "#881177", "currency": "HKD", "taxes_included": True, "financial_status": "paid",
            "created_at": "2026-11-20T10:00:00+08:00", "updated_at": "2026-11-20T10:00:00+08:00",
            "total_price": "120.00", "current_total_price": "120.00", "email": f"{canary}@example.com",
            "customer": {"id": 7, "first_name": canary, "last_name": "", "email": f"{canary}@example.com"},
            "shipping_address": {"name": canary, "address1": canary, "city": "觀塘", "country_code": "HK"},
            "line_items": [{"id": 1, "sku": "CUST-TEE", "name": "T", "title": "T", "quantity": 1, "price": "120.00",
                            "current_quantity": 1, "total_discount": "0.00", "requires_shipping": True,
                            "discount_allocations": [], "tax_lines": []}], "shipping_lines": [], "discount_codes": []}
    assert harness.post_shopify(shop, "cust-store", SECRET, "orders/create", hook).status == 200
    other = wait_for(lambda: shop.api.get("/v1/orders", channel="cust-store", external_id="881177")["data"])[0]
    who = owner(shop, order)
    assert owner(shop, other) == who
    shop.api.post(f"/v1/customers/{who}/addresses", {"label": "home", "address": address})

    export = shop.api.get(f"/v1/customers/{who}/export")
    assert canary in str(export) and {o["number"] for o in export["orders"]} == {order["number"], other["number"]}
    under_way = shop.api.call("POST", f"/v1/customers/{who}/erase", {})
    assert (under_way.status, under_way["code"]) == (409, "orders_under_way")
    ship(shop, order)
    ship(shop, other)
    shop.settle()

    shop.api.post(f"/v1/customers/{who}/erase", {})
    wait_for(lambda: shop.api.get(f"/v1/customers/{who}")["erased_at"])
    shop.settle()

    for needle in (canary, phone[1:]):
        assert rows_with(shop, needle) == []
        assert find(shop, needle) == []
        assert shop.api.get("/v1/orders", customer=needle)["data"] == []
    left = shop.api.get(f"/v1/orders/{order['id']}")
    assert left["total"] == order["total"] and left["payments"] == order["payments"]
    assert left["customer"]["name"] is None and left["shipping_address"]["country"] == "HK"
    assert canary not in "".join((shop.folder / "log" / f"{s}.log").read_text() for s in harness.SERVICES)
    shop.verify()
    shop.rows("UPDATE orders.orders SET email = %s WHERE id = %s RETURNING id", f"{canary}@example.com", left["id"])
    broken = shop.penstock("verify", check=False, timeout=300)
    assert broken.returncode == 1 and "privacy.erased" in broken.stdout
    shop.rows("UPDATE orders.orders SET email = '' WHERE id = %s RETURNING id", left["id"])
    shop.verify()


def rows_with(shop, needle):
    """Every table of every service that holds the text anywhere, in plain or in packed bytes."""
    columns = shop.rows("SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns "
                        "JOIN information_schema.tables USING (table_schema, table_name) WHERE table_type = "
                        "'BASE TABLE' AND table_schema = ANY(%s) AND data_type IN ('text', 'bytea', 'ARRAY')",
                        [*harness.SERVICES])
    found = []
    for schema, table, column, kind in columns:
        if kind == "bytea":
            test = f'position(convert_to(%s, \'UTF8\') IN "{column}") > 0'
        else:
            test = f'strpos("{column}"::text, %s) > 0'
        if shop.rows(f'SELECT 1 FROM "{schema}"."{table}" WHERE {test} LIMIT 1', needle):
            found.append(f"{schema}.{table}.{column}")
    return found
