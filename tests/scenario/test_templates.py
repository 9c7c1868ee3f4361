"""The shop's own texts of mails, and which mails are sent at all."""
import re

import pytest

import harness
from harness import wait_for

TEXT = "/v1/templates/refund/en/text"


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "TPL-TEE", "Cotton tee")
    harness.add_stock(home, "TPL-TEE", 500)
    yield home
    for template in home.api.get("/v1/templates")["data"]:
        if template["is_changed"]:
            home.api.delete("/v1/templates/{type}/{locale}/{part}".format(**template))
    for setting in home.api.get("/v1/notification-settings")["data"]:
        if not setting["email"]:
            switch(home, setting["type"], setting["channel"], True)


def place(shop, **more):
    return shop.api.post("/v1/orders", harness.order_body("TPL-TEE", **{"locale": "en", **more}), status=201)


def put(shop, path, body, status=200):
    answer = shop.api.call("PUT", path, {"body": body})
    assert answer.status == status, answer
    return answer.json


def switch(shop, kind, channel, email):
    answer = shop.api.call("PATCH", "/v1/notification-settings", {"type": kind, "channel": channel, "email": email})
    assert answer.status == 200, answer
    return answer.json


def mail_of(shop, order, word=""):
    return wait_for(lambda: [m for m in shop.mails() if order["number"] in m.subject and word in m.subject])[0]


def test_every_part_of_every_letter_is_there_with_its_text(shop):
    listed = shop.api.get("/v1/templates")["data"]
    assert len(listed) == 6 * 2 * 2 and not any(t["is_changed"] or t["body"] for t in listed)
    for template in listed:
        whole = shop.api.get("/v1/templates/{type}/{locale}/{part}".format(**template))
        assert whole["body"] == whole["original_body"] and len(whole["body"]) > 50
    assert shop.api.call("GET", "/v1/templates/refund/fr/text").status == 404
    assert shop.api.call("GET", "/v1/templates/test/en/text").status == 404
    assert shop.api.call("GET", f"{TEXT}?version=3").status == 404


def test_what_is_wrong_with_a_template_is_told_by_its_line(shop):
    for body, said in (("Hello\n", "line 1"), ("Subject: x\n\n{{nmber}}\n", "line 3: there is no field {{nmber}}"),
                       ("Subject: x\n\n{{#lines}}\n{{name}}\n", "line 3: a section does not end"), ("Subject: x\n{{> _nothing.txt}}", "line 2")):
        answer = shop.api.call("PUT", TEXT, {"body": body})
        assert (answer.status, answer["code"], answer["field"]) == (400, "invalid_template", "body"), answer
        assert said in answer["detail"], answer
    html = "{{> _head.html}}\n<tr><td>\n{{nmber}}</td></tr>\n{{> _foot.html}}\n"
    assert "line 3" in shop.api.call("PUT", "/v1/templates/refund/en/html", {"body": html})["detail"]
    assert shop.api.call("PUT", TEXT, {"body": ""}).status == 400
    assert not shop.api.get(TEXT)["is_changed"]


def test_a_shops_own_text_is_used_from_the_next_mail_on_and_can_be_taken_back(shop):
    path = "/v1/templates/order_confirmation/en/text"
    original = shop.api.get(path)["body"]
    first = put(shop, path, "Subject: Hurray, {{number}}\n\n{{#lines}}\n* {{name}}\n{{/lines}}\n")
    assert (first["version"], first["is_changed"], first["original_body"]) == (1, True, original)
    assert put(shop, path, first["body"])["version"] == 1  # it says so already
    mail = mail_of(shop, place(shop))
    assert mail.subject.startswith("Hurray, ") and "* Cotton tee" in mail.text and "Thank you" in mail.html
    second = put(shop, path, "Subject: Thanks for {{number}}\n\nx\n")
    assert second["version"] == 2 and mail_of(shop, place(shop)).subject.startswith("Thanks for ")
    assert shop.api.get(path, version=1)["body"] == first["body"]
    back = shop.api.call("DELETE", path).json
    assert (back["version"], back["is_changed"], back["body"]) == (3, False, original)
    assert mail_of(shop, place(shop)).subject.startswith("We have received")
    versions = shop.api.pages(f"{path}/versions", limit=2)
    assert [(v["version"], v["is_changed"]) for v in versions] == [(3, False), (2, True), (1, True)]
    assert versions[1]["body"] == second["body"] and versions[1]["updated_by"].startswith("key:")


