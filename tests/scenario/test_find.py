"""Finding orders: by any fragment, by tags and statuses, by saved views; many at once; as files."""
import csv
import io
import uuid
import zipfile
from xml.etree import ElementTree

import pytest

from harness import add_item, add_stock, money, order_body, wait_for

CHANNEL = "web"


def listed(home, **query):
    """Every order that a list finds, page by page, once the index has caught up."""
    def ask():
        found, cursor = [], None
        while True:
            page = home.api.get("/v1/orders", limit=7, **query, **({"cursor": cursor} if cursor else {}))
            if page["stale"]:
                return None
            found += page["data"]
            cursor = page["next_cursor"]
            if not cursor:
                return [found]
    return wait_for(ask)[0]


def numbers(home, **query):
    return [order["number"] for order in listed(home, **query)]


@pytest.fixture(scope="module")
def shop(home):
    """Nine orders of one shop that nobody else's words find."""
    add_item(home, "FND-TEE-M", "純棉印花短袖")
    add_item(home, "FND-CUP", "雙層保溫瓶")
    add_stock(home, "FND-TEE-M", 1000)
    add_stock(home, "FND-CUP", 1000)
    people = [("歐陽菲菲", "feifei@find.example", "+852 9777 1234"), ("Findley Wong", "fw@find.example", "+852 6888 4321"),
              ("藍小鳳", "blue.phoenix@find.example", "+852 5999 7123")]
    orders = []
    for i in range(9):
        name, mail, phone = people[i % 3]
        body = order_body(["FND-TEE-M", "FND-CUP"][i % 2], 1 + i, external_id=f"FX-{uuid.uuid4().hex[:12]}")
        body["customer"] = {"name": name, "email": mail, "phone": phone}
        body["shipping_address"]["name"] = name
        body["shipping_address"]["phone"] = phone
        body["lines"][0]["name"] = ["純棉印花短袖", "雙層保溫瓶"][i % 2]
        orders.append(home.api.post("/v1/orders", body, status=201))
    return orders


def test_an_order_is_found_by_any_fragment_of_what_it_says(home, shop):
    newest = [order["number"] for order in reversed(shop)]
    feifei, findley, phoenix = (newest[i::3] for i in (2, 1, 0))
    cases = {
        "歐陽": feifei, "陽菲菲": feifei, "97771234": feifei, "9777 1234": feifei, "7771": feifei, "phone:77712": feifei,
        "feifei@find": feifei, "findley": findley, "FINDLEY WONG": findley, "name:wong email:fw@find.example": findley,
        "phoenix@find.ex": phoenix, "customer:藍小鳳": phoenix, "印花": newest[0::2], "item:保溫瓶 find.example": newest[1::2],
        "sku:fnd-cup 歐陽": [n for n in feifei if n in newest[1::2]], "FND-TEE 藍小": [n for n in phoenix if n in newest[0::2]],
        "歐陽 total:>900": [], "歐陽 total:800..900": feifei[:1], "find.example placed:today": newest, "find.example placed:<2020": [],
        "歐陽 placed:yesterday": [], "find.example status:confirmed": newest, "find.example status:pending": [],
        "find.example -status:confirmed": [], "沒有這個人": [], "find.example currency:HKD country:hk": newest,
    }
    for q, expected in cases.items():
        assert numbers(home, q=q) == expected, q
    for order in shop[:3]:
        assert numbers(home, q=order["number"].lower()) == [order["number"]]
        assert numbers(home, q=order["external_id"]) == [order["number"]]
    assert numbers(home, q="find.example", sort="oldest") == newest[::-1]
    row = listed(home, q="歐陽")[0]
    assert row["customer"]["name"] == "歐陽菲菲" and row["item_count"] == 7 and row["tags"] == []


def test_a_page_goes_on_from_a_cursor_in_both_directions(home, shop):
    for sort in ("newest", "oldest"):
        whole = numbers(home, q="find.example", sort=sort)
        page = home.api.get("/v1/orders", q="find.example", sort=sort, limit=4)
        assert [order["number"] for order in page["data"]] == whole[:4]
        page = home.api.get("/v1/orders", q="find.example", sort=sort, limit=4, cursor=page["next_cursor"])
        assert [order["number"] for order in page["data"]] == whole[4:8]


