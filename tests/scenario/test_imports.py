"""Orders from files: checked first, told row by row, placed once, whatever dies meanwhile."""
import csv
import io

import pytest

import harness
from harness import money, wait_for

SHOPIFY = ["Name", "Email", "Financial Status", "Paid at", "Currency", "Subtotal", "Shipping", "Taxes", "Total",
           "Discount Code", "Discount Amount", "Shipping Method", "Created at", "Lineitem quantity", "Lineitem name",
           "Lineitem price", "Lineitem sku", "Lineitem requires shipping", "Lineitem discount", "Billing Name",
           "Shipping Name", "Shipping Address1", "Shipping City", "Shipping Zip", "Shipping Country", "Shipping Phone",
           "Notes", "Cancelled at", "Payment Method", "Payment Reference", "Refunded Amount", "Outstanding Balance", "Id"]
OURS = ["order", "placed_at", "customer_name", "email", "phone", "sku", "item", "quantity", "unit_price", "discount",
        "shipping", "total", "paid", "country", "address1"]


@pytest.fixture(scope="module")
def shop(home):
    home.channel("imp-store", "manual", "", "--prefix", "IMP")
    harness.add_item(home, "IMP-TEE", "T恤", "100.00")
    harness.add_stock(home, "IMP-TEE", 5)
    return home


