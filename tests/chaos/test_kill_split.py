"""A split, an unsplit and a shared parcel have their whole effect or none, once, whatever dies meanwhile.

Six clerks live stories 2 and 13 with orders of their own while services and PostgreSQL are killed: a preorder is split off,
sometimes put back, paid for on any member, and what is there ships; two orders share a parcel, and one of them may be
cancelled. Each step is asked for until it has an answer. Afterwards the preorders land, everything ships, and the books
and the logs agree.

    pytest tests/chaos/test_kill_split.py --kills 100 --seed 42        (or KILLS and SEED in the environment)
"""
import decimal
import http.client
import random
import threading
import time
import uuid

import pytest

import harness
from harness import money, wait_for
from test_kill import figure, kill_at_random

CLERKS = 6
NOW, LATER = "PART-NOW", "PART-LATER"


@pytest.fixture
def home(tmp_path):
    made = harness.Home()
    try:
        made.start()
        harness.add_location(made)
        harness.add_item(made, NOW, price="33.33")
        harness.add_stock(made, NOW, 100_000)
        made.api.post("/v1/items", {"sku": LATER, "name": LATER, "price": money("10.01"), "selling_ahead": "preorder",
                                    "ahead_limit": 1_000_000, "promised_at": "2027-03-01T00:00:00Z"}, status=201)
        yield made
    finally:
        made.close()


def amount(value):
    return decimal.Decimal(value["amount"])


class Clerk(threading.Thread):
    """One order after the other, each step under one key until it has an answer."""

    def __init__(self, home, number, seed, stop):
        super().__init__(daemon=True)
        self.client = home.client(home.owner_key)
        self.random = random.Random(seed * 1000 + number)
        self.number, self.stop_asked = number, stop
        self.families, self.alone, self.shared, self.counts = [], [], [], {}
        self.wrong = None

    def ask(self, method, path, body=None, query=None):
        key = str(uuid.uuid4())
        while True:
            try:
                answer = self.client.call(method, path, body, idempotency=key, query=query)
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status in (200, 201, 409):
                return answer
            assert answer is None or answer.status in (429, 500, 502, 503, 504), answer
            time.sleep(0.05)

    def post(self, path, body):
        answer = self.ask("POST", path, body)
        self.counts[path.rsplit("/", 1)[1]] = self.counts.get(path.rsplit("/", 1)[1], 0) + 1
        assert answer.status in (200, 201), (path, body, answer)
        return answer.json

    def place(self, later, **more):
        lines = [{"sku": NOW, "quantity": self.random.randint(2, 4), "unit_price": money("33.33")}]
        if later:
            lines.append({"sku": LATER, "quantity": self.random.randint(1, 3), "unit_price": money("10.01")})
        return self.post("/v1/orders", harness.order_body(NOW, lines=lines, payments=[],
                         discounts=[{"title": "x", "amount": money("5.00")}],
                         shipping_lines=[{"title": "SF", "price": money("20.00")}], **more))

    def split(self, order, index, quantity=0):
        line = {"line_id": order["lines"][index]["id"], "quantity": quantity}
        both = self.post(f"/v1/orders/{order['id']}/split", {"lines": [line]})
        before, parts = amount(order["total"]), amount(both["parent"]["total"]) + amount(both["child"]["total"])
        assert before == parts, (before, both)
        return both["parent"], both["child"]

    def preorder(self):
        order = self.place(later=True)
        root, child = self.split(order, 1)
        if self.random.random() < 0.4:
            back = self.post(f"/v1/orders/{child['id']}/unsplit", {})["parent"]
            assert amount(back["total"]) == amount(order["total"]), back
            root, child = self.split(back, 1)
        if self.random.random() < 0.4:
            root, _ = self.split(root, 0, 1)
        if self.random.random() < 0.7:
            self.post(f"/v1/orders/{child['id']}/payments",
                      {"method": "bank_transfer", "status": "captured", "amount": order["total"]})
        self.families.append((order["id"], amount(order["total"])))

    def share(self):
        customer = {"name": "陳大文", "email": f"{uuid.uuid4().hex}@example.com", "phone": ""}
        two = [self.place(later=False, customer=customer) for _ in range(2)]
        end = time.monotonic() + 20
        while time.monotonic() < end:
            answer = self.ask("POST", "/v1/shipments", {"orders": [o["id"] for o in two]})
            if answer.status == 201:
                break
            assert answer["code"] in ("no_work_together", "different_recipient", "in_shared_parcel"), answer
            if answer["code"] == "in_shared_parcel":
                return
            time.sleep(0.1)
        else:
            return
        if self.random.random() < 0.5:
            self.post(f"/v1/orders/{two[0]['id']}/cancel", {"reason": "customer"})
            self.alone.append(two[1]["id"])
        else:
            self.post(f"/v1/shipments/{answer['id']}/ship", {"carrier": "SF", "tracking_number": answer["id"][-12:]})
            self.shared.append([o["id"] for o in two])

    def run(self):
        try:
            while not self.stop_asked.is_set():
                self.random.choice((self.preorder, self.preorder, self.share))()
        except BaseException as wrong:
            self.wrong = wrong
            raise


