"""Every sample of what Shopify and WooCommerce really send: one right effect, or parked with a clear reason.

Each sample goes to a channel of its own, signed as the channel signs, as it is; orders inside of wrappers and lists are
posted by themselves too, byte for byte. Posted again, under old and new ids and in any sequence, nothing changes.
"""
import json
import random
import uuid

import pytest

import harness
from harness import SAMPLES, money, wait_for

SECRET = "samples-secret"
TOPICS = {"fulfillment": "fulfillments/create", "refund": "refunds/create", "inventory_levels": "inventory_levels/update",
          "fulfillment_orders": "fulfillment_orders/placed_on_hold"}

if not SAMPLES.is_dir():
    pytest.skip(f"the samples are not here: {SAMPLES}", allow_module_level=True)


class Sample:
    """One body to post, and what it must become."""

    def __init__(self, kind, name, body, index=None):
        self.kind, self.body = kind, body
        stem = name.removesuffix(".json").replace("_", "-").replace(".", "-")
        self.name = stem if index is None else f"{stem}-{index}"
        self.channel = f"s{abs(hash_of(self.name)) % 10**9}"
        self.event = str(uuid.uuid4())
        content = json.loads(body)
        self.order = content if isinstance(content, dict) and "line_items" in content else None
        if isinstance(content, dict) and isinstance(content.get("order"), dict):
            self.order = content["order"]
        self.topic = "order.updated" if kind == "woocommerce" else "orders/updated"
        for member, topic in TOPICS.items():
            if kind == "shopify" and isinstance(content, dict) and member in content:
                self.topic = topic

    @property
    def is_test(self):
        return bool(self.order and self.order.get("test"))

    def post(self, home, event=None):
        event = event or self.event
        if self.kind == "shopify":
            return harness.post_shopify(home, self.channel, SECRET, self.topic, self.body, Event_Id=event)
        return harness.post_woocommerce(home, self.channel, SECRET, self.topic, self.body, Delivery_ID=event)


def hash_of(text):
    value = 5381
    for character in text:
        value = (value * 33 + ord(character)) % 2**61
    return value


def inner_orders(text):
    """The bytes of each order inside of {"order": ...}, {"orders": [...]}, {"create": [...]}, {"update": [...]}."""
    content, decoder = json.loads(text), json.JSONDecoder()
    for member in ("order", "orders", "create", "update"):
        if not isinstance(content, dict) or member not in content:
            continue
        at = text.index(f'"{member}"') + len(member) + 2
        while text[at] not in "{[":
            at += 1
        if text[at] == "{":
            yield text[at:decoder.raw_decode(text, at)[1]]
            continue
        while text[at] != "]":
            at += 1
            if text[at] == "{":
                end = decoder.raw_decode(text, at)[1]
                yield text[at:end]
                at = end


def read_samples():
    found = []
    for kind in ("shopify", "woocommerce"):
        for path in sorted((SAMPLES / kind).glob("*.json")):
            found.append(Sample(kind, path.name, path.read_bytes()))
            for index, order in enumerate(inner_orders(path.read_text())):
                found.append(Sample(kind, path.name, order.encode(), index))
    assert len({s.channel for s in found}) == len(found)
    return found


@pytest.fixture(scope="module")
def samples(home):
    """All samples, each posted once, with what became of it."""
    found = read_samples()
    for sample in found:
        home.channel(sample.channel, sample.kind, SECRET)
    for sample in found:
        answer = sample.post(home)
        assert answer.status == 200, (sample.name, answer)
    home.settle(60)
    for sample in found:
        sample.deliveries = home.api.get("/v1/inbox", channel=sample.channel)["data"]
        sample.orders = home.api.get("/v1/orders", channel=sample.channel)["data"]
    return found


def total_of(sample):
    order = sample.order
    return money(order.get("total_price") or order["total"], order["currency"])