def test_what_cannot_be_understood_is_refused_by_name(home):
    for q in ("status:nonsense", "colour:red", "placed:soon"):
        answer = home.api.call("GET", "/v1/orders", query={"q": q})
        assert (answer.status, answer["code"], answer["field"]) == (400, "invalid_query", "q")


def test_an_order_is_found_by_its_parcels_number(home, shop):
    add_stock(home, "FND-CUP", 5)
    order = home.api.post("/v1/orders", order_body("FND-CUP", 1), status=201)
    home.settle()
    work = wait_for(lambda: home.api.get("/v1/fulfillments", order=order["id"])["data"])[0]
    tracking = "SF" + uuid.uuid4().hex[:12].upper()
    home.api.post(f"/v1/fulfillments/{work['id']}/pick")
    home.api.post(f"/v1/fulfillments/{work['id']}/ship", {"carrier": "sf", "tracking_number": tracking})
    home.settle()
    assert numbers(home, q=tracking) == numbers(home, q="tracking:" + tracking[:9].lower()) == [order["number"]]


def test_tags_are_put_on_taken_off_counted_and_listed_by(home, shop):
    first, second = shop[0], shop[4]
    tag = f"急件{uuid.uuid4().hex[:6]}"
    for order in (first, second):
        answer = home.api.post(f"/v1/orders/{order['id']}/tags", {"add": [tag, "vip"]}, status=200)
        assert sorted(answer["tags"]) == sorted([tag, "vip"])
    again = home.api.post(f"/v1/orders/{first['id']}/tags", {"add": [tag]}, status=200)
    assert again["version"] == home.api.get(f"/v1/orders/{first['id']}")["version"]
    assert numbers(home, tag=tag) == numbers(home, q=f"tag:{tag}") == [second["number"], first["number"]]
    assert numbers(home, q=f"tag:{tag} 歐陽") == [first["number"]]
    counts = {row["tag"]: row["orders"] for row in home.api.pages("/v1/tags")}
    assert counts[tag] == 2
    home.api.post(f"/v1/orders/{first['id']}/tags", {"remove": [tag]}, status=200)
    assert numbers(home, tag=tag) == [second["number"]]
    assert first["number"] in numbers(home, q=f"find.example -tag:{tag}")
    said = [entry["summary"] for entry in home.api.get(f"/v1/orders/{first['id']}/timeline")["data"]]
    assert f"Tags: +{tag}, +vip." in said and f"Tags: -{tag}." in said
    assert home.api.call("POST", f"/v1/orders/{first['id']}/tags", {"add": ["a,b"]})["code"] == "invalid"


def test_a_view_is_its_owners_until_it_is_shared(home, shop):
    other = home.client(home.key("order_desk"))
    reader = home.client(home.key("read_only"))
    view = home.api.post("/v1/views", {"name": "尋找", "query": "find.example", "columns": ["number", "total"]}, status=201)
    shared = home.api.post("/v1/views", {"name": "歐陽", "query": "歐陽 status:confirmed", "is_shared": True}, status=201)
    assert [row["id"] for row in home.api.get("/v1/views")["data"]][-2:] == [view["id"], shared["id"]]
    seen = {row["id"]: row["is_mine"] for row in other.get("/v1/views")["data"]}
    assert view["id"] not in seen and seen[shared["id"]] is False
    counts = {row["id"]: row for row in home.api.get("/v1/views/counts")["counts"]}
    assert counts[view["id"]]["count"] == 9 and counts[view["id"]]["has_more"] is False
    assert counts[shared["id"]]["count"] == 3
    changed = home.api.call("PATCH", f"/v1/views/{view['id']}", {"name": "改", "query": "印花 find.example"}).json
    assert (changed["name"], changed["query"], changed["columns"]) == ("改", "印花 find.example", [])
    assert other.call("PATCH", f"/v1/views/{shared['id']}", {"name": "x"}).status == 403
    assert other.call("DELETE", f"/v1/views/{view['id']}").status == 404
    assert reader.call("POST", "/v1/views", {"name": "x", "query": "", "is_shared": True}).status == 403
    assert home.api.call("POST", "/v1/views", {"name": "x", "query": "status:what"})["code"] == "invalid_query"
    for row in (view, shared):
        home.api.delete(f"/v1/views/{row['id']}")
    assert home.api.call("DELETE", f"/v1/views/{view['id']}").status == 404


# ---- many at once ----