@pytest.mark.parametrize("kind", ["order_confirmation", "shipment", "refund", "staff_message", "order_code", "order_edited"])
def test_a_preview_reads_as_a_mail_about_a_real_order_would(shop, kind):
    order = place(shop, customer={"name": "Lee <K.>", "email": "lee@example.com"})
    for part in ("text", "html"):
        preview = shop.api.post(f"/v1/templates/{kind}/en/{part}/preview", {"order": order["number"]}, status=200)
        assert order["number"] in preview["body"] + (preview["subject"] or "") and "{{" not in preview["body"]
        # Whoever looks at a template gets no link that opens the order.
        assert all(token == "preview" for token in re.findall(r"/o/([\w-]+)", preview["body"]))
        assert (preview["subject"] is None) == (part == "html")
    body = "Subject: {{number}}!\n\nDear {{customer_name}}"
    draft = shop.api.post(f"/v1/templates/{kind}/zh-Hant/text/preview", {"order": order["id"], "body": body}, status=200)
    assert draft == {"subject": f"{order['number']}!", "body": "Dear Lee <K.>"}
    answer = shop.api.call("POST", f"/v1/templates/{kind}/en/text/preview", {"order": "WEB-9", "body": body})
    assert (answer.status, answer["field"]) == (404, "order")


def test_a_test_mail_goes_to_whom_it_is_sent_and_not_to_the_customer(shop):
    order = place(shop)
    mail_of(shop, order, "received")
    sent = shop.api.post("/v1/templates/shipment/zh-Hant/test", {"order": order["number"], "to": "me@shop.example"},
                         status=200)
    mail = mail_of(shop, order, "寄出")
    assert mail.to == ["me@shop.example"] and "SF0123456789012" in mail.text and "Cotton tee" in mail.html
    listed = wait_for(lambda: [m for m in shop.api.get("/v1/messages", order=order["id"])["data"]
                               if m["template"] == "test" and m["status"] == "sent"])
    assert [m["id"] for m in listed] == [sent["message_id"]] and listed[0]["recipient_masked"] == "m***@shop.example"
    assert shop.api.call("POST", "/v1/templates/shipment/en/test", {"order": order["number"], "to": "x"})["field"] == "to"
    shop.settle()
    shop.verify("--strict")


def test_mails_of_a_type_are_switched_off_for_all_channels_or_one(shop):
    settings = shop.api.get("/v1/notification-settings")["data"]
    assert [(s["type"], s["channel"]) for s in settings if s["email"]][:4] == [
        ("order_confirmation", None), ("shipment", None), ("refund", None), ("staff_message", None)]
    switch(shop, "order_confirmation", "", False)
    switch(shop, "order_confirmation", "elsewhere", True)
    order = place(shop)
    message = wait_for(lambda: [m for m in shop.api.get("/v1/messages", order=order["id"])["data"]
                                if m["status"] == "suppressed"])[0]
    assert message["last_error"] == "not_sent_by_the_shop"
    # What else is written about the order goes out all the same: it is the shop that is silent, not the customer.
    shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": "Hello"})
    assert mail_of(shop, order, "About")
    switch(shop, "order_confirmation", "web", True)
    assert mail_of(shop, place(shop), "received")
    switch(shop, "order_confirmation", "", True)
    switch(shop, "order_confirmation", "web", False)
    order = place(shop)
    wait_for(lambda: [m for m in shop.api.get("/v1/messages", order=order["id"])["data"] if m["status"] == "suppressed"])
    answer = shop.api.call("PATCH", "/v1/notification-settings", {"type": "order_code", "email": False})
    assert (answer.status, answer["code"]) == (409, "always_sent")
    switch(shop, "order_confirmation", "web", True)
    shop.settle()
    shop.verify("--strict")