def test_each_sample_has_one_effect_or_a_reason(samples):
    report = []
    for sample in samples:
        assert len(sample.deliveries) == 1, (sample.name, sample.deliveries)
        delivery, = sample.deliveries
        report.append(f"{sample.kind:12} {sample.name:58} {delivery['status']:8} {delivery['effect'] or ''} "
                      f"{delivery['reason_code'] or ''}: {delivery['reason'] or ''}")
        if delivery["status"] == "done":
            assert len(sample.orders) == 1, sample.name
            assert sample.orders[0]["external_id"] == str(sample.order["id"])
            assert not sample.is_test
        else:
            assert delivery["status"] in ("parked", "ignored"), (sample.name, delivery)
            assert sample.orders == [], sample.name
            assert delivery["reason_code"] and len(delivery["reason"].split()) > 3, (sample.name, delivery)
    print("\n".join(report))


def test_money_is_equal_to_the_cent(samples):
    compared = 0
    for sample in samples:
        for order in sample.orders:
            assert order["total"] == total_of(sample), (sample.name, order["total"], total_of(sample))
            if sample.order.get("current_total_price"):
                stated = money(sample.order["current_total_price"], sample.order["currency"])
                assert order["current_total"] == stated, (sample.name, order["current_total"], stated)
            compared += 1
    assert compared >= 5, "hardly any sample became an order"


def test_a_test_makes_no_order(samples):
    tests = [s for s in samples if s.is_test]
    assert tests
    for sample in tests:
        assert sample.orders == [] and sample.deliveries[0]["status"] == "ignored", (sample.name, sample.deliveries)


def test_what_is_no_order_says_so(samples):
    for sample in samples:
        if sample.order is None:
            assert sample.deliveries[0]["status"] in ("parked", "ignored"), (sample.name, sample.deliveries)
            assert sample.orders == []


def test_unknown_skus_are_kept_with_a_hold(home, samples):
    for sample in samples:
        for order in sample.orders:
            full = home.api.get(f"/v1/orders/{order['id']}")
            if full["status"] == "cancelled" or full["fulfillment_status"] == "fulfilled":
                continue
            unmatched = [line for line in full["lines"] if not line["is_custom"] and line["quantity"] > line["cancelled"]]
            held = [hold["type"] for hold in full["holds"]]
            assert not unmatched or "unmatched_item" in held, (sample.name, held)


def snapshot(home, samples):
    orders = {s.name: [home.api.get(f"/v1/orders/{o['id']}") for o in s.orders] for s in samples}
    rows = {table: count for table, count in home.row_counts().items() if not table.startswith("gateway.")}
    return orders, rows


def test_posted_again_in_any_sequence_nothing_changes(home, samples):
    before = snapshot(home, samples)
    seed = random.randrange(10**6)
    print("seed", seed)
    shuffle = random.Random(seed)
    for again in range(3):
        shuffle.shuffle(samples)
        for sample in samples:
            # The same delivery, and the same content under a new id.
            event = sample.event if again == 0 else str(uuid.uuid4())
            assert sample.post(home, event).status == 200
    home.settle(60)
    after = snapshot(home, samples)
    assert after[0] == before[0]
    assert after[1] == before[1]
    for sample in samples:
        again = home.api.pages("/v1/inbox", channel=sample.channel)
        first = sample.deliveries[0]
        assert any(d["id"] == first["id"] and d["status"] == first["status"] for d in again), sample.name


def test_a_parked_delivery_can_be_replayed_and_says_the_same(home, samples):
    parked = next(s for s in samples if s.deliveries[0]["status"] == "parked")
    first = parked.deliveries[0]
    home.api.post(f"/v1/inbox/{first['id']}/replay")
    again = wait_for(lambda: [d for d in home.api.get("/v1/inbox", channel=parked.channel)["data"]
                              if d["id"] == first["id"] and d["attempts"] > first["attempts"]])[0]
    assert (again["status"], again["reason_code"]) == ("parked", first["reason_code"])


def test_a_signature_of_another_shop_is_refused(home, samples):
    sample = samples[0]
    post = harness.post_shopify if sample.kind == "shopify" else harness.post_woocommerce
    assert post(home, sample.channel, "another secret", sample.topic, sample.body).status == 401


def test_the_whole_is_clean(home, samples):
    home.verify()