def ship_all(home, order_id):
    """Whatever the order has to ship leaves in one parcel."""
    def left():
        return [row for row in home.api.get("/v1/fulfillments", order=order_id)["data"]
                if row["status"] in ("open", "picking", "picked", "packing", "packed")]
    for row in wait_for(left, 30, lambda: home.api.get(f"/v1/orders/{order_id}")):
        home.api.post(f"/v1/fulfillments/{row['id']}/ship", {"carrier": "SF", "tracking_number": "SF-" + row["id"][-8:]})


def test_families_and_shared_parcels_stay_whole(home, request):
    kills = figure(request, "--kills", "KILLS", 15)
    seed = figure(request, "--seed", "SEED", random.randrange(10**6))
    print(f"\nseed {seed}, {kills} kills")
    stop = threading.Event()
    clerks = [Clerk(home, n, seed, stop) for n in range(CLERKS)]
    for clerk in clerks:
        clerk.start()
    killed = kill_at_random(home, kills, random.Random(seed))
    wait_for(home.is_ready, 60, "it does not come back")
    stop.set()
    for clerk in clerks:
        clerk.join(60)
        assert not clerk.is_alive() and clerk.wrong is None, clerk.wrong
    home.settle(120)
    for service in harness.SERVICES[:-1]:
        assert home.rows(f"SELECT source, position, type, key, reason FROM {service}.parked LIMIT 6") == [], service
    home.verify()

    families = [family for clerk in clerks for family in clerk.families]
    print(f"{len(families)} families, {sum(len(c.shared) for c in clerks)} shared parcels, "
          f"{sum(len(c.alone) for c in clerks)} taken apart; killed {killed}")
    assert len(families) > CLERKS and any(c.shared for c in clerks), "hardly anything happened while things died"
    harness.add_stock(home, LATER, 100_000)
    for root_id, total in families:
        root = home.api.get(f"/v1/orders/{root_id}")
        assert amount(root["family"]["total"]) == total
        members = root["family"]["members"]
        assert sum(amount(m["total"]) for m in members) == total
        assert sum(amount(m["amount_due"]) for m in members) == amount(root["family"]["amount_due"])
    for root_id, _ in families[:20]:
        for member in home.api.get(f"/v1/orders/{root_id}")["family"]["members"]:
            if member["status"] != "cancelled":
                ship_all(home, member["order_id"])
    for two in (pair for clerk in clerks for pair in clerk.shared):
        for order_id in two:
            parcels = [p for row in home.api.get("/v1/fulfillments", order=order_id)["data"] for p in row["parcels"]]
            assert len(parcels) == 1, parcels
    for order_id in (one for clerk in clerks for one in clerk.alone):
        ship_all(home, order_id)
    home.settle(60)
    home.verify()
