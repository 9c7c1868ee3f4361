"""Whatever is sent, the answer is a 4xx with a code, a sentence and the field; nothing is written, nothing dies."""
import copy
import json
import pathlib
import re
import socket
import uuid

import pytest

import harness
from harness import money, wait_for

SECRET = "bad-input-secret"
SKU = "BAD-TEE"


@pytest.fixture(scope="module")
def shop(home):
    home.channel("bad-shopify", "shopify", SECRET)
    home.channel("bad-woo", "woocommerce", SECRET)
    harness.add_item(home, SKU)
    harness.add_stock(home, SKU, 10)
    home.pids_at_start = home.pids()
    return home


@pytest.fixture(scope="module")
def picker(shop):
    return shop.key("picker")


@pytest.fixture(scope="module")
def reader(shop):
    return shop.key("read_only")


# What a refused order may leave behind: stock was asked for it before it was looked at, and is given back.
ASKED_AND_GIVEN_BACK = re.compile(r"orders\.(event(_\d+)?|void_hold)|inventory\.(movement|hold|reservation)\w*")


@pytest.fixture(scope="module", autouse=True)
def nothing_is_written(shop, picker, reader):
    """Row by row, over all that this page sends."""
    shop.settle()
    rows, levels = shop.row_counts(), shop.api.get("/v1/levels", sku=SKU)
    yield
    wait_for(lambda: shop.api.get("/v1/levels", sku=SKU) == levels, message="stock was not given back")
    shop.settle()
    after = shop.row_counts()
    assert {t for t in after if after[t] != rows[t] and not ASKED_AND_GIVEN_BACK.fullmatch(t)} == set()
    shop.verify()


@pytest.fixture(autouse=True)
def nothing_dies(shop):
    yield
    assert all(pathlib.Path(f"/proc/{pid}").exists() for pid in shop.pids_at_start.values())


def refused(answer, status, code, field=None):
    """The answer is a refusal that a program and a person can act on."""
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers
    assert answer["status"] == status and answer["trace_id"], answer
    assert answer["code"] in ((code,) if isinstance(code, str) else code), answer
    assert len(answer["detail"].split()) > 2, answer
    if field is not None:
        assert answer["field"] == field, answer


def order(**changes):
    body = harness.order_body(SKU)
    body.update(changes)
    return body


def changed(path, value):
    """An order with one value changed: changed("lines.0.quantity", -1); ... as value takes the member away."""
    body = copy.deepcopy(harness.order_body(SKU))
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    at = body
    for step in way:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return body


# ---- not JSON ----

