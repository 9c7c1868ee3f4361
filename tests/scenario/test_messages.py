"""What the shop and its customers write to each other: threads, notes, remarks, canned replies, and the mails."""
import uuid

import pytest

import harness
from harness import wait_for


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "MSG-TEE", "純棉T恤 M")
    harness.add_stock(home, "MSG-TEE", 500)
    return home


def place(shop, **more):
    body = harness.order_body("MSG-TEE", **more)
    return shop.api.post("/v1/orders", body, status=201)


def types(shop, order):
    return [entry["type"] for entry in shop.api.pages(f"/v1/orders/{order['id']}/timeline")]


def test_a_note_stays_in_the_shop_and_calls_whom_it_names(shop):
    order = place(shop)
    note = shop.api.post(f"/v1/orders/{order['number']}/notes",
                         {"body": "客人很急\n先出貨", "mentions": ["role:customer_service", "user:0195-a"]}, status=201)
    assert note["mentions"] == ["role:customer_service", "user:0195-a"]
    assert note["order_number"] == order["number"] and note["author"].startswith("key:")
    shop.api.post(f"/v1/orders/{order['id']}/notes", {"body": "no one is called"}, status=201)
    found = shop.api.get(f"/v1/orders/{order['id']}/notes")["data"]
    assert [n["body"] for n in found] == ["no one is called", "客人很急\n先出貨"]
    called = shop.api.get("/v1/notes", mention="user:0195-a")["data"]
    assert [n["id"] for n in called] == [note["id"]]
    assert types(shop, order).count("internal_note_added") == 2
    for body, field in (({"body": " \n"}, "body"), ({"body": "x", "mentions": ["everybody"]}, "mentions[0]"),
                        ({"body": "x" * 4001}, "body")):
        answer = shop.api.call("POST", f"/v1/orders/{order['id']}/notes", body)
        assert (answer.status, answer["field"]) == (400, field), answer


def test_a_message_makes_a_thread_that_can_be_assigned_closed_and_left_unread(shop):
    order = place(shop)
    assert shop.api.call("GET", f"/v1/orders/{order['id']}/thread").status == 404
    key = str(uuid.uuid4())
    sent = shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": "您好，\n已為您加急。"}, status=201, idempotency=key)
    again = shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": "您好，\n已為您加急。"}, status=201, idempotency=key)
    assert again == sent and sent["direction"] == "staff"
    thread = shop.api.get(f"/v1/orders/{order['number']}/thread")
    assert (thread["messages"], thread["unread"], thread["status"], thread["assignee"]) == (1, 0, "open", None)
    where = f"/v1/orders/{order['number']}/thread"
    assert shop.api.call("POST", f"{where}/unread")["code"] == "nothing_to_read"
    assert shop.api.post(f"{where}/assign", {"assignee": "role:customer_service"})["assignee"] == "role:customer_service"
    assert shop.api.call("POST", f"{where}/assign", {"assignee": "somebody"})["field"] == "assignee"
    assert shop.api.post(f"{where}/close")["status"] == "closed"
    closed = shop.api.get("/v1/threads", status="closed", q=order["number"])["data"]
    assert [t["order_id"] for t in closed] == [order["id"]]
    assert closed[0]["last_message"]["body"] == "您好，\n已為您加急。" and closed[0]["customer_name"] == "陳大文"
    assert shop.api.get("/v1/threads", status="open", q=order["number"])["data"] == []
    assert shop.api.post(f"{where}/reopen")["status"] == "open"
    assert [t["order_id"] for t in shop.api.get("/v1/threads", assignee="role:customer_service")["data"]] == [order["id"]]
    assert order["id"] not in [t["order_id"] for t in shop.api.get("/v1/threads", assignee="none")["data"]]
    assert [t["order_id"] for t in shop.api.get("/v1/threads", q="已為您加急")["data"]] == [order["id"]]
    assert shop.api.get("/v1/threads", q="100%_nothing")["data"] == []
    assert types(shop, order).count("message_sent") == 1


def test_threads_page_from_the_newest_message(shop):
    orders = [place(shop) for _ in range(3)]
    for order in orders + orders[:1]:
        shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": "paged"}, status=201)
    first = shop.api.get("/v1/threads", limit=2)
    assert [t["order_id"] for t in first["data"]] == [orders[0]["id"], orders[2]["id"]]
    second = shop.api.get("/v1/threads", limit=2, cursor=first["next_cursor"])
    assert second["data"][0]["order_id"] == orders[1]["id"]
    counts = shop.api.get("/v1/threads/counts")
    assert counts["open_threads"] >= 3 and counts["unassigned_threads"] <= counts["open_threads"]


