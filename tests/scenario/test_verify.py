"""penstock verify is the judge in every other test; here it is judged itself.

It names each of its invariants when the data is broken on purpose, in a copy of a shop's database, and it is clean on
a shop that is at work, at whatever moment it looks.
"""
import contextlib
import glob
import os
import random
import re
import subprocess
import threading
import time
import uuid

import psycopg
import pytest

import harness
from harness import money, order_body

SKUS = [f"VER-{i}" for i in range(6)]


@pytest.fixture(scope="module")
def shop():
    """A shop in which something of everything has happened."""
    made = harness.Home()
    try:
        made.start()
        made.penstock("demo")
        for sku in SKUS:
            harness.add_item(made, sku)
            harness.add_stock(made, sku, 1000)
            harness.add_stock(made, sku, 1000, "store-mongkok")
        fill(made)
        work_at_random(made, seconds=4, threads=3, seed=1)
        made.settle()
        made.verify()
        yield made
    finally:
        made.close()


def fill(home):
    """What a random walk might miss: someone who waits, a checkout, a parcel that arrived."""
    api = home.api
    harness.add_item(home, "VER-NONE")
    api.post("/v1/orders", order_body("VER-NONE", 3, stock_policy="accept"), status=201)
    api.post("/v1/reservations", {"lines": [{"sku": SKUS[0], "quantity": 2}], "expires_in_seconds": 3000}, status=201)
    for back in ("restock", "quarantine"):
        order = api.post("/v1/orders", order_body(SKUS[1], 3), status=201)
        harness.wait_for(lambda: ship(api, order["id"]))
        come_back(home, order["id"], SKUS[1], 2, back)


def ship(api, order_id, some=None):
    """Picks, packs and ships what the warehouse has to do for an order, or some units of it."""
    shipped = False
    for work in api.get("/v1/fulfillments", order=order_id)["data"]:
        lines = {"lines": [{"sku": work["lines"][0]["sku"], "quantity": some}]} if some else {}
        for step, more in (("pick", {}), ("pack", {}), ("ship", {"carrier": "sf-express", "tracking_number": "SF1"})):
            if api.call("POST", f"/v1/fulfillments/{work['id']}/{step}", {**lines, **more}).status != 200:
                break
        else:
            shipped = True
    return shipped


def come_back(home, order_id, sku, quantity, disposition):
    api = home.api
    made = api.post("/v1/returns", {"order": order_id, "lines": [
        {"sku": sku, "quantity": quantity, "reason": "size_too_small"}]}, status=201)["id"]
    api.post(f"/v1/returns/{made}/approve")
    api.post(f"/v1/returns/{made}/receive", {"location": "hk-main"})
    api.post(f"/v1/returns/{made}/inspect", {"lines": [
        {"sku": sku, "quantity": quantity, "disposition": disposition}]})


# ---- a shop at work ----

