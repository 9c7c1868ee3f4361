"""An edit has its whole effect or none, once, whatever dies meanwhile: lines, stock held, work, money and versions.

Six clerks edit orders of their own, and one that they share, while services and PostgreSQL are killed. Each asks until it
has an answer; afterwards every order must be what its last answer said.

    pytest tests/chaos/test_kill_edits.py --kills 100 --seed 42        (or KILLS and SEED in the environment)
"""
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
SKUS = [f"SWAP-{i}" for i in range(5)]
SCARCE, SCARCE_UNITS = "SWAP-SCARCE", 4


@pytest.fixture
def home(tmp_path):
    made = harness.Home()
    try:
        made.start()
        harness.add_location(made)
        for sku in (*SKUS, SCARCE):
            harness.add_item(made, sku, price="10.00")
            harness.add_stock(made, sku, SCARCE_UNITS if sku == SCARCE else 100_000)
        yield made
    finally:
        made.close()


def lines_of(order):
    return sorted((line["sku"], line["quantity"]) for line in order["lines"] if line["quantity"] > 0)


class Clerk(threading.Thread):
    """Edits one order after the other, each edit under one key until it has an answer."""

    def __init__(self, home, number, seed, orders, stop):
        super().__init__(daemon=True)
        self.client = home.client(home.owner_key)
        self.random = random.Random(seed * 1000 + number)
        self.mine, self.shared, self.stop_asked = orders[number], orders[-1], stop
        self.edits = {self.mine["id"]: 0, self.shared["id"]: 0}
        self.refused = self.stale = 0
        self.wrong = None

    def ask(self, method, path, body=None):
        key = str(uuid.uuid4())
        while True:
            try:
                answer = self.client.call(method, path, body, idempotency=key)
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status in (200, 409, 412):
                return answer
            assert answer is None or answer.status in (429, 500, 502, 503, 504), answer
            time.sleep(0.05)

    def operation(self, order):
        line = self.random.choice([line for line in order["lines"] if line["quantity"] > 0])
        sku = self.random.choice([sku for sku in (*SKUS, SCARCE) if sku != line["sku"]])
        # What is no change is no version: a quantity that somebody else has set already would count for two.
        quantity = [] if order["id"] == self.shared["id"] else [
            {"set_quantity": {"line": line["id"], "quantity": self.random.randint(1, 5)}}]
        return self.random.choice((
            *quantity,
            {"replace_line": {"line": line["id"], "sku": sku}},
            {"add_line": {"sku": sku, "quantity": self.random.randint(1, 2)}},
            {"set_shipping_remark": {"text": uuid.uuid4().hex}}))

    def edit(self, order):
        """The order after it; its version tells whether the edit changed anything."""
        path = f"/v1/orders/{order['id']}"
        answer = self.ask("POST", f"{path}/edits", {"operations": [self.operation(order)], "version": order["version"]})
        if answer.status == 200:
            self.edits[order["id"]] += answer["edited_at"] != order["edited_at"]
            return answer.json
        self.stale += answer.status == 412
        self.refused += answer.status == 409
        assert answer.status == 412 or answer["code"] == "insufficient_stock", answer
        return order

    def run(self):
        try:
            while not self.stop_asked.is_set():
                self.mine = self.edit(self.mine)
                self.shared = self.edit(self.ask("GET", f"/v1/orders/{self.shared['id']}").json)
        except BaseException as wrong:
            self.wrong = wrong
            raise


def test_every_acknowledged_edit_has_its_effect_once(home, request):
    kills = figure(request, "--kills", "KILLS", 15)
    seed = figure(request, "--seed", "SEED", random.randrange(10**6))
    print(f"\nseed {seed}, {kills} kills")
    orders = [home.api.post("/v1/orders", harness.order_body("SWAP-0", 2, "10.00")) for _ in range(CLERKS + 1)]
    stop = threading.Event()
    clerks = [Clerk(home, n, seed, orders, stop) for n in range(CLERKS)]
    for clerk in clerks:
        clerk.start()
    killed = kill_at_random(home, kills, random.Random(seed))
    wait_for(home.is_ready, 60, "it does not come back")
    stop.set()
    for clerk in clerks:
        clerk.join(60)
        assert not clerk.is_alive() and clerk.wrong is None, clerk.wrong
    home.settle(120)

    made = sum(sum(clerk.edits.values()) for clerk in clerks)
    print(f"{made} edits, {sum(c.refused for c in clerks)} short, {sum(c.stale for c in clerks)} stale; killed {killed}")
    assert made > kills, "hardly anything was edited while things died"
    now = {order["id"]: home.api.get(f"/v1/orders/{order['id']}") for order in orders}
    for clerk in clerks:
        assert lines_of(now[clerk.mine["id"]]) == lines_of(clerk.mine)
        for figure_of in ("total", "amount_due", "refund_due", "shipping_remark"):
            assert now[clerk.mine["id"]][figure_of] == clerk.mine[figure_of]
    for order in orders:
        versions = home.api.pages(f"/v1/orders/{order['id']}/versions", limit=200)
        edits = sum(clerk.edits.get(order["id"], 0) for clerk in clerks)
        assert sum(v["kind"] == "edited" for v in versions) == edits, order["id"]

    # What is committed is what the orders have, and nothing is left held.
    for sku in (*SKUS, SCARCE):
        wait_for(lambda: harness.level(home, sku)["reserved"] == 0, 40, f"{sku} stays held")
        live = sum(quantity for order in now.values() for s, quantity in lines_of(order) if s == sku)
        assert harness.level(home, sku)["committed"] == live, sku
        work = sum(line["allocated"] - line["cancelled"] for order in orders
                   for f in home.api.get("/v1/fulfillments", order=order["id"])["data"]
                   for line in f["lines"] if line["sku"] == sku)
        assert work == live, sku
    assert money("0.00") not in (order["total"] for order in now.values())
    home.verify("--strict")
