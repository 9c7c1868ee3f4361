#!/usr/bin/python3
"""How fast orders are found: lists and searches over HTTP with a million orders, while others are being placed.

    /usr/bin/python3 tests/bench/search.py [--orders 1000000] [--rounds 40] [--home FOLDER] [--keep]

Loads orders straight into the tables (names, telephones, products of a plausible variety), lets the search index
take them in, and prints its cost, then the median and the 99th percentile of each kind of question, newest first,
fifty rows a page, each round with another word. Everything shares the machine.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import signal
import statistics
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness
import psycopg

SURNAMES = "陳李張黃何林吳鄭葉王趙周徐孫馬朱胡郭羅梁"
GIVEN = "大文小明美玲志偉家豪詠詩嘉欣俊傑淑芬雅婷建國子軒曉彤浩然思穎國榮麗華永康佩珊"
KINDS = "T恤 外套 長褲 短裙 帽子 圍巾 襪子 背包 雨傘 保溫瓶 毛衣 襯衫 手套 皮帶 涼鞋".split()
STUFFS = "純棉 亞麻 羊毛 絲質 防水 輕量 加厚 有機 再生 抗菌".split()
COLOURS = "黑色 白色 海軍藍 米白 墨綠 酒紅 深灰 卡其 粉紅 天藍".split()

LOAD = """
SET synchronous_commit = off;
CREATE TEMP TABLE product AS
    SELECT n - 1 AS n, 'SKU-' || to_char(n, 'FM0000') || '-' || (ARRAY['S','M','L'])[1 + n %% 3] AS sku,
           (%(stuffs)s::text[])[1 + n / 15 %% 10] || (%(kinds)s::text[])[1 + n %% 15] || ' '
           || (%(colours)s::text[])[1 + n / 150 %% 10] || ' ' || n AS name
    FROM generate_series(1, 3000) AS n;
CREATE UNIQUE INDEX ON product (n);
CREATE TEMP TABLE new_order AS
    SELECT n, gen_random_uuid() AS id, to_timestamp(1700000000 + (n + %(first)s) * 31.5) AS placed_at,
           (ARRAY['shop','hktv','web','pos'])[1 + (random() * random() * 4)::int %% 4] AS channel,
           CASE WHEN r < 0.02 THEN 2 WHEN r < 0.12 THEN 3 WHEN r < 0.97 THEN 4 ELSE 6 END AS status,
           (ARRAY[%(surnames)s])[1 + (random() * %(nsurnames)s)::int %% %(nsurnames)s]
           || substr(%(given)s, 1 + (random() * 24)::int * 2, 2) AS customer,
           '+852 ' || (ARRAY[5,6,9])[1 + (random() * 3)::int %% 3] || to_char(random() * 9999999, 'FM0000000') AS phone,
           (random() * 2999)::int AS p1, (random() * 2999)::int AS p2, 1 + (random() * 2)::int AS lines,
           100 * (50 + (random() * 900)::int) AS price
    FROM (SELECT n, random() AS r FROM generate_series(1, %(count)s) AS n) AS s;
INSERT INTO orders.orders (id, placed_at, created_at, updated_at, version, items_total, discount_total, shipping_total,
        tax_total, charges_total, total, current_total, cancelled_value, captured_total, refunded_total, hold_count,
        status, payment_status, fulfillment_status, stock_policy, prices_include_tax, number, channel, external_id,
        external_number, currency, locale, country, cancel_reason, created_by, customer_id, customer_external_id,
        customer_name, email, phone, details)
    SELECT id, placed_at, placed_at, placed_at, 1, price * lines, 0, 0, 0, 0, price * lines, price * lines, 0,
           price * lines, 0, 0, status, 5, CASE status WHEN 4 THEN 5 ELSE 1 END, 2, true,
           upper(channel) || '-L' || (n + %(first)s), channel, 'x' || (5000000000 + n + %(first)s), '#' || (n + %(first)s), 'HKD',
           'zh-Hant', 'HK', '', 'bench:load', '', '', customer,
           'u' || (random() * 9999999)::int || (ARRAY['@gmail.com','@yahoo.com.hk','@example.com'])[1 + n %% 3], phone, ''
    FROM new_order;
