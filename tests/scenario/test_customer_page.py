"""The customer's own page: by a signed link, or by number, telephone number and a code that comes by mail."""
import html.parser
import http.client
import re
import urllib.parse
import uuid

import pytest

import harness
from harness import wait_for

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def shop(home):
    harness.add_item(home, "PAGE-TEE", "純棉T恤 <M>")
    harness.add_stock(home, "PAGE-TEE", 500)
    return home


class Visitor:
    """A browser at an address of its own on the loopback network."""

    def __init__(self, shop, address):
        self.shop, self.address = shop, address

    def send(self, method, path, form=None, **headers):
        host, port = self.shop.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=20, source_address=(self.address, 0))
        try:
            body = urllib.parse.urlencode(form) if form is not None else None
            connection.request(method, path, body, {**(FORM if form is not None else {}), **headers})
            answer = connection.getresponse()
            return harness.Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.send("GET", path, **headers)

    def post(self, path, **form):
        return self.send("POST", path, form)


def place(shop, **more):
    return shop.api.post("/v1/orders", harness.order_body("PAGE-TEE", **more), status=201)


def link(shop, order):
    return shop.api.post(f"/v1/orders/{order['id']}/link")["url"].replace(f"http://{shop.address}", "")


def text_of(answer):
    return answer.body.decode()