@pytest.fixture(scope="module")
def pending(home):
    """Thirty orders of a channel that a person confirms; two of them are cancelled, one is confirmed."""
    name = f"desk{uuid.uuid4().hex[:6]}"
    home.channel(name, "woocommerce", "a secret", "--manual")
    add_item(home, f"{name}-A", "批次商品")
    add_stock(home, f"{name}-A", 1000)
    wait_for(lambda: home.api.call("POST", "/v1/orders", order_body(f"{name}-A", channel=name)).status == 201)
    orders = [home.api.post("/v1/orders", order_body(f"{name}-A", channel=name), status=201) for _ in range(29)]
    for order in orders[:2]:
        home.api.post(f"/v1/orders/{order['id']}/cancel", {"reason": "other"}, status=200)
    home.api.post(f"/v1/orders/{orders[2]['id']}/confirm", status=200)
    return name, orders


def ended(home, bulk):
    def look():
        now = home.api.get(f"/v1/bulk/{bulk['id']}")
        return now if now["status"] != "running" else None
    return wait_for(look, 60)


def figures(bulk):
    return bulk["applied"], bulk["unchanged"], bulk["refused"]


def test_a_bulk_does_what_its_preview_says_and_tells_each_order_what_became_of_it(home, pending):
    name, orders = pending
    everything = {"q": f"channel:{name}"}
    seen = home.api.post("/v1/bulk/preview", {"action": "confirm", "selection": everything}, status=200)
    assert (seen["matched"], seen["would_apply"], seen["unchanged"], seen["is_complete"]) == (30, 27, 1, True)
    assert [(row["code"], row["orders"]) for row in seen["refused"]] == [("invalid_state", 2)]
    assert len(numbers(home, q=f"channel:{name} status:pending")) == 27
    key = uuid.uuid4().hex
    ask = {"action": "confirm", "selection": {**everything, "exclude_ids": [orders[5]["id"]]}}
    bulk = home.api.post("/v1/bulk", ask, status=201, idempotency=key)
    assert home.api.post("/v1/bulk", ask, status=201, idempotency=key)["id"] == bulk["id"]
    bulk = ended(home, bulk)
    assert bulk["status"] == "done" and figures(bulk) == (26, 1, 2)
    assert numbers(home, q=f"channel:{name} status:pending") == [orders[5]["number"]]
    refused = list(home.api.pages(f"/v1/bulk/{bulk['id']}/results", outcome="refused", limit=1))
    assert {row["order_id"] for row in refused} == {order["id"] for order in orders[:2]}
    assert {row["code"] for row in refused} == {"invalid_state"}
    assert len(list(home.api.pages(f"/v1/bulk/{bulk['id']}/results", limit=7))) == 29
    again = ended(home, home.api.post("/v1/bulk", {"action": "tag", "parameters": {"tags": ["failed"]},
                                                   "selection": {"bulk_id": bulk["id"], "outcome": "refused"}}, status=201))
    assert figures(again) == (2, 0, 0)
    assert set(numbers(home, q=f"tag:failed channel:{name}")) == {order["number"] for order in orders[:2]}
    said = home.api.get(f"/v1/orders/{orders[9]['id']}/timeline")["data"][-1]
    assert said["type"] == "order_confirmed" and said["actor"] == bulk["created_by"]


def test_a_bulk_holds_releases_tags_untags_and_cancels(home, pending):
    name, orders = pending
    some = {"ids": [order["id"] for order in orders[10:20]]}

    def run(action, selection=some, **parameters):
        return figures(ended(home, home.api.post("/v1/bulk", {"action": action, "selection": selection,
                                                              "parameters": parameters}, status=201)))
    assert run("hold", hold_type="stock_check", reason="count first") == (10, 0, 0)
    assert len(numbers(home, q=f"hold:stock_check channel:{name}")) == 10
    assert run("hold", hold_type="stock_check") == (0, 10, 0)
    assert run("release_hold", hold_type="another") == (0, 10, 0)
    assert run("release_hold") == (10, 0, 0)
    assert numbers(home, q=f"hold:any channel:{name}") == []
    assert run("tag", tags=["bulk", "二"]) == (10, 0, 0)
    assert run("untag", tags=["bulk"]) == (10, 0, 0)
    assert len(numbers(home, q=f"tag:二 channel:{name}")) == 10 and numbers(home, q=f"tag:bulk channel:{name}") == []
    assert run("cancel", {"q": f"tag:二 channel:{name}"}, reason="stock") == (10, 0, 0)
    assert run("cancel", reason="stock") == (0, 0, 10)
    assert len(numbers(home, q=f"channel:{name} status:cancelled tag:二")) == 10
    home.settle()
    home.verify()