NOT_JSON = {
    "nothing": b"",
    "a word": b"order",
    "an unfinished object": b'{"channel": "web"',
    "an unfinished text": b'{"channel": "we',
    "two values": b'{"channel": "web"} {}',
    "a comma too many": b'{"channel": "web",}',
    "single quotes": b"{'channel': 'web'}",
    "a comment": b'{"channel": "web" /* the shop */}',
    "NaN": b'{"quantity": NaN}',
    "a bare minus": b'{"quantity": -}',
    "a leading zero": b'{"quantity": 01}',
    "a line end in a text": b'{"channel": "we\nb"}',
    "a lone surrogate": b'{"channel": "\\ud800"}',
    "a NUL in a text": b'{"channel": "we\\u0000b"}',
    "a byte that is no UTF-8": b'{"channel": "\xff"}',
    "an overlong slash": b'{"channel": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"channel": "\xed\xa0\x80"}',
    "a cut character": b'{"channel": "\xe9\x99"}',
    "a mark of byte order": b'\xef\xbb\xbf{"channel": "web"}',
    "a member twice": b'{"channel": "web", "channel": "web"}',
    "an array": b'[{"channel": "web"}]',
    "a number": b"1",
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_refused(shop, name):
    answer = shop.api.call("POST", "/v1/orders", NOT_JSON[name])
    assert answer.status == 400, answer
    assert answer["code"] and len(answer["detail"].split()) > 2, answer


def test_deep_nesting_is_refused(shop):
    for depth in (33, 1000, 100_000):
        for pair in (b"[]", b"{}"):
            opening = pair[:1] if pair == b"[]" else b'{"a":'
            body = b'{"lines": ' + opening * depth + (b"1" if pair == b"{}" else b"") + pair[1:] * depth + b"}"
            if len(body) > 1_000_000:
                continue
            answer = shop.api.call("POST", "/v1/orders", body)
            assert answer.status == 400 and answer["code"], answer


def test_a_huge_body_is_refused_before_it_is_read(shop):
    big = b'{"note": "' + b"x" * (1 << 20) + b'"}'
    refused(shop.client(shop.owner_key).call("POST", "/v1/orders", big), 413, "too_large")
    # Nobody sends 100 MB to be told no: the length alone is enough.
    host, port = shop.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as sock:
        sock.sendall(b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + shop.owner_key.encode() +
                     b"\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n{")
        assert sock.recv(4096).split(b" ")[1] == b"413"


def test_a_chunked_body_is_refused(shop):
    host, port = shop.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as sock:
        sock.sendall(b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n")
        assert sock.recv(4096).split(b" ")[1] == b"411"


# ---- not the right JSON ----

WRONG = {
    "a text for a number": ("lines.0.quantity", "1", "lines[0].quantity"),
    "a fraction for a count": ("lines.0.quantity", 1.5, "lines[0].quantity"),
    "a number for a text": ("channel", 7, "channel"),
    "a text for an object": ("customer", "陳大文", "customer"),
    "an object for a list": ("lines", {"sku": SKU}, "lines"),
    "a text for true or false": ("prices_include_tax", "yes", "prices_include_tax"),
    "an unknown word": ("stock_policy", "maybe", "stock_policy"),
    "an unknown member": ("colour", "red", "colour"),
    "an unknown member of a line": ("lines.0.colour", "red", "lines[0].colour"),
    "a number for an amount": ("lines.0.unit_price.amount", 120.00, "lines[0].unit_price.amount"),
    "an amount of words": ("lines.0.unit_price.amount", "many", "lines[0].unit_price.amount"),
    "an amount with an exponent": ("lines.0.unit_price.amount", "1e3", "lines[0].unit_price.amount"),
    "too many decimals": ("lines.0.unit_price.amount", "120.005", "lines[0].unit_price.amount"),
    "an unknown currency": ("lines.0.unit_price.currency", "XXQ", None),
    "no currency": ("lines.0.unit_price.currency", ..., None),
    "another currency": ("lines.0.unit_price.currency", "USD", None),
    "no lines": ("lines", [], "lines"),
    "no lines at all": ("lines", ..., "lines"),
    "a line of nothing": ("lines.0.quantity", 0, "lines[0].quantity"),
    "less than nothing": ("lines.0.quantity", -1, "lines[0].quantity"),
    "more than a million": ("lines.0.quantity", 1_000_001, "lines[0].quantity"),
    "a count beyond int64": ("lines.0.quantity", 10 ** 20, "lines[0].quantity"),
    "a price below nothing": ("lines.0.unit_price.amount", "-1.00", "lines[0].unit_price.amount"),
    "a price past the limit": ("lines.0.unit_price.amount", "99999999999999999.00", "lines[0].unit_price.amount"),
    "an unknown SKU": ("lines.0.sku", "NO-SUCH-SKU", "lines[0].sku"),
    "an empty SKU": ("lines.0.sku", "", "lines[0].sku"),
    "a SKU of a kilometre": ("lines.0.sku", "A" * 5000, None),
    "an unknown channel": ("channel", "nowhere", "channel"),
    "an address that is none": ("customer.email", "tm at example.com", "customer.email"),
    "a line end in a name": ("customer.name", "陳\r\nBcc: x@example.com", "customer.name"),
    "a country that is none": ("shipping_address.country", "Hong Kong", "shipping_address.country"),
    "a payment below nothing": ("payments.0.amount.amount", "-5.00", "payments[0].amount.amount"),
    "an unknown state of payment": ("payments.0.status", "perhaps", "payments[0].status"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_and_named(shop, name):
    path, value, field = WRONG[name]
    answer = shop.api.call("POST", "/v1/orders", changed(path, value))
    assert answer.status in (400, 404, 409, 422), answer
    refused(answer, answer.status, answer["code"], field)
    if "SKU" in name and value == "NO-SUCH-SKU":
        assert answer["code"] == "unknown_sku"


def test_amounts_that_overflow_together_are_refused(shop):
    dear = {"sku": SKU, "quantity": 10, "unit_price": money("9999999999999.99")}
    answer = shop.api.call("POST", "/v1/orders", order(lines=[dear], payments=[], stock_policy="accept"))
    refused(answer, 400, "amount_too_large", "lines[0].unit_price.amount")
    near = {"sku": SKU, "quantity": 1, "unit_price": money("9999999999999.99")}
    answer = shop.api.call("POST", "/v1/orders", order(lines=[near] * 2, payments=[], stock_policy="accept"))
    refused(answer, 400, "amount_too_large")


def test_too_many_lines_are_refused(shop):
    one = {"sku": SKU, "quantity": 1, "unit_price": money("1.00")}
    refused(shop.api.call("POST", "/v1/orders", order(lines=[one] * 501, payments=[])), 400, "too_many", "lines")


def test_more_than_there_is_is_refused_with_the_line_named(shop):
    wait_for(lambda: harness.level(shop, SKU)["available"] == 10)  # what was refused before this is back
    body = harness.order_body(SKU, 11)
    answer = shop.api.call("POST", "/v1/orders", body)
    refused(answer, 409, "insufficient_stock", "lines[0].quantity")
    assert harness.level(shop, SKU)["available"] == 10


# ---- keys, routes, parameters ----

def test_stock_and_money_need_an_idempotency_key(shop):
    for path, body in (("/v1/orders", order()),
                       ("/v1/adjustments", {"location": "hk-main", "sku": SKU, "delta": 1, "reason": "received"}),
                       ("/v1/reservations", {"lines": [{"sku": SKU, "quantity": 1}]})):
        refused(shop.api.call("POST", path, body, idempotency=False), 400, "idempotency_key_required")
    for key in ("x" * 300, "a\tb", ""):
        answer = shop.api.call("POST", "/v1/orders", order(), headers={"Idempotency-Key": key}, idempotency=False)
        assert answer.status == 400, answer


def test_who_is_nobody_is_told_so(shop):
    for headers in ({}, {"Authorization": "Bearer nothing"}, {"Authorization": "Basic eDp4"},
                    {"Authorization": "Bearer " + shop.owner_key[:-1] + "x"}, {"Authorization": "Bearer " + "k" * 4000}):
        answer = shop.client().call("POST", "/v1/orders", order(), headers=headers)
        refused(answer, 401, "unauthenticated")
        refused(shop.client().call("GET", "/v1/orders", headers=headers), 401, "unauthenticated")


def test_who_may_only_read_or_pick_writes_no_order(shop, picker, reader):
    for key in (picker, reader):
        refused(shop.client(key).call("POST", "/v1/orders", order()), 403, "forbidden")
    assert shop.client(reader).call("GET", "/v1/orders").status == 200
    refused(shop.client(picker).call("GET", "/v1/orders"), 403, "forbidden")


def test_addresses_that_are_none_are_told(shop):
    refused(shop.api.call("GET", "/v1/nothing"), 404, "not_found")
    refused(shop.api.call("GET", "/v1/orders/not-an-order"), 404, "not_found")
    refused(shop.api.call("GET", f"/v1/orders/{uuid.uuid4()}"), 404, "not_found")
    assert shop.api.call("PUT", "/v1/orders", {}).status == 405
    for path in ("/v1/orders/%00", "/v1/orders/..%2f..%2fetc%2fpasswd", "/v1/orders/" + "9" * 3000):
        assert shop.client(shop.owner_key).call("GET", path).status in (400, 404, 414), path


PARAMETERS = {
    "an unknown one": ("/v1/orders?colour=red", "colour"),
    "one twice": ("/v1/orders?limit=1&limit=2", "limit"),
    "a limit of words": ("/v1/orders?limit=many", "limit"),
    "a limit past 200": ("/v1/orders?limit=201", "limit"),
    "a limit below one": ("/v1/messages?limit=-1", "limit"),
    "an unknown word": ("/v1/messages?status=lost", "status"),
    "a cursor of one's own": ("/v1/orders?cursor=%27%20OR%201=1", "cursor"),
    "another cursor of one's own": ("/v1/messages?cursor=!!", "cursor"),
    "a moment that is none": ("/v1/levels?at=yesterday", "at"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_wrong_parameter_is_refused_and_named(shop, name):
    path, field = PARAMETERS[name]
    answer = shop.api.call("GET", path)
    refused(answer, 400, answer["code"], field)


# ---- webhooks ----

def test_a_bad_signature_stores_nothing(shop):
    body = json.dumps({"id": 1, "currency": "HKD"}).encode()
    good = harness.sign(SECRET, body)
    for signature in ("", "x", good[:-4] + "AAA=", harness.sign("another secret", body), good + "A" * 200, good[:-1],
                      harness.sign(SECRET, body + b" "), "=" * 44):
        answer = harness.post_shopify(shop, "bad-shopify", SECRET, "orders/create", body, Hmac_Sha256=signature)
        assert answer.status == 401, (signature, answer)
        answer = harness.post_woocommerce(shop, "bad-woo", SECRET, "order.created", body, Signature=signature)
        assert answer.status == 401, (signature, answer)
    unsigned = shop.client().send("POST", "/hooks/bad-shopify", body, {"X-Shopify-Topic": "orders/create"})
    assert unsigned.status == 401
    assert shop.client().send("POST", "/hooks/nowhere", body, {}).status == 404
    assert shop.client().send("POST", "/hooks/web", body, {}).status == 404


def test_a_huge_delivery_is_refused(shop):
    body = b'{"note": "' + b"x" * (2 << 20) + b'"}'
    assert harness.post_shopify(shop, "bad-shopify", SECRET, "orders/create", body).status == 413