def text(columns, rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def ours(number, quantity=1, **more):
    return {"order": f"A{number}", "placed_at": "2026-11-01T10:00:00+08:00", "customer_name": f"客人{number}",
            "email": f"imp{number}@example.com", "sku": "IMP-TEE", "quantity": quantity, "unit_price": "100.00",
            "total": f"{100 * quantity}.00", "paid": f"{100 * quantity}.00", "country": "HK", "address1": "中環", **more}


def send(shop, rows, columns=OURS, **options):
    body = {"name": "orders.csv", "format": "penstock", "channel": "imp-store", "currency": "HKD",
            "csv": rows if isinstance(rows, str) else text(columns, rows), **options}
    made = shop.api.post("/v1/imports", body, status=201)
    return await_status(shop, made, "checked")


def progress(shop, made):
    """How far it has come; None while the service is away."""
    answer = shop.api.call("GET", f"/v1/imports/{made['id']}")
    assert answer.status in (200, 503), answer
    return answer.json if answer.status == 200 else None


def await_status(shop, made, status):
    return wait_for(lambda: (i := progress(shop, made)) and i["status"] == status and i, timeout=30,
                    message=lambda: progress(shop, made))


def run(shop, made):
    shop.api.post(f"/v1/imports/{made['id']}/run", {})
    return await_status(shop, made, "done")


def errors(shop, made):
    return [(e["row"], e["external_id"], e["code"], e["field"])
            for e in shop.api.pages(f"/v1/imports/{made['id']}/errors")]


def order(shop, external_id):
    found = shop.api.get("/v1/orders", channel="imp-store", external_id=external_id)["data"]
    return found[0] if found else None


def test_the_dry_run_places_nothing_and_names_each_row_at_fault(shop):
    rows = [ours(1), ours(2, quantity=0), ours(3, total="99.00"), ours(4, unit_price="ten"), ours(5, order=""),
            ours(6, placed_at="yesterday")]
    made = send(shop, rows)
    assert (made["rows"], made["orders"], made["failed"], made["placed"]) == (6, 6, 5, 0)
    assert errors(shop, made) == [
        (3, "A2", "out_of_range", "quantity"), (4, "A3", "total_mismatch", "total"),
        (5, "A4", "invalid", "unit_price"), (6, None, "required", "order"), (7, "A6", "invalid", "placed_at")]
    assert order(shop, "A1") is None
    answer = shop.api.call("POST", f"/v1/imports/{made['id']}/run", {})
    assert (answer.status, answer["code"]) == (409, "import_has_errors")
    shop.api.post(f"/v1/imports/{made['id']}/cancel", {})


def test_faulty_rows_are_skipped_if_wanted_and_a_second_run_makes_nothing(shop):
    rows = [ours(11, quantity=2), ours(12, quantity=0), ours(13)]
    before = harness.level(shop, "IMP-TEE")["available"]
    done = run(shop, send(shop, rows, error_policy="skip_rows", stock_policy="require"))
    assert (done["orders"], done["placed"], done["failed"], done["known"]) == (3, 2, 1, 0)
    placed = order(shop, "A11")
    assert placed["total"] == money("200.00") and placed["payment_status"] == "paid"
    assert placed["placed_at"] == "2026-11-01T02:00:00.000000Z" and placed["lines"][0]["reserved"] == 2
    assert harness.level(shop, "IMP-TEE")["available"] == before - 3
    again = run(shop, send(shop, rows, error_policy="skip_rows", stock_policy="require"))
    assert (again["placed"], again["known"], again["failed"]) == (0, 2, 1)
    assert harness.level(shop, "IMP-TEE")["available"] == before - 3


def test_required_stock_that_is_short_is_an_error_of_its_row(shop):
    left = harness.level(shop, "IMP-TEE")["available"]
    done = run(shop, send(shop, [ours(21, quantity=left + 1), ours(22)], stock_policy="require"))
    assert (done["placed"], done["failed"]) == (1, 1)
    assert errors(shop, done) == [(2, "A21", "insufficient_stock", "lines[0].quantity")]
    assert order(shop, "A21") is None


def test_orders_of_the_past_keep_their_time_and_touch_nothing(shop):
    level, mails = harness.level(shop, "IMP-TEE"), len(shop.mails())
    rows = [ours(31, quantity=3, placed_at="2021-03-04T05:06:07Z"), ours(32, placed_at="2020-01-01T00:00:00Z")]
    done = run(shop, send(shop, rows, is_historic=True))
    assert done["placed"] == 2 and done["stock_policy"] == "skip"
    shop.settle()
    old = order(shop, "A31")
    assert (old["placed_at"], old["status"], old["is_silent"]) == ("2021-03-04T05:06:07.000000Z", "completed", True)
    assert harness.level(shop, "IMP-TEE") == level and len(shop.mails()) == mails
    assert shop.api.get("/v1/fulfillments", order=old["id"])["data"] == []


def test_shopifys_export_has_many_rows_an_order(shop):
    first = {"Name": "#1001", "Id": "5501", "Email": "s@example.com", "Financial Status": "paid", "Currency": "HKD",
             "Subtotal": "230.00", "Shipping": "30.00", "Taxes": "0.00", "Total": "260.00", "Discount Code": "SUMMER",
             "Discount Amount": "20.00", "Shipping Method": "順豐", "Created at": "2026-11-02 10:00:00 +0800",
             "Lineitem quantity": 2, "Lineitem name": "T恤, 白 \"M\"", "Lineitem price": "100.00",
             "Lineitem sku": "IMP-OTHER", "Lineitem requires shipping": "true", "Billing Name": "陳大文",
             "Shipping Name": "陳大文", "Shipping Address1": "觀塘道 1 號\n18 樓", "Shipping City": "觀塘",
             "Shipping Zip": "'999077", "Shipping Country": "HK", "Payment Method": "Credit Card"}
    second = {"Name": "#1001", "Email": "s@example.com", "Lineitem quantity": 1, "Lineitem name": "貼紙",
              "Lineitem price": "50.00", "Lineitem sku": "", "Lineitem requires shipping": "false"}
    third = {**first, "Name": "#1002", "Id": "5502", "Total": "261.00"}
    made = send(shop, "\ufeff" + text(SHOPIFY, [first, second, third]), format="shopify", stock_policy="skip",
                error_policy="skip_rows")
    assert (made["rows"], made["orders"], made["failed"]) == (3, 2, 1), errors(shop, made)
    assert errors(shop, made)[0][:3] == (4, "5502", "total_mismatch")
    run(shop, made)
    placed = order(shop, "5501")
    assert placed["external_number"] == "#1001" and len(placed["lines"]) == 2
    assert placed["total"] == money("260.00") and placed["payments"][0]["method"] == "credit_card"
    assert placed["shipping_address"]["postcode"] == "999077"


def test_a_file_in_parts_survives_a_kill_and_leaves_no_rows_behind(shop):
    rows = [ours(1000 + i // 2, quantity=1, item=f"item {i}", total="200.00", paid="200.00") for i in range(1200)]
    whole = text(OURS, rows)
    made = shop.api.post("/v1/imports", {"name": "big.csv", "format": "penstock", "channel": "imp-store",
                                         "currency": "HKD", "stock_policy": "skip"}, status=201)
    size = 40_001
    parts = [whole[i:i + size] for i in range(0, len(whole), size)]
    for number, part in enumerate(parts, 1):
        for _ in range(2):
            sent = shop.api.post(f"/v1/imports/{made['id']}/parts", {"part": number, "csv": part})
    assert sent["parts"] == len(parts)
    shop.api.post(f"/v1/imports/{made['id']}/check", {})
    shop.kill("orders")
    checked = await_status(shop, made, "checked")
    assert (checked["rows"], checked["orders"], checked["failed"]) == (1200, 600, 0), errors(shop, made)
    wait_for(shop.is_ready)
    shop.api.post(f"/v1/imports/{made['id']}/run", {})
    wait_for(lambda: progress(shop, made)["placed"] > 0)
    shop.kill("orders")
    wait_for(shop.is_ready)
    done = await_status(shop, made, "done")
    assert done["placed"] + done["known"] == 600 and done["failed"] == 0
    assert shop.rows("SELECT count(*) FROM orders.orders WHERE channel = 'imp-store' AND external_id LIKE 'A1___'")[0][0] == 600
    assert shop.rows("SELECT count(*) FROM orders.import_part WHERE import_id = %s", made["id"])[0][0] == 0
    assert shop.rows("SELECT count(*) FROM orders.import_order WHERE import_id = %s AND body IS NOT NULL",
                     made["id"])[0][0] == 0


@pytest.mark.parametrize("csv_text, code", [
    ("order,quantity\nA,1\n", "missing_column"), ("order,quantity,unit_price,item\n\"A,1\n", "bad_csv")])
def test_a_file_that_is_none_is_told_so(shop, csv_text, code):
    made = send(shop, csv_text)
    assert [e[2] for e in errors(shop, made)] == [code]


def test_the_books_are_right(shop):
    shop.settle()
    shop.verify()