def test_a_remark_has_255_characters_at_most_and_a_repeat_changes_nothing(shop):
    order = place(shop)
    where = f"/v1/orders/{order['id']}/shipping-remark"
    remark = "請於下午送達。" * 36 + "謝謝。"
    assert len(remark) == 255
    changed = shop.api.post(where, {"shipping_remark": remark})
    assert changed["shipping_remark"] == remark and changed["shipping_address"] == order["shipping_address"]
    again = shop.api.post(where, {"shipping_remark": remark})
    assert again["version"] == changed["version"]
    answer = shop.api.call("POST", where, {"shipping_remark": remark + "!"})
    assert (answer.status, answer["field"], answer["code"]) == (400, "shipping_remark", "too_long")
    answer = shop.api.call("POST", "/v1/orders", harness.order_body("MSG-TEE", shipping_remark=remark + "!"))
    assert (answer.status, answer["field"]) == (400, "shipping_remark")
    assert types(shop, order).count("remark_changed") == 1


def test_a_canned_reply_speaks_the_customers_language_about_the_order(shop):
    texts = [{"locale": "zh-Hant", "body": "{{customer_name}}您好，訂單 {{number}} 共 {{total}}：{{#lines}}{{name}}×{{quantity}}{{/lines}}。"},
             {"locale": "en", "body": "Dear {{customer_name}}, your order {{number}} of {{total}} is on its way."}]
    reply = shop.api.post("/v1/canned-replies", {"name": "出貨 On its way", "texts": texts}, status=201)
    chinese, english = place(shop, quantity=2), place(shop, locale="en-GB")
    where = f"/v1/canned-replies/{reply['id']}"
    preview = shop.api.get(f"{where}/preview", order=chinese["number"])
    assert preview == {"locale": "zh-Hant",
                       "body": f"陳大文您好，訂單 {chinese['number']} 共 HK$240.00：純棉T恤 M×2。"}
    assert shop.api.get(f"{where}/preview", order=english["id"])["body"] == \
        f"Dear 陳大文, your order {english['number']} of HK$120.00 is on its way."
    answer = shop.api.call("PATCH", where, {"name": "x", "texts": [{"locale": "en", "body": "Dear\n{{nmae}}"}]})
    assert (answer["code"], answer["field"]) == ("invalid_template", "texts[0].body")
    assert "line 2" in answer["detail"] and "{{nmae}}" in answer["detail"]
    changed = shop.api.call("PATCH", where, {"name": "Only English", "texts": texts[1:]}).json
    assert [t["locale"] for t in changed["texts"]] == ["en"]
    assert shop.api.get(f"{where}/preview", order=chinese["id"])["locale"] == "en"
    assert shop.api.call("POST", "/v1/canned-replies", {"name": "Only English", "texts": texts})["code"] == "duplicate_name"
    shop.api.delete(where)
    assert shop.api.call("GET", f"{where}/preview?order={chinese['id']}").status == 404


def test_events_of_messages_carry_ids_and_no_text(shop):
    order = place(shop)
    shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": "canary-of-the-log"}, status=201)
    shop.api.post(f"/v1/orders/{order['id']}/notes", {"body": "canary-of-the-log"}, status=201)
    shop.api.post(f"/v1/orders/{order['id']}/shipping-remark", {"shipping_remark": "canary-of-the-log"})
    rows = shop.rows("SELECT type FROM orders.event WHERE key = %s ORDER BY position", order["id"])
    assert [r[0] for r in rows][-3:] == ["MessagePosted", "NoteAdded", "ShippingRemarkChanged"]
    for service in harness.SERVICES:
        found = shop.rows(f"SELECT count(*) FROM {service}.event WHERE position(%s::bytea IN payload) > 0",
                          b"canary-of-the-log")
        assert found == [(0,)], service


def mails_about(shop, order, subject):
    return [mail for mail in shop.mails() if order["number"] in mail.subject and subject in mail.subject]


def test_each_message_of_the_shop_is_one_mail_on_the_orders_thread(shop):
    order = place(shop, customer={"name": "Lee K.", "email": "lee@example.com"}, locale="en")
    confirmation = wait_for(lambda: mails_about(shop, order, "received"))[0]
    shop.api.post(f"/v1/orders/{order['id']}/notes", {"body": "canary-of-a-note", "mentions": ["role:owner"]})
    body = "Your mug is <here>.\n\nShall we send it?"
    for key in ("once", "once", "twice"):
        shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": body}, idempotency=f"{key}-{order['id']}")
    mails = wait_for(lambda: (found := mails_about(shop, order, "About your order")) and len(found) == 2 and found)
    for mail in mails:
        assert mail.to == ["lee@example.com"] and mail.language == "en"
        assert "Your mug is <here>.\n\nShall we send it?\n" in mail.text.replace("\r\n", "\n")
        assert "Your mug is &lt;here&gt;.<br><br>Shall we send it?" in mail.html
        assert mail.message["In-Reply-To"] == mail.message["References"] == confirmation.id
        assert mail.message["Auto-Submitted"] is None
    assert len({mail.id for mail in mails}) == 2
    assert not any("canary-of-a-note" in mail.text + mail.html for mail in shop.mails())
    kinds = [m["template"] for m in shop.api.get("/v1/messages", order=order["id"])["data"]]
    assert sorted(kinds) == ["order_confirmation", "staff_message", "staff_message"]
    shop.settle()
    shop.verify("--strict")
