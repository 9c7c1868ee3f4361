"""Nothing acknowledged is lost, nothing happens twice, nothing is oversold, whatever dies and whenever.

Eight clients place orders and keep a record of their own of what they were told, while services and PostgreSQL are
killed with SIGKILL at random. Afterwards the record and the system must say the same.

    pytest tests/chaos/test_kill.py --kills 300 --seed 42        (or KILLS and SEED in the environment)
"""
import http.client
import json
import os
import random
import threading
import time
import uuid

import pytest

import harness
from harness import wait_for

CLIENTS = 8
VICTIMS = (*harness.SERVICES, "postgres")
SCARCE, SCARCE_UNITS = "KILL-SCARCE", 150
PLENTY = [f"KILL-{i}" for i in range(20)]


@pytest.fixture
def home(tmp_path):
    made = harness.Home()
    try:
        made.start()
        harness.add_location(made)
        harness.add_location(made, "hk-shop", "旺角店", "store")
        for sku in PLENTY:
            harness.add_item(made, sku)
            harness.add_stock(made, sku, 1_000_000)
        harness.add_item(made, SCARCE)
        harness.add_stock(made, SCARCE, SCARCE_UNITS)
        yield made
    finally:
        made.close()


class Buyer(threading.Thread):
    """Places one order after the other, each under one key until it has an answer, and writes down what it was told."""

    def __init__(self, home, number, seed, record, stop):
        super().__init__(daemon=True)
        self.client = home.client(home.owner_key)
        self.number, self.stop_asked = number, stop
        self.random = random.Random(seed * 1000 + number)
        self.record = open(record, "a", buffering=1)
        self.placed = self.refused = self.retries = 0
        self.wrong = None

    def write(self, **line):
        self.record.write(json.dumps(line) + "\n")

    def order(self, key):
        skus = self.random.sample(PLENTY, self.random.randint(1, 3))
        if self.random.random() < 0.15:
            skus[0] = SCARCE
        lines = [{"sku": sku, "quantity": self.random.randint(1, 3), "unit_price": harness.money("120.00")} for sku in skus]
        return harness.order_body(skus[0], lines=lines, payments=[], external_id=key,
                                  stock_policy=self.random.choice(("require", "require", "accept")))

    def run(self):
        try:
            while not self.stop_asked.is_set():
                key = str(uuid.uuid4())
                self.place(key, self.order(key))
        except BaseException as wrong:
            self.wrong = wrong
            raise
        finally:
            self.record.close()

    def place(self, key, body):
        """Asks until there is a word: 201 is a promise, 409 a refusal, everything else is asked again."""
        while True:
            try:
                answer = self.client.call("POST", "/v1/orders", body, idempotency=key)
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status == 201:
                self.write(key=key, id=answer["id"], number=answer["number"], total=answer["total"]["amount"],
                           lines=[[line["sku"], line["quantity"]] for line in answer["lines"]])
                self.placed += 1
                return
            if answer is not None and answer.status == 409:
                assert answer["code"] == "insufficient_stock", answer
                self.write(key=key, refused=answer["code"])
                self.refused += 1
                return
            assert answer is None or answer.status in (429, 500, 502, 503, 504), answer
            # Give up only when nobody wants to know any more: then it is told neither way.
            if self.stop_asked.is_set() and self.retries > 10_000:
                self.write(key=key, unknown=True)
                return
            self.retries += 1
            time.sleep(0.05)


def kill_at_random(home, kills, rnd):
    """In rounds, each in a sequence of its own, now and then two at once; the supervisor starts what died."""
    done, round_of = [], []
    while len(done) < kills:
        time.sleep(rnd.uniform(0, 0.25))
        pids = home.pids(check=False)
        for _ in range(2 if rnd.random() < 0.15 else 1):
            if not round_of:
                round_of = rnd.sample(VICTIMS, len(VICTIMS))
            victim = round_of.pop()
            if victim in pids and len(done) < kills:
                try:
                    home.kill(victim, pids)
                except ProcessLookupError:
                    continue
                done.append(victim)
    return done


def read(record):
    with open(record) as file:
        return [json.loads(line) for line in file]


def figure(request, option, variable, otherwise):
    value = request.config.getoption(option)
    return int(value if value is not None else os.environ.get(variable, otherwise))


def test_every_acknowledged_order_is_there_once(home, request, tmp_path):
    kills = figure(request, "--kills", "KILLS", 20)
    seed = figure(request, "--seed", "SEED", random.randrange(10**6))
    print(f"\nseed {seed}, {kills} kills")
    stop, records = threading.Event(), [tmp_path / f"buyer-{n}.jsonl" for n in range(CLIENTS)]
    buyers = [Buyer(home, n, seed, records[n], stop) for n in range(CLIENTS)]
    began = time.monotonic()
    for buyer in buyers:
        buyer.start()
    killed = kill_at_random(home, kills, random.Random(seed))
    took = time.monotonic() - began
    wait_for(home.is_ready, 60, "it does not come back")
    stop.set()
    for buyer in buyers:
        buyer.join(60)
        assert not buyer.is_alive() and buyer.wrong is None, buyer.wrong
    home.settle(120)

    told = [line for record in records for line in read(record)]
    placed = [line for line in told if "id" in line]
    print(f"{len(placed)} orders acknowledged, {sum('refused' in t for t in told)} refused in {took:.0f} s; killed "
          + ", ".join(f"{name} {killed.count(name)}" for name in VICTIMS))
    assert len(placed) > kills, "hardly anything was placed while things died"
    check(home, told, placed)
    home.verify("--strict")


def check(home, told, placed):
    """The record against the system."""
    found = {order["external_id"]: order for order in home.api.pages("/v1/orders", channel="web", limit=200)}
    ids = [order["id"] for order in found.values()]
    assert len(set(ids)) == len(ids)
    for line in placed:
        order = found.get(line["key"])
        assert order is not None, f"an acknowledged order is lost: {line}"
        assert (order["id"], order["number"], order["total"]["amount"]) == (line["id"], line["number"], line["total"])
        assert sorted([l["sku"], l["quantity"]] for l in order["lines"]) == sorted(line["lines"]), line
    for line in told:
        if "refused" in line:
            assert line["key"] not in found, f"a refused order is there: {line}"
    known = {line["key"] for line in told}
    assert set(found) <= known, "an order that nobody placed"

    # Not one unit more than there was: what is committed is what live orders hold.
    for sku in (SCARCE, *PLENTY):
        rows = home.api.get("/v1/levels", sku=sku)["data"]
        assert all(row[bucket] >= 0 for row in rows for bucket in row if isinstance(row[bucket], int)), rows
        held = sum(l["reserved"] for o in found.values() for l in o["lines"] if l["sku"] == sku)
        committed = sum(row["committed"] for row in rows)
        assert committed == held, (sku, committed, held)
        assert sum(row["on_hand"] for row in rows) == (SCARCE_UNITS if sku == SCARCE else 1_000_000), rows
        assert sum(row["reserved"] for row in rows) == 0, rows
    # One confirmation for each, whatever became of the sender: a repeat replaces its own file.
    wait_for(lambda: not home.api.get("/v1/messages", status="queued")["data"], 120, "mails are left")
    assert len(home.mail_files()) == len(found)