def test_a_bulk_goes_on_after_a_kill_and_ends_when_told(home, pending):
    name, _ = pending
    ask = {"action": "tag", "selection": {"q": "", "all": True}, "parameters": {"tags": [f"all{uuid.uuid4().hex[:6]}"]}}
    bulk = home.api.post("/v1/bulk", ask, status=201)
    home.kill("orders")
    wait_for(home.is_ready, 30)
    bulk = ended(home, bulk)
    assert bulk["status"] == "done" and bulk["refused"] == 0
    tag = ask["parameters"]["tags"][0]
    counts = {row["tag"]: row["orders"] for row in home.api.pages("/v1/tags")}
    assert counts[tag] == bulk["applied"] == len(numbers(home, tag=tag)) >= 40
    stopped = home.api.post("/v1/bulk", {**ask, "action": "untag"}, status=201)
    answer = home.api.post(f"/v1/bulk/{stopped['id']}/cancel", status=200)
    assert answer["status"] in ("cancelled", "done")


def test_a_bulk_that_says_nothing_is_refused(home):
    for body, field in (({"action": "confirm"}, "selection"), ({"action": "confirm", "selection": {"q": ""}}, "selection"),
                        ({"action": "tag", "selection": {"all": True}}, "parameters.tags"),
                        ({"action": "confirm", "selection": {"q": "status:what"}}, "selection.q"),
                        ({"selection": {"all": True}}, "action")):
        answer = home.api.call("POST", "/v1/bulk", body)
        assert answer.status == 400 and answer["field"] == field, (body, answer)


# ---- as files ----

def fetched(home, **query):
    answer = home.api.call("GET", "/v1/orders/export", query=query)
    assert answer.status == 200, answer
    return answer


def test_a_list_is_a_file_of_csv_that_runs_no_formula(home, shop):
    order = order_body("FND-CUP", 1)
    order["customer"]["name"] = "=HYPERLINK(\"http://evil\")"
    order["shipping_address"]["name"] = "-2+3, \"quoted\" 歐"
    dangerous = home.api.post("/v1/orders", order, status=201)
    wait_for(lambda: numbers(home, q="HYPERLINK"))
    answer = fetched(home, q="HYPERLINK", bom="true")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8" and "orders.csv" in answer.headers["Content-Disposition"]
    assert answer.body.startswith(b"\xef\xbb\xbf")
    head, row = csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline=""))
    found = dict(zip(head, row))
    assert found["number"] == dangerous["number"] and found["total"] == "120.00" and found["items"] == "1"
    assert found["customer"] == "'=HYPERLINK(\"http://evil\")" and found["telephone"] == "'+85291234567"
    assert found["recipient"] == "'-2+3, \"quoted\" 歐"
    whole = list(csv.DictReader(io.StringIO(fetched(home, q="find.example").body.decode(), newline="")))
    assert [row["number"] for row in whole] == numbers(home, q="find.example")
    assert whole[0]["products"].endswith("x9") and whole[0]["status"] == "confirmed"
    assert home.api.call("GET", "/v1/orders/export", query={"format": "pdf"})["field"] == "format"
    assert home.api.call("GET", "/v1/orders/export", query={"q": "status:what"})["code"] == "invalid_query"
    assert home.client(home.key("picker")).call("GET", "/v1/orders/export").status == 403


def test_a_list_is_a_workbook_too(home, shop):
    answer = fetched(home, q="find.example", format="xlsx")
    assert "spreadsheetml" in answer.headers["Content-Type"]
    book = zipfile.ZipFile(io.BytesIO(answer.body))
    assert book.testzip() is None
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    rows = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")).findall("m:sheetData/m:row", space)
    texts = [["".join(cell.itertext()) for cell in row] for row in rows]
    assert texts[0][0] == "number" and [row[0] for row in texts[1:]] == numbers(home, q="find.example")
    assert rows[1].findall("m:c", space)[17].get("t") is None and texts[1][17] == "1080.00"
    names = ElementTree.fromstring(book.read("xl/workbook.xml")).findall("m:sheets/m:sheet", space)
    assert [name.get("name") for name in names] == ["orders 1"]
    assert {"[Content_Types].xml", "_rels/.rels", "xl/_rels/workbook.xml.rels"} < set(book.namelist())