INSERT INTO orders.order_number (number, order_id) SELECT upper(channel) || '-L' || (n + %(first)s), id FROM new_order;
INSERT INTO orders.order_external (channel, external_id, order_id)
    SELECT channel, 'x' || (5000000000 + n + %(first)s), id FROM new_order;
INSERT INTO orders.order_line (order_id, id, quantity, unit_price, discount, tax, total, cancelled, allocated_total,
        unallocated, reserved, fulfilled, line_no, is_custom, no_shipping, sku, name, external_id)
    SELECT o.id, gen_random_uuid(), 1, price, 0, 0, price, 0, 1, 0, 1, 0, k, false, false, p.sku, p.name, ''
    FROM new_order o CROSS JOIN LATERAL generate_series(0, o.lines - 1) AS k
    JOIN product p ON p.n = (CASE k WHEN 0 THEN o.p1 ELSE (o.p2 + k) %% 3000 END);
INSERT INTO orders.event (position, event_id, type, key, occurred_at, actor, payload)
    SELECT (SELECT coalesce(max(position), 0) FROM orders.event) + row_number() OVER (ORDER BY n), gen_random_uuid(),
           'OrderPlaced', id::text, placed_at, 'bench:load', ''
    FROM new_order;
DROP TABLE product, new_order;
"""


def database(home):
    import re
    where = re.search(r'database = "([^"]*)"', home.conf).group(1)
    return psycopg.connect(f"{where} user=penstock", autocommit=True)


def load(home, connection, orders):
    """In steps, so that no statement becomes too large; then the writer reads its own log again."""
    step = 100_000
    others = [name for name in harness.SERVICES if name != "orders"]
    pids = home.pids()
    for name in others:  # they would read events that tell nothing
        os.kill(pids[name], signal.SIGSTOP)
    for first in range(0, orders, step):
        words = dict(stuffs=STUFFS, kinds=KINDS, colours=COLOURS, surnames=list(SURNAMES), nsurnames=len(SURNAMES),
                     given=GIVEN, first=first, count=min(step, orders - first))
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(LOAD.replace("ARRAY[%(surnames)s]", "%(surnames)s::text[]"), words)
        print(f"  {first + step:,} loaded", file=sys.stderr)
    connection.execute("VACUUM ANALYZE orders.orders, orders.order_line")
    for name in others:
        connection.execute(f"""UPDATE {name}.cursor SET (position, event_id) =
            (SELECT position, event_id FROM orders.event ORDER BY position DESC LIMIT 1) WHERE source = 'orders'""")
    for name in harness.SERVICES:
        os.kill(pids[name], signal.SIGKILL)


def index(home, connection):
    """Waits for the projection and says what it cost."""
    ours = "SELECT position FROM orders.cursor WHERE source = 'projection:search_segments'"
    head = connection.execute("SELECT max(position) FROM orders.event").fetchone()[0]
    backend = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%%search_segments%%'"
    harness.wait_for(lambda: connection.execute(backend).fetchone(), 60)
    pid = connection.execute(backend).fetchone()[0]
    service = harness.wait_for(lambda: home.pids(check=False).get("orders"), 60)

    def cpu(process):
        fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    began, at = time.time(), connection.execute(ours).fetchone()[0]
    before = cpu(pid), cpu(service)
    while connection.execute(ours).fetchone()[0] < head:
        time.sleep(0.5)
    seconds, count = time.time() - began, max(1, head - at)
    size = connection.execute("SELECT pg_total_relation_size('orders.search_block') + pg_total_relation_size('orders.search_doc')").fetchone()[0]
    segments = connection.execute("SELECT count(*) FROM orders.search_segment WHERE retired_at IS NULL").fetchone()[0]
    print(f"search index: {count:,} orders in {seconds:.1f} s; PostgreSQL {(cpu(pid) - before[0]) / count * 1e6:.1f} us, "
          f"orders {(cpu(service) - before[1]) / count * 1e6:.1f} us of CPU each; {segments} segments, {size / 1e6:.0f} MB")


def questions(orders):
    pick = random.choice
    yield "newest", lambda: {}
    yield "a status", lambda: {"status": pick(["pending", "confirmed", "cancelled"])}
    yield "channel and status", lambda: {"q": f"status:pending channel:{pick(['shop', 'hktv', 'web'])}"}
    yield "telephone, whole", lambda: {"q": f"9{random.randrange(10**7):07}"}
    yield "telephone, five digits", lambda: {"q": f"{random.randrange(10**5):05}"}
    yield "telephone, four digits", lambda: {"q": f"phone:{random.randrange(10**4):04}"}
    yield "number", lambda: {"q": f"SHOP-L{random.randrange(orders)}"}
    yield "part of a number", lambda: {"q": f"L{random.randrange(orders):05}"[:6]}
    yield "two characters of a name", lambda: {"q": "name:" + pick(SURNAMES) + pick(GIVEN)}
    yield "product in Chinese", lambda: {"q": pick(STUFFS)}
    yield "product and status", lambda: {"q": f"{pick(STUFFS)}{pick(KINDS)} status:pending"}
    yield "SKU", lambda: {"sku": f"SKU-{random.randrange(3000):04}-M"}
    yield "e-mail", lambda: {"q": f"u{random.randrange(10**7)}@gmail.com"}
    yield "two words and a day", lambda: {"q": f"{pick(COLOURS)} {pick(SURNAMES)}{pick(GIVEN)} placed:<2024-03-01"}
    yield "nothing there", lambda: {"q": "不存在的東西"}
    yield "amount", lambda: {"q": f"total:{random.randrange(900, 950)}..960"}


class Asker:
    def __init__(self, home):
        self.home, (self.host, self.port) = home, home.address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(self.host, int(self.port), timeout=30)

    def get(self, **query):
        began = time.perf_counter()
        self.connection.request("GET", "/v1/orders?" + urllib.parse.urlencode(query),
                                headers={"Authorization": f"Bearer {self.home.owner_key}"})
        answer = self.connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        assert answer.status == 200, body
        return took * 1000, body


def place_orders(home, stop, placed):
    client = home.client(home.owner_key)
    while not stop.is_set():
        client.post("/v1/orders", harness.order_body("BENCH", 1))
        placed[0] += 1


def ask(home, orders, rounds):
    asker = Asker(home)
    stop, placed = threading.Event(), [0]
    placer = threading.Thread(target=place_orders, args=(home, stop, placed))
    placer.start()
    everything = []
    print(f"{'question':28} {'found':>6} {'p50 ms':>8} {'p99 ms':>8}")
    for name, make in questions(orders):
        times, found = [], 0
        for _ in range(rounds):
            took, body = asker.get(limit=50, **make())
            times.append(took)
            found += len(json.loads(body)["data"])
        everything += times
        print(f"{name:28} {found / rounds:6.1f} {statistics.median(times):8.2f} {sorted(times)[int(len(times) * 0.99)]:8.2f}")
    cursor = None
    times = []
    for _ in range(rounds):
        took, body = asker.get(limit=50, q="純棉", **({"cursor": cursor} if cursor else {}))
        cursor = json.loads(body).get("next_cursor")
        times.append(took)
    print(f"{'page by page':28} {50:6} {statistics.median(times):8.2f} {sorted(times)[int(len(times) * 0.99)]:8.2f}")
    stop.set()
    placer.join()
    print(f"all: p50 {statistics.median(everything):.2f} ms, p99 {sorted(everything)[int(len(everything) * 0.99)]:.2f} ms, "
          f"{placed[0]} orders placed meanwhile")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--keep", action="store_true", help="leave the home running, and say where it is")
    options = options.parse_args()
    random.seed(1)
    home = harness.Home().start()
    try:
        with database(home) as connection:
            load(home, connection, options.orders)
            index(home, connection)
        harness.wait_for(home.is_ready, 60)
        harness.add_location(home)
        harness.add_item(home, "BENCH", "純棉T恤")
        harness.add_stock(home, "BENCH", 1_000_000)
        ask(home, options.orders, options.rounds)
    finally:
        if options.keep:
            print(f"home: {home.folder} http://{home.address} key {home.owner_key}")
        else:
            home.close()


if __name__ == "__main__":
    main()