class Checker(html.parser.HTMLParser):
    """Every element closed, every id once, every input labelled, nothing loaded and nothing run."""
    VOID = {"meta", "link", "br", "input", "img"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.labels, self.fields = [], [], set(), []
        self.feed(text)
        assert self.open == [] and len(self.ids) == len(set(self.ids)), (self.open, self.ids)
        assert set(self.fields) <= self.labels, (self.fields, self.labels)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert tag not in ("script", "iframe", "img", "object", "link"), tag
        assert not [name for name in attrs if name.startswith("on") or name in ("src", "style")], attrs
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "label":
            self.labels.add(attrs["for"])
        if tag == "textarea" or tag == "input" and attrs.get("type") != "hidden":
            self.fields.append(attrs["id"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


def test_a_link_shows_the_order_and_hides_the_person(shop):
    order = place(shop, shipping_remark="放在管理處\n謝謝", shipping_address={
        "name": "陳大文", "phone": "+85291234567", "address1": "觀塘道 1 號創紀之城五期", "address2": "18 樓 1801 室",
        "city": "觀塘", "country": "HK"})
    shop.api.post(f"/v1/orders/{order['id']}/notes", {"body": "canary: a difficult customer"})
    shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": "您好 <b>\n明天出貨"})
    answer = Visitor(shop, "127.0.0.1").get(link(shop, order))
    page = text_of(answer)
    Checker(page)
    assert answer.status == 200
    for shown in (f"訂單 {order['number']}", "已付款", "未出貨", "純棉T恤 &lt;M&gt;", "HK$120.00", "陳**", "••••4567",
                  "t***@example.com", "放在管理處<br>謝謝", "您好 &lt;b&gt;<br>明天出貨"):
        assert shown in page, shown
    for hidden in ("陳大文", "9123", "tm@example", "五期", "1801", "canary", "key:"):
        assert hidden not in page, hidden
    assert 'lang="zh-Hant"' in page and "Not shipped" not in page
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    nonce = re.search("style-src 'nonce-([^']+)'", policy)[1]
    assert f'<style nonce="{nonce}">' in page
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_the_page_speaks_the_orders_language_or_the_one_that_is_chosen(shop):
    visitor = Visitor(shop, "127.0.0.1")
    chinese, english, other = place(shop), place(shop, locale="en"), place(shop, locale="fr")
    assert "未出貨" in text_of(visitor.get(link(shop, chinese), **{"Accept-Language": "en"}))
    assert "Not shipped yet" in text_of(visitor.get(link(shop, english), **{"Accept-Language": "zh-TW"}))
    assert "Not shipped yet" in text_of(visitor.get(link(shop, chinese) + "?lang=en"))
    assert "Not shipped yet" in text_of(visitor.get(link(shop, other), **{"Accept-Language": "fr, en;q=0.7, zh;q=0.3"}))
    assert "未出貨" in text_of(visitor.get(link(shop, other), **{"Accept-Language": "fr"}))


def test_a_link_that_is_not_good_says_one_thing_whatever_is_wrong(shop):
    visitor, order = Visitor(shop, "127.0.0.1"), place(shop)
    good = link(shop, order)
    assert visitor.get(good).status == 200
    token = good.removeprefix("/o/")
    wrong = [f"/o/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}", f"/o/{token}A", "/o/x", f"/o/{order['id']}"]
    shop.api.delete(f"/v1/orders/{order['id']}/link")
    pages = {re.sub(r'nonce="[^"]*"', "", text_of(answer)) for answer in map(visitor.get, wrong + [good])
             if answer.status == 404}
    assert len(pages) == 1 and "連結已失效" in pages.pop()
    assert visitor.get(good).status == 404
    assert visitor.get(link(shop, order)).status == 200  # a new one is
    assert visitor.post(good, body="x").status == 404
    types = [entry["type"] for entry in shop.api.pages(f"/v1/orders/{order['id']}/timeline")]
    assert "links_revoked" in types


def test_what_a_customer_writes_is_in_the_message_centre_once(shop):
    visitor, order = Visitor(shop, "127.0.0.2"), place(shop)
    where, nonce = link(shop, order), uuid.uuid4().hex
    body = "可以改寄到公司嗎？\r\n<script>alert(1)</script>"
    for _ in range(2):
        answer = visitor.post(where, body=body, nonce=nonce)
        assert answer.status == 303 and answer.headers["Location"] == f"{where}?sent=1#messages"
    page = text_of(visitor.get(f"{where}?sent=1"))
    Checker(page)
    assert "訊息已送出" in page and page.count("&lt;script&gt;") == 1
    thread = shop.api.get(f"/v1/orders/{order['id']}/thread")
    assert (thread["unread"], thread["messages"], thread["last_message"]["direction"]) == (1, 1, "customer")
    assert thread["last_message"]["body"] == "可以改寄到公司嗎？\n<script>alert(1)</script>"
    assert thread["last_message"]["author"] == f"customer:{order['number']}"
    before = shop.api.get("/v1/threads/counts")
    assert order["id"] in [t["order_id"] for t in shop.api.get("/v1/threads", unread="true")["data"]]
    shop.api.post(f"/v1/orders/{order['id']}/thread/read")
    after = shop.api.get("/v1/threads/counts")
    assert after["unread_messages"] == before["unread_messages"] - 1
    assert order["id"] not in [t["order_id"] for t in shop.api.get("/v1/threads", unread="true")["data"]]
    assert shop.api.post(f"/v1/orders/{order['id']}/thread/unread")["unread"] == 1
    shop.api.post(f"/v1/orders/{order['id']}/thread/close")
    visitor.post(where, body="再問一下", nonce=uuid.uuid4().hex)
    thread = shop.api.get(f"/v1/orders/{order['id']}/thread")
    assert (thread["status"], thread["unread"]) == ("open", 2)
    # An answer of the shop says that all was read; the customer's own words go to nobody by mail.
    shop.api.post(f"/v1/orders/{order['id']}/messages", {"body": "可以的。"})
    assert shop.api.get(f"/v1/orders/{order['id']}/thread")["unread"] == 0
    shop.settle()
    sent = [m for m in shop.api.get("/v1/messages", order=order["id"])["data"] if m["template"] == "staff_message"]
    assert len(sent) == 1
    shop.verify("--strict")


def test_what_cannot_be_sent_stays_in_the_form(shop):
    visitor, order = Visitor(shop, "127.0.0.3"), place(shop)
    where = link(shop, order)
    long = "第一行\n" + "字" * 2000
    answer = visitor.post(where, body=long, nonce="n")
    page = text_of(answer)
    Checker(page)
    assert answer.status == 422 and "最多 2,000 字" in page
    assert re.search(r"<textarea[^>]*>\n?(.*)</textarea>", page, re.S)[1] == long
    assert visitor.post(where, body=" \n ", nonce="m").status == 422
    assert visitor.send("POST", where, {"body": "x"}, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert visitor.post(where, body="x" * 40000).status == 413
    assert visitor.send("DELETE", where).status == 405
    assert shop.api.call("GET", f"/v1/orders/{order['id']}/thread").status == 404


def code_of(shop, order, count=1):
    def all_there():
        found = [m for m in shop.mails() if order["number"] in m.subject and "驗證碼" in m.subject]
        return found if len(found) >= count else None
    mails = wait_for(all_there)
    assert len(mails) == count
    codes = [re.search(r"\b(\d{6})\b", mail.text)[1] for mail in mails]
    assert all(f">{code}<" in mail.html and code in mail.subject for code, mail in zip(codes, mails))
    return codes


def bare(answer):
    return re.sub(r'(nonce|value)="[^"]*"', "", text_of(answer))


def test_number_telephone_and_code_lead_to_the_page(shop):
    visitor, order = Visitor(shop, "127.0.0.4"), place(shop)
    form = {"number": f" #{order['number'].lower()} ", "phone": "9123-4567"}
    Checker(text_of(visitor.get("/track", **{"Accept-Language": "zh-HK"})))
    asked = visitor.post("/track?lang=zh-Hant", **form)
    Checker(text_of(asked))
    [code] = code_of(shop, order)
    wrong = str((int(code) + 1) % 1000000).zfill(6)
    answer = visitor.post("/track?lang=zh-Hant", code=wrong, **form)
    assert answer.status == 422 and "驗證碼不正確" in text_of(answer)
    answer = visitor.post("/track", code=f"{code[:3]} {code[3:]}", **form)
    assert answer.status == 303
    assert f"訂單 {order['number']}" in text_of(visitor.get(answer.headers["Location"]))
    assert visitor.post("/track", code=code, **form).status == 422  # once
    shop.settle()
    shop.verify("--strict")


def test_no_such_order_is_answered_as_any_other(shop):
    visitor, order = Visitor(shop, "127.0.0.5"), place(shop)
    asked = [visitor.post("/track?lang=en", number=number, phone=phone)
             for number, phone in ((order["number"], "91234567"), (order["number"], "91234568"),
                                   ("WEB-999999", "91234567"), (str(uuid.uuid4()), "0"))]
    assert {answer.status for answer in asked} == {200} and len({bare(answer) for answer in asked}) == 1
    tried = [visitor.post("/track?lang=en", number=number, phone="91234567", code="1")
             for number in (order["number"], "WEB-999999")]
    assert {answer.status for answer in tried} == {422} and len({bare(answer) for answer in tried}) == 1
    code_of(shop, order)
    # One row for each question, whatever it found.
    assert shop.rows("SELECT count(*) FROM orders.order_lookup WHERE order_id IS NULL AND requests > 0")[0][0] >= 3


def test_codes_and_tries_run_out(shop):
    order = place(shop)
    form = {"number": order["number"], "phone": "91234567"}
    for n in range(7):
        Visitor(shop, f"127.0.1.{n + 1}").post("/track", **form)
    shop.settle()
    asked = [m for m in shop.api.get("/v1/messages", order=order["id"])["data"] if m["template"] == "order_code"]
    assert len(asked) == 5
    # A code that another has taken the place of before its mail was written is not sent at all.
    wait_for(lambda: all(m["status"] in ("sent", "suppressed") for m in shop.api.get(
        "/v1/messages", order=order["id"])["data"]))
    codes = {re.search(r"\b(\d{6})\b", m.text)[1] for m in shop.mails()
             if order["number"] in m.subject and "驗證碼" in m.subject}
    visitor = Visitor(shop, "127.0.1.20")
    for n in range(5):
        assert visitor.post("/track", code="abcdef", **form).status == 422
    assert codes and all(visitor.post("/track", code=code, **form).status == 422 for code in codes)


def test_one_address_sends_so_many_forms_and_another_goes_on(shop):
    visitor = Visitor(shop, "127.0.2.1")
    statuses = [visitor.post("/track", number=f"WEB-{n}", phone="1").status for n in range(22)]
    assert statuses[:20] == [200] * 20 and 429 in statuses[20:]
    answer = visitor.post("/track", number="WEB-1", phone="1")
    assert answer.status == 429 and int(answer.headers["Retry-After"]) > 1
    assert visitor.get("/track").status == 200
    assert Visitor(shop, "127.0.2.2").post("/track", number="WEB-1", phone="1").status == 200


def test_an_order_takes_twenty_messages_an_hour_from_its_customer(shop):
    order = place(shop)
    where = link(shop, order)
    statuses = [Visitor(shop, f"127.0.3.{n % 2 + 1}").post(where, body=f"{n}").status for n in range(22)]
    assert statuses == [303] * 20 + [429] * 2


def test_mails_link_to_the_page_of_their_order(shop):
    order = place(shop)
    mail = wait_for(lambda: [m for m in shop.mails() if order["number"] in m.subject])[0]
    urls = set(re.findall(rf"http://{re.escape(shop.address)}(/o/[\w-]+)", mail.text))
    assert len(urls) == 1 and f'href="http://{shop.address}{[*urls][0]}"' in mail.html
    assert f"訂單 {order['number']}" in text_of(Visitor(shop, "127.0.0.1").get(urls.pop()))