class Walker(threading.Thread):
    """Does what people do with orders, at random; what is refused is refused."""

    def __init__(self, home, seed, until):
        super().__init__(daemon=True)
        self.home, self.random, self.until = home, random.Random(seed), until
        self.orders, self.wrong, self.done = [], None, 0

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.step()
                self.done += 1
        except BaseException as wrong:
            self.wrong = wrong
            raise

    def post(self, path, body=None):
        answer = self.home.api.call("POST", path, {} if body is None else body)
        assert answer.status < 500 or answer.status == 503, (path, body, answer)
        return answer

    def step(self):
        doing = self.random.choice((self.place, self.place, self.place, self.fulfill, self.fulfill, self.fulfill,
                                    self.cancel, self.hold, self.pay, self.back, self.stock, self.unwork,
                                    self.checkout))
        doing()

    def place(self):
        lines = [{"sku": sku, "quantity": self.random.randint(1, 4), "unit_price": money("100.00")}
                 for sku in self.random.sample(SKUS, self.random.randint(1, 3))]
        if self.random.random() < 0.2:
            lines.append({"sku": "", "name": "engraving", "quantity": 1, "unit_price": money("30.00"), "is_custom": True})
        total = sum(line["quantity"] * int(line["unit_price"]["amount"][:-3]) for line in lines)
        paid = self.random.choice((0, 0, total, total, total // 2))
        body = order_body(SKUS[0], lines=lines, external_id=str(uuid.uuid4()),
                          stock_policy=self.random.choice(("require", "accept")),
                          discounts=[{"title": "10 off", "amount": money("10.00")}] if self.random.random() < 0.3 else [],
                          shipping_lines=[{"title": "post", "price": money("25.00")}] if self.random.random() < 0.3 else [],
                          payments=[{"method": "card", "status": "captured", "amount": money(f"{paid}.00")}] if paid else [])
        answer = self.post("/v1/orders", body)
        if answer.status == 201:
            self.orders.append((answer["id"], lines))

    def some(self):
        return self.random.choice(self.orders[-30:]) if self.orders else (str(uuid.uuid4()), [{"sku": SKUS[0]}])

    def fulfill(self):
        ship(self.home.api, self.some()[0], self.random.choice((None, None, 1)))

    def cancel(self):
        self.post(f"/v1/orders/{self.some()[0]}/cancel", {"reason": "customer", "remaining": self.random.random() < 0.5})

    def hold(self):
        order = self.some()[0]
        answer = self.post(f"/v1/orders/{order}/holds", {"type": "manual", "reason": "look at it"})
        if answer.status == 201 and self.random.random() < 0.8:
            self.home.api.call("DELETE", f"/v1/orders/{order}/holds/{answer['id']}")

    def pay(self):
        order = self.some()[0]
        if self.random.random() < 0.5:
            self.post(f"/v1/orders/{order}/payments",
                      {"method": "bank_transfer", "status": "captured", "amount": money("50.00")})
        else:
            self.post(f"/v1/orders/{order}/refunds", {"amount": money("20.00"), "reason": "kindness"})

    def back(self):
        order, lines = self.some()
        answer = self.post("/v1/returns", {"order": order, "lines": [
            {"sku": lines[0]["sku"], "quantity": 1, "reason": "other"}]})
        for step in ("approve", "receive", "inspect", "close"):
            if answer.status not in (200, 201) or self.random.random() < 0.1:
                return
            body = {"receive": {"location": "hk-main"}, "inspect": {"lines": [
                {"sku": lines[0]["sku"], "quantity": 1,
                 "disposition": self.random.choice(("restock", "quarantine", "scrap"))}]}}.get(step, {})
            answer = self.post(f"/v1/returns/{answer['id']}/{step}", body)

    def stock(self):
        self.post("/v1/adjustments", {"location": self.random.choice(("hk-main", "store-mongkok")),
                                      "sku": self.random.choice(SKUS), "delta": self.random.choice((-40, -3, 2, 5)),
                                      "reason": "counted"})

    def unwork(self):
        order = self.some()[0]
        for work in self.home.api.get("/v1/fulfillments", order=order)["data"][:1]:
            if self.post(f"/v1/fulfillments/{work['id']}/cancel", {"reason": "damaged"}).status == 200:
                self.release(order)

    def release(self, order):
        holds = self.home.api.get(f"/v1/orders/{order}")["holds"]
        for hold in holds:
            self.home.api.call("DELETE", f"/v1/orders/{order}/holds/{hold['id']}")

    def checkout(self):
        answer = self.post("/v1/reservations", {"lines": [{"sku": SKUS[2], "quantity": 2}], "expires_in_seconds": 1})
        if answer.status == 201 and self.random.random() < 0.5:
            body = order_body(SKUS[2], 2, reservation_id=answer["id"])
            placed = self.post("/v1/orders", body)
            if placed.status == 201:
                self.orders.append((placed["id"], body["lines"]))


def work_at_random(home, seconds, threads, seed):
    until = time.monotonic() + seconds
    walkers = [Walker(home, seed * 100 + i, until) for i in range(threads)]
    for walker in walkers:
        walker.start()
    return finish(walkers)


def finish(walkers):
    for walker in walkers:
        walker.join()
    for walker in walkers:
        if walker.wrong is not None:
            raise walker.wrong
    return sum(walker.done for walker in walkers)


def test_a_shop_at_work_is_clean_at_every_moment(shop):
    seconds = float(os.environ.get("PENSTOCK_VERIFY_SECONDS", "8"))
    seed = int(os.environ.get("PENSTOCK_SEED", random.randrange(10000)))
    print("seed", seed)
    walkers = [Walker(shop, seed + i, time.monotonic() + seconds) for i in range(4)]
    for walker in walkers:
        walker.start()
    looks = 0
    while any(walker.is_alive() for walker in walkers):
        shop.verify()
        looks += 1
    done = finish(walkers)
    shop.settle()
    shop.verify()
    print(f"{looks} looks at {done} steps")
    assert looks >= 3 and done >= 100


# ---- data broken on purpose ----

def dsn(home, database, user="penstock"):
    found = re.search(r'database = "([^"]*)"', home.conf).group(1)
    return f"{re.sub('dbname=[^ ]+', '', found)} dbname={database} user={user}"


@pytest.fixture(scope="module")
def calm(shop):
    """A copy of the shop's database that nobody works in, with a second copy of each table to mend it from.

    Without the constraints that would keep it from being broken.
    """
    shop.settle()
    program = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_dump"))[-1]
    with psycopg.connect(dsn(shop, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE calm")
    dump = subprocess.Popen([program, "-d", dsn(shop, "penstock")], stdout=subprocess.PIPE)
    load = subprocess.run([program.replace("pg_dump", "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-d",
                           dsn(shop, "calm")], stdin=dump.stdout, capture_output=True, text=True)
    assert dump.wait() == 0 and load.returncode == 0, load.stderr
    with psycopg.connect(dsn(shop, "calm"), autocommit=True) as connection:
        loosen(connection)
        connection.execute("CREATE SCHEMA saved")
        for table in tables(connection):
            connection.execute(f'CREATE TABLE saved."{table}" AS TABLE {table}')
        connection.execute("VACUUM ANALYZE")
    done = verify(shop, "calm")
    assert done.returncode == 0, done.stdout + done.stderr
    return shop


def tables(connection):
    return [name for name, in connection.execute("""
        SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY(%s)""",
                                                 [list(harness.SERVICES)]).fetchall()]


def loosen(connection):
    for table, name in connection.execute("""
            SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k
            JOIN pg_namespace n ON n.oid = k.connamespace
            WHERE k.contype IN ('c', 'f') AND k.coninhcount = 0 AND n.nspname = ANY(%s)""",
                                           [list(harness.SERVICES)]).fetchall():
        connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for index, in connection.execute("""
            SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid
            WHERE i.indisunique AND k.oid IS NULL AND n.nspname = ANY(%s)""", [list(harness.SERVICES)]).fetchall():
        connection.execute(f"DROP INDEX {index}")


@contextlib.contextmanager
def broken(home):
    """The copy, to be broken; afterwards every table that was written is as it was."""
    with psycopg.connect(dsn(home, "calm"), autocommit=True) as connection:
        written = set()

        def change(sql, *values):
            written.update(re.findall(r"(?:UPDATE|INTO|DELETE FROM) (\w+\.\w+)", sql))
            return connection.execute(sql, values or None)
        try:
            yield change
        finally:
            for table in written:
                connection.execute(f'TRUNCATE {table}; INSERT INTO {table} SELECT * FROM saved."{table}"')


def verify(home, database, *more):
    found = re.search(r'database = "([^"]*)"', home.conf).group(1)
    changed = {**home.environment, "PENSTOCK_COMMON_DATABASE": re.sub("dbname=[^ ]+", f"dbname={database}", found)}
    return subprocess.run([harness.PENSTOCK, "verify", "--home", home.folder, *more], capture_output=True, text=True,
                          env=changed, timeout=120, cwd="/")


def field(number, value):
    """One member of a protobuf message: text, bytes or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def tell(change, schema, kind, key, payload, readers=()):
    """Appends an event, and moves the cursors of those who are to have read it."""
    event_id = uuid.uuid4()
    head = change(f"SELECT max(position) + 1 FROM {schema}.event").fetchone()[0]
    change(f"INSERT INTO {schema}.event VALUES (%s, %s, %s, %s, now(), '', 'system:test', %s)",
           head, event_id, kind, key, payload)
    for reader in readers:
        change(f"UPDATE {reader}.cursor SET position = %s, event_id = %s WHERE source = %s",
               head, event_id, schema)


def void_a_hold(change):
    """A hold that orders has said it will never use, and inventory still keeps."""
    hold, command = uuid.uuid4(), str(uuid.uuid4())
    change("""INSERT INTO inventory.hold (hold_id, command_key, question_key, command_id, asker, asked_at,
                  decision, lines, levels, quantities)
              VALUES (%s, gen_random_uuid(), gen_random_uuid(), %s, 'orders', now(), '', '{}', '{}', '{}')""",
           hold, command)
    payload = field(1, str(hold)) + field(2, command) + field(3, "inventory")
    tell(change, "orders", "HoldVoided", str(hold), payload, readers=["inventory"])


def cancel_behind_its_back(change):
    """A cancellation that inventory has read, and given nothing back for."""
    order, line, sku = change("""
        SELECT order_id::text, id::text, sku FROM orders.order_line WHERE reserved > 0 AND sku <> '' LIMIT 1""").fetchone()
    cancelled = field(1, line) + field(2, sku) + field(3, 1)
    tell(change, "orders", "OrderCancelled", order, field(1, order) + field(2, "other") + field(4, cancelled),
         readers=["inventory"])


def ship_behind_its_back(change):
    """A shipment that every reader has read and nobody has done anything about."""
    order, line, sku, shipped = change("""
        SELECT order_id::text, id::text, sku, shipped_total FROM orders.order_line
        WHERE reserved > 0 AND sku <> '' LIMIT 1""").fetchone()
    work = field(1, line) + field(2, sku) + field(3, 1) + field(4, shipped + 1)
    tell(change, "fulfillment", "FulfillmentShipped", order,
         field(1, order) + field(3, str(uuid.uuid4())) + field(4, "hk-main") + field(7, work),
         readers=["orders", "inventory", "returns", "notify"])


def one(change, sql):
    return str(change(sql).fetchone()[0])


ONE_SHIPMENT = "position = (SELECT min(position) FROM inventory.movement WHERE cause = 6)"
ONE_RETURN = "position = (SELECT min(position) FROM inventory.movement WHERE cause = 7)"
A_WAITING = "(SELECT order_id FROM inventory.backorder ORDER BY order_id LIMIT 1)"
A_SHIPPED = "(SELECT order_id FROM fulfillment.parcel ORDER BY order_id LIMIT 1)"
A_RESERVED = "(SELECT order_id FROM orders.order_line WHERE reserved > 0 AND sku <> '' ORDER BY order_id LIMIT 1)"
AN_OPEN_WORK = "(SELECT id FROM fulfillment.fulfillment_order WHERE status = 2 ORDER BY id LIMIT 1)"
A_LEVEL = "level_id = (SELECT level_id FROM inventory.movement WHERE cause = 6 ORDER BY position LIMIT 1)"

BROKEN = [
    ("stock.balance", f"UPDATE inventory.level SET on_hand = on_hand + 1 WHERE {A_LEVEL}"),
    ("stock.nonnegative", f"UPDATE inventory.level SET available = -1 WHERE {A_LEVEL}"),
    ("stock.nonnegative", f"UPDATE inventory.movement SET position = position + 1000000 WHERE cause = 1 AND {A_LEVEL}"),
    ("stock.nonnegative", "UPDATE inventory.backorder SET quantity = 0"),
    ("stock.ledger", f"UPDATE inventory.level SET available = available + 1, on_hand = on_hand + 1 WHERE {A_LEVEL}"),
    ("stock.ledger", f"DELETE FROM inventory.movement WHERE {ONE_SHIPMENT}"),
    ("stock.ledger", f"UPDATE inventory.movement SET previous = 0 WHERE {ONE_SHIPMENT}"),
    ("stock.ledger", f"UPDATE inventory.level SET last_position = last_position + 1 WHERE {A_LEVEL}"),
    ("stock.ledger", f"UPDATE inventory.movement SET quantity = quantity + 1 WHERE {ONE_SHIPMENT}"),
    ("stock.ledger", f"UPDATE inventory.movement SET cause_id = gen_random_uuid() WHERE {ONE_SHIPMENT}"),
    ("stock.ledger", "DELETE FROM inventory.adjustment WHERE sku = 'VER-0'"),
    ("stock.ledger", "UPDATE inventory.ledger SET position = position + 1"),
    ("stock.reservation", f"UPDATE inventory.order_stock SET quantities[1] = quantities[1] + 1 WHERE order_id = {A_RESERVED}"),
    ("stock.reservation", "UPDATE inventory.hold SET quantities[1] = quantities[1] - 1"),
    ("stock.reservation", f"UPDATE inventory.order_stock SET levels[1] = 1 WHERE order_id = {A_RESERVED}"),
    ("stock.owner", """INSERT INTO inventory.order_stock SELECT gen_random_uuid(), gen_random_uuid(), NULL, NULL, NULL,
                           placed_at, decided_at, decision, allocated, '{}', '{}', '{}'
                       FROM inventory.order_stock LIMIT 1"""),
    ("stock.owner", """INSERT INTO inventory.hold (hold_id, decision, lines, levels, quantities)
                       SELECT hold_id, '', '{}', '{}', '{}' FROM inventory.order_stock LIMIT 1"""),
    ("stock.owner", "DELETE FROM inventory.hold"),
    ("stock.owner", void_a_hold),
    ("stock.owner", cancel_behind_its_back),
    ("stock.sold", f"DELETE FROM inventory.movement WHERE {ONE_SHIPMENT}"),
    ("stock.sold", """UPDATE inventory.movement SET quantity = 0
                      WHERE cause = 1 AND level_id IN (SELECT level_id FROM inventory.level WHERE sku = 'VER-1')"""),
    ("stock.sold", f"UPDATE inventory.movement SET quantity = quantity * 2 WHERE {ONE_SHIPMENT}"),
    ("stock.sold", ship_behind_its_back),
    ("order.lines", f"UPDATE orders.order_line SET reserved = reserved + 1 WHERE order_id = {A_RESERVED}"),
    ("order.lines", f"""UPDATE orders.order_line SET reserved = reserved - 1, unallocated = unallocated + 1
                        WHERE reserved > 0 AND order_id = {A_RESERVED}"""),
    ("order.lines", "UPDATE orders.order_line SET fulfilled = fulfilled + 1, reserved = reserved - 1 WHERE is_custom"),
    ("order.lines", f"UPDATE orders.order_line SET unit_price = unit_price + 1 WHERE order_id = {A_RESERVED}"),
    ("order.lines", f"UPDATE orders.order_line SET total = total - 1 WHERE order_id = {A_RESERVED}"),
    ("order.lines", "UPDATE orders.orders SET details = '' WHERE shipping_total > 0"),
    ("order.lines", "UPDATE orders.orders SET total = total + 1 WHERE id = (SELECT min(id::text)::uuid FROM orders.orders)"),
    ("order.lines", "UPDATE orders.orders SET currency = 'USD' WHERE shipping_total > 0 AND currency = 'HKD'"),
    ("order.status", f"UPDATE orders.orders SET fulfillment_status = 5 WHERE id = {A_RESERVED}"),
    ("order.status", f"UPDATE orders.orders SET return_status = 4 WHERE id = {A_RESERVED}"),
    ("order.status", f"UPDATE orders.orders SET status = 4 WHERE id = {A_RESERVED}"),
    ("order.status", f"UPDATE orders.orders SET hold_count = hold_count + 1 WHERE id = {A_RESERVED}"),
    ("order.status", "UPDATE orders.orders SET cancelled_at = NULL WHERE status = 6"),
    ("order.status", f"UPDATE fulfillment.fulfillment_order SET status = 10 WHERE id = {AN_OPEN_WORK}"),
    ("order.status", "UPDATE returns.return_order SET status = 1 WHERE status IN (4, 5)"),
    ("order.status", lambda c: tell(c, "orders", "OrderConfirmed", one(c, "SELECT id FROM orders.orders WHERE status = 6"), b"")),
    ("order.once", f"DELETE FROM orders.order_number WHERE order_id = {A_SHIPPED}"),
    ("order.once", f"DELETE FROM orders.order_external WHERE order_id = {A_RESERVED}"),
    ("order.once", f"UPDATE orders.orders SET number = (SELECT number FROM orders.orders WHERE id = {A_SHIPPED})"
                   f" WHERE id = {A_RESERVED}"),
    ("order.once", f"""UPDATE orders.orders o SET channel = x.channel, external_id = x.external_id
                       FROM orders.orders x WHERE x.id = {A_SHIPPED} AND o.id = {A_RESERVED}"""),
    ("order.once", "UPDATE inventory.order_stock SET command_key = '00000000-0000-0000-0000-000000000001'"),
    ("order.once", "UPDATE orders.channel SET next_number = 100001"),
    ("order.alive", "DELETE FROM inventory.backorder"),
    ("order.alive", f"DELETE FROM inventory.order_stock WHERE order_id = {A_WAITING}"),
    ("order.alive", f"DELETE FROM fulfillment.fulfillment_line WHERE fulfillment_id = {AN_OPEN_WORK}"),
    ("order.alive", f"DELETE FROM fulfillment.sales_order WHERE order_id = {A_RESERVED}"),
    ("order.alive", f"DELETE FROM orders.orders WHERE id = {A_WAITING}"),
    ("order.alive", f"DELETE FROM orders.order_line WHERE order_id = {A_SHIPPED}"),
    ("order.alive", lambda c: tell(c, "orders", "OrderCancelled", one(c, f"SELECT {A_SHIPPED}"), field(3, 1))),
    ("money.refund", "UPDATE orders.refund SET amount = amount * 1000"),
    ("money.refund", "UPDATE orders.inspection SET refund_due = 0"),
    ("money.refund", "DELETE FROM orders.inspection"),
    ("money.refund", "UPDATE orders.orders SET captured_total = 0 WHERE refunded_total > 0"),
    ("money.ledger", "UPDATE orders.payment SET amount = amount + 1 WHERE status = 3"),
    ("money.ledger", "UPDATE orders.orders SET payment_status = 1 WHERE payment_status = 5"),
    ("money.ledger", "UPDATE orders.orders SET current_total = current_total + 1 WHERE payment_status = 5"),
    ("money.ledger", "DELETE FROM orders.refund"),
    ("fulfillment.quantity", f"UPDATE fulfillment.fulfillment_line SET picked = allocated + 1 WHERE fulfillment_id = {AN_OPEN_WORK}"),
    ("fulfillment.quantity", f"UPDATE fulfillment.fulfillment_line SET picked = allocated WHERE fulfillment_id = {AN_OPEN_WORK}"),
    ("fulfillment.quantity", f"UPDATE fulfillment.fulfillment_line SET allocated = allocated + 1 WHERE fulfillment_id = {AN_OPEN_WORK}"),
    ("fulfillment.quantity", f"UPDATE fulfillment.parcel_line SET quantity = quantity + 1 WHERE order_id = {A_SHIPPED}"),
    ("fulfillment.quantity", f"DELETE FROM fulfillment.parcel WHERE order_id = {A_SHIPPED}"),
    ("fulfillment.quantity", "UPDATE fulfillment.fulfillment_order SET delivered = delivered + 1 WHERE status = 10"),
    ("return.quantity", "UPDATE returns.return_line SET restocked = received + 1 WHERE restocked > 0"),
    ("return.quantity", "UPDATE returns.return_line SET restocked = restocked - 1 WHERE restocked > 0"),
    ("return.quantity", "UPDATE returns.shipped_line SET shipped = 0"),
    ("return.quantity", f"DELETE FROM inventory.movement WHERE {ONE_RETURN}"),
    ("return.quantity", f"UPDATE inventory.movement SET to_bucket = 7 WHERE {ONE_RETURN}"),
    ("return.quantity", "UPDATE returns.inspection SET refund_minor = refund_minor + 1"),
    ("ingest.once", "UPDATE gateway.inbox_delivery SET order_id = gen_random_uuid() WHERE status = 2"),
    ("ingest.once", "UPDATE gateway.inbox_delivery SET order_id = NULL WHERE status = 2"),
    ("ingest.once", "UPDATE gateway.inbox_delivery SET external_id = 'another' WHERE status = 2"),
    ("ingest.once", """CREATE TEMP TABLE again AS SELECT * FROM gateway.inbox_delivery WHERE effect = 'placed' LIMIT 1;
                       UPDATE again SET id = gen_random_uuid(), event_identity = 'again';
                       INSERT INTO gateway.inbox_delivery SELECT * FROM again"""),
    ("ingest.once", """CREATE TEMP TABLE again AS SELECT * FROM gateway.inbox_delivery LIMIT 1;
                       UPDATE again SET id = gen_random_uuid();
                       INSERT INTO gateway.inbox_delivery SELECT * FROM again"""),
    ("ingest.once", """DELETE FROM gateway.inbox_body; UPDATE gateway.inbox_delivery SET status = 1, done_at = NULL"""),
    ("event.gapless", "DELETE FROM orders.event WHERE position = 5"),
    ("event.gapless", "UPDATE inventory.cursor SET position = position + 5 WHERE source = 'orders'"),
    ("event.gapless", "UPDATE notify.cursor SET event_id = gen_random_uuid() WHERE source = 'orders'"),
    ("event.gapless", "UPDATE orders.consumer SET committed_position = committed_position + 1000"),
    ("event.effect", f"UPDATE orders.order_line SET picked_total = picked_total + 1 WHERE order_id = {A_SHIPPED}"),
    ("event.effect", f"UPDATE orders.order_line SET allocated_total = 0 WHERE order_id = {A_RESERVED}"),
    ("event.effect", f"UPDATE orders.order_line SET delivered_total = 1 WHERE order_id = {A_SHIPPED}"),
    ("event.effect", "UPDATE orders.order_line SET returned_total = 0 WHERE returned_total > 0"),
    ("event.effect", "UPDATE orders.order_return SET is_open = NOT is_open"),
    ("event.effect", "DELETE FROM orders.order_return"),
    ("event.effect", "UPDATE orders.inspection SET refund_due = refund_due + 1"),
    ("event.effect", "DELETE FROM orders.search_doc"),
    ("event.effect", """INSERT INTO orders.bulk (id, action, status, q, ids, exclude, source_outcome, hold_type, reason, tags,
                            actor, offset_us, created_at, seen, applied, unchanged, refused)
                        VALUES (gen_random_uuid(), 1, 2, '', '{}', '{}', 0, '', '', '{}', 'key:x', 0, now(), 1, 1, 0, 0)"""),
    ("event.effect", "DELETE FROM orders.search_block"),
    ("event.effect", "INSERT INTO orders.tag_count (tag, orders) VALUES ('forgotten', 2)"),
    ("event.effect", f"UPDATE fulfillment.sales_order SET is_confirmed = false WHERE order_id = {A_RESERVED}"),
    ("event.effect", f"UPDATE fulfillment.sales_order SET is_on_hold = NOT is_on_hold WHERE order_id = {A_RESERVED}"),
    ("event.effect", """UPDATE fulfillment.sales_order SET lines = (SELECT lines FROM fulfillment.sales_order LIMIT 1)
                        WHERE number <> ''"""),
    ("event.effect", "UPDATE returns.sold_order SET number = number || 'X'"),
    ("event.effect", f"DELETE FROM returns.sold_order WHERE order_id = {A_RESERVED}"),
    ("event.effect", f"DELETE FROM returns.shipped_line WHERE order_id = {A_SHIPPED}"),
    ("event.effect", "UPDATE inventory.event SET payload = '\\xff' WHERE type = 'StockAllocated' AND position < 10"),
    ("event.effect", f"DELETE FROM returns.inspection"),
    ("event.actor", "UPDATE orders.event SET actor = '' WHERE position = 3"),
    ("event.actor", "UPDATE inventory.movement SET actor = '' WHERE position = 3"),
    ("event.actor", f"DELETE FROM orders.timeline WHERE order_id = {A_SHIPPED}"),
    ("event.actor", f"UPDATE orders.orders SET version = version + 1 WHERE id = {A_RESERVED}"),
    ("event.actor", f"UPDATE orders.order_line SET quantity = quantity + 1, unallocated = unallocated + 1 WHERE order_id = {A_RESERVED}"),
    ("event.actor", f"UPDATE orders.event SET type = 'Forgotten' WHERE type = 'OrderPlaced' AND key = {A_RESERVED}::text"),
    ("event.actor", f"UPDATE orders.event SET type = 'Forgotten' WHERE type = 'RefundRecorded'"),
    ("notify.once", f"DELETE FROM notify.message WHERE kind = 2 AND order_id = {A_SHIPPED}"),
    ("notify.once", f"""INSERT INTO notify.message SELECT position + 1000000, gen_random_uuid(), order_id, kind, status,
                            attempts, ambiguous_attempts, message_id || 'x', order_number, detail, locale,
                            recipient_masked, last_error, queued_at, sent_at, gave_up_at
                        FROM notify.message WHERE status = 2 LIMIT 1"""),
    ("notify.once", "UPDATE notify.message SET status = 1, sent_at = NULL WHERE status = 2"),
    ("notify.once", "UPDATE notify.message SET status = 3, sent_at = NULL, gave_up_at = now() WHERE status = 2"),
    ("notify.once", "UPDATE notify.message SET message_id = 'the same'"),
]


@pytest.mark.parametrize("invariant, harm", BROKEN, ids=[f"{i}-{name}" for i, (name, _) in enumerate(BROKEN)])
def test_a_broken_invariant_is_named(calm, invariant, harm):
    with broken(calm) as change:
        if callable(harm):
            harm(change)
        else:
            assert sum(change(part).rowcount for part in harm.split(";")) > 0, "nothing was broken"
        done = verify(calm, "calm")
    assert done.returncode == 1, done.stdout + done.stderr
    named = [line for line in done.stdout.splitlines() if line.startswith(invariant + ": ")]
    assert named, done.stdout
    assert re.search(r"\d", named[0]), "it says which"


def test_the_copy_is_clean_after_all_that(calm):
    done = verify(calm, "calm")
    assert done.returncode == 0 and "verify: clean" in done.stdout, done.stdout


def test_at_most_twenty_differences_are_shown_and_all_are_counted(calm):
    with broken(calm) as change:
        number = change("UPDATE inventory.level SET on_hand = on_hand + 1").rowcount
        done = verify(calm, "calm")
    shown = [line for line in done.stdout.splitlines() if line.startswith("stock.balance: ")]
    assert number > 20 and len(shown) == 21 and shown[-1] == f"stock.balance: and {number - 20} more", done.stdout
    assert done.stdout.splitlines()[-1] == f"verify: {number} differences"


# ---- strict, parked, and away ----

def test_strict_asks_for_a_moment_of_rest(calm):
    with broken(calm) as change:
        change("DELETE FROM inventory.hold WHERE asked_at IS NOT NULL")
        change("""UPDATE gateway.inbox_delivery SET status = 1, done_at = NULL WHERE status = 4""")
        change("""UPDATE notify.cursor c SET position = e.position, event_id = e.event_id
                  FROM fulfillment.event e WHERE c.source = 'fulfillment' AND e.position = c.position - 1""")
        change("UPDATE fulfillment.consumer SET committed_position = 0")
        done = verify(calm, "calm", "--strict")
    assert done.returncode == 1 and re.search(r"^strict: notify has read fulfillment up to \d+ of \d+", done.stdout, re.M)


def test_what_is_parked_is_left_out_and_counted(calm):
    with broken(calm) as change:
        order = one(change, f"SELECT {A_RESERVED}")
        change("UPDATE fulfillment.sales_order SET is_confirmed = false WHERE order_id = %s", order)
        change("""UPDATE fulfillment.fulfillment_order SET status = 1
                  WHERE order_id = %s AND status NOT IN (10, 11, 14)""", order)
        assert verify(calm, "calm").returncode == 1
        change("""INSERT INTO fulfillment.parked SELECT gen_random_uuid(), 'orders', position, event_id, type, key,
                      occurred_at, traceparent, actor, payload, 'for a test', false, now()
                  FROM orders.event WHERE key = %s ORDER BY position LIMIT 1""", order)
        done, strict = verify(calm, "calm"), verify(calm, "calm", "--strict")
    assert done.returncode == 0 and "1 events are parked" in done.stdout, done.stdout
    assert strict.returncode == 1 and "strict: fulfillment has parked event" in strict.stdout


def test_a_database_that_is_away_is_no_difference(calm):
    done = verify(calm, "nowhere")
    assert done.returncode == 2 and "nowhere" in done.stderr
