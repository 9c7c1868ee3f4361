#!/usr/bin/python3
"""How many durable orders a second: three lines each, stock reserved before the answer, over HTTP.

    /usr/bin/python3 tests/bench/bench.py [--peak 30] [--sustained 300] [--home FOLDER]

Prints figures of one run on one machine, and their ratio to pgbench inserting the rows that an order leaves behind
at the moment it is acknowledged, one order per transaction, into copies of the same tables, at pgbench's best
client count. Everything shares the machine: the load generator, the six services and PostgreSQL.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PENSTOCK = os.path.join(ROOT, os.environ.get("PENSTOCK_BIN", "build/bin"), "penstock")
SKUS = 300
STOCK = 100_000_000
SERVICES = ("gateway", "orders", "inventory", "fulfillment", "returns", "notify")


def penstock(home, *words):
    done = subprocess.run([PENSTOCK, words[0], *words[1:], "--home", home], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"penstock {' '.join(words)}: {done.stderr or done.stdout}")
    return done.stdout


class Shop:
    def __init__(self, home):
        self.home = home
        penstock(home, "up", "--http", "127.0.0.1:0")
        status = penstock(home, "status")
        self.url = re.search(r"http://\S+", status).group(0)
        self.pids = {m[1]: int(m[2]) for m in re.finditer(r"^(\w+)\s+(\d+)", status, re.M)}
        self.key = penstock(home, "key", "create", "--role", "owner").strip()

    def post(self, path, body, key=None):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def stock(self):
        self.post("/v1/locations", {"code": "hk-main", "name": "觀塘倉", "type": "warehouse"})
        for i in range(1, SKUS + 1):
            sku = f"BENCH-{i:04d}"
            self.post("/v1/items", {"sku": sku, "name": f"純棉T恤 {i}", "price": {"amount": "120.00", "currency": "HKD"}})
            self.post("/v1/adjustments", {"location": "hk-main", "sku": sku, "delta": STOCK, "reason": "received"}, f"bench/{sku}")

    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=30) as answer:
            return answer.read().decode()

    def lag(self):
        """Events that each subscription has still to take, in all."""
        return sum(int(v) for v in re.findall(r"^penstock_subscription_lag_events\{[^}]*\} (\d+)", self.metrics(), re.M))

    def cpu_seconds(self):
        tick = os.sysconf("SC_CLK_TCK")
        seconds = {}
        for name, pid in self.pids.items():
            pids = [pid]
            if name == "postgres":
                pids += [int(p) for p in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()]
            seconds[name] = 0.0
            for p in pids:
                try:
                    fields = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
                    seconds[name] += (int(fields[11]) + int(fields[12])) / tick
                except OSError:
                    pass
        return seconds

    def resident_mb(self):
        total = 0
        for name in SERVICES:
            status = open(f"/proc/{self.pids[name]}/status").read()
            total += int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))
        return total / 1024

    def wrk(self, connections, seconds, delay_ms=0):
        env = dict(os.environ, KEY=self.key, SKUS=str(SKUS), RUN=f"{connections}-{time.time_ns()}", DELAY_MS=str(delay_ms))
        done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s",
                               os.path.join(ROOT, "tests/bench/order.lua"), self.url], env=env, capture_output=True, text=True)
        found = re.search(r"^RESULT (.*)$", done.stdout, re.M)
        if not found:
            sys.exit("wrk failed: " + done.stdout + done.stderr)
        result = json.loads(found.group(1))
        result["acknowledged"] = result["requests"] - result["refused"]
        result["per_second"] = result["acknowledged"] / result["seconds"]
        return result

    def wait_idle(self, seconds=600):
        until = time.time() + seconds
        while self.lag() > 0 and time.time() < until:
            time.sleep(0.5)


def psql_environment(shop):
    dsn = re.search(r'database = "([^"]+)"', open(os.path.join(shop.home, "penstock.conf")).read()).group(1)
    env = dict(os.environ, PGUSER="penstock")
    for part in dsn.split():
        name, value = part.split("=", 1)
        env[{"host": "PGHOST", "dbname": "PGDATABASE"}[name]] = value
    return env


def warm_up(shop, seconds=20):
    """A new cluster first has to make the files of its write-ahead log, with zeros, where one that has run for a while uses old ones again."""
    warm = shop.wrk(256, seconds)
    shop.wait_idle()
    subprocess.run(["psql", "-qAtX", "-c", "CHECKPOINT"], env=psql_environment(shop), check=True)
    print(f"warmed up with {warm['acknowledged']:,} orders", flush=True)


def peak(shop, connections, seconds):
    before = shop.cpu_seconds()
    result = shop.wrk(connections, seconds)
    after = shop.cpu_seconds()
    lag = shop.lag()
    print(f"peak, {connections} connections, {seconds} s: {result['per_second']:,.0f} orders/s acknowledged, p50 {result['p50_ms']:.1f} ms, "
          f"p99 {result['p99_ms']:.1f} ms, refused {result['refused']}, socket errors {result['socket_errors']}, followers behind by {lag:,} events")
    each = ", ".join(f"{n} {1e6 * (after[n] - before[n]) / max(1, result['acknowledged']):.0f}" for n in ("gateway", "orders", "inventory", "fulfillment", "returns", "notify", "postgres"))
    print(f"    CPU per acknowledged order, microseconds: {each}")
    started = time.time()
    shop.wait_idle()
    print(f"    followers caught up {time.time() - started:.1f} s after it")
    return result


def sustained(shop, seconds):
    """The load is throttled until no lag grows; what is reported is what was acknowledged while it ran."""
    samples, stop = [], threading.Event()

    def sample():
        while not stop.wait(5):
            samples.append(shop.lag())

    sampler = threading.Thread(target=sample)
    sampler.start()
    result = shop.wrk(64, seconds, delay_ms=int(os.environ.get("SUSTAINED_DELAY_MS", "10")))
    stop.set()
    sampler.join()
    half = len(samples) // 2 or 1
    first, second = max(samples[:half] or [0]), max(samples[half:] or [0])
    grows = second > first + first // 5 + 20_000
    print(f"sustained, {seconds} s: {result['per_second']:,.0f} orders/s, p50 {result['p50_ms']:.1f} ms, p99 {result['p99_ms']:.1f} ms; "
          f"largest lag {first:,} events in the first half, {second:,} in the second: {'GROWS' if grows else 'does not grow'}")
    return result, grows


# The tables that one acknowledged order leaves rows in, and what must be new in each row.
SAME_ROWS = {
    "orders.orders": {"id": ":'id'::uuid", "number": "'B-' || :n::bigint"},
    "orders.order_line": {"order_id": ":'id'::uuid", "id": "gen_random_uuid()"},
    "orders.payment": {"order_id": ":'id'::uuid", "id": "gen_random_uuid()"},
    "orders.order_number": {"order_id": ":'id'::uuid", "number": "'B-' || :n::bigint"},
    "orders.order_external": {"order_id": ":'id'::uuid", "external_id": "'B-' || :n::bigint"},
    "orders.command": {"id": "gen_random_uuid()"},
    "orders.event": {"position": ":n::bigint", "event_id": ":'id'::uuid"},
    "inventory.hold": {"hold_id": ":'id'::uuid", "command_key": "gen_random_uuid()"},
    "inventory.movement": {"position": ":n::bigint * 4 + row_number() OVER ()", "cause_id": ":'id'::uuid"},
}
# Where the rows of one sample order are; a hold of it is there only until its event is read.
SAMPLE = {
    "orders.order_line": "order_id = (SELECT id FROM orders.orders LIMIT 1)",
    "orders.payment": "order_id = (SELECT id FROM orders.orders LIMIT 1)",
}
LIMITS = {"orders.order_line": 3, "inventory.movement": 3}


def same_rows_script(psql):
    psql("DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench")
    parts = ["\\set n random(1, 4000000000000)", "\\set a random(0, 2147483647)", "\\set b random(0, 2147483647)"]
    statements = []
    for table, new in SAME_ROWS.items():
        name = table.replace(".", "_")
        source = {"orders.command": "orders.command_0", "orders.event": "orders.event_00"}.get(table, table)
        psql(f"CREATE TABLE bench.{name} (LIKE {source} INCLUDING ALL)")
        rows = f"SELECT * FROM {table} WHERE {SAMPLE.get(table, 'true')} LIMIT {LIMITS.get(table, 1)}"
        psql(f"CREATE TABLE bench.sample_{name} AS {rows}")
        if table == "inventory.hold":
            psql(HOLD_SAMPLE)
        columns = psql(f"SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns "
                       f"WHERE table_schema = 'bench' AND table_name = '{name}'").strip().split(",")
        values = ", ".join(new.get(c, c) for c in columns)
        statements.append(f"INSERT INTO bench.{name} ({', '.join(columns)}) SELECT {values} FROM bench.sample_{name};")
    script = "\n".join(parts + ["BEGIN;"] + statements + ["COMMIT;"]) + "\n"
    # An id that rises with time, as ours do, costs pgbench nothing: it is put together from variables.
    return script.replace(":'id'::uuid", "(lpad(to_hex(:n::bigint), 12, '0') || lpad(to_hex(:a::bigint), 8, '0') || lpad(to_hex(:b::bigint), 12, '0'))::uuid")


HOLD_SAMPLE = """
INSERT INTO bench.sample_inventory_hold (hold_id, claim_id, command_key, question_key, command_id, asker, asked_at, decision,
                                         lines, levels, quantities)
SELECT hold_id, claim_id, gen_random_uuid(), gen_random_uuid(), 'key:0192/orders.PlaceOrder/bench-1-1', 'orders', decided_at, decision,
       '{0,1,2}', '{1,2,3}', '{1,1,1}'
FROM inventory.order_stock WHERE NOT EXISTS (SELECT FROM bench.sample_inventory_hold) LIMIT 1
"""


def pgbench(shop, folder, seconds=10):
    best = 0
    env = psql_environment(shop)

    def psql(sql):
        return subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql], env=env, check=True, capture_output=True, text=True).stdout

    script = os.path.join(folder, "same_rows.pgbench")
    with open(script, "w") as file:
        file.write(same_rows_script(psql))
    program = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))[-1]
    for clients in (1, 4, 8, 16, 32, 64):
        done = subprocess.run([program, "-n", "-M", "prepared", "-f", script, "-c", str(clients), "-j", "2", "-T", str(seconds)],
                              env=env, capture_output=True, text=True)
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if not found:
            sys.exit("pgbench failed: " + done.stderr)
        print(f"    pgbench, {clients} clients: {float(found.group(1)):,.0f} orders/s", flush=True)
        best = max(best, float(found.group(1)))
    psql("DROP SCHEMA bench CASCADE")
    return best


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--peak", type=int, default=30)
    options.add_argument("--sustained", type=int, default=300)
    options.add_argument("--no-pgbench", action="store_true")
    options.add_argument("--home")
    o = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        os.chmod(folder, 0o755)
        shop = Shop(o.home or os.path.join(folder, "home"))
        try:
            print(f"idle memory of the six services: {shop.resident_mb():.0f} MB resident")
            shop.stock()
            warm_up(shop)
            best64, best256 = peak(shop, 64, o.peak), peak(shop, 256, o.peak)
            if o.sustained:
                sustained(shop, o.sustained)
                shop.wait_idle()
            if not o.no_pgbench:
                baseline = pgbench(shop, folder)
                print(f"pgbench's best: {baseline:,.0f} orders/s. Ratio of peak to it: {best64['per_second'] / baseline:.1f} at 64, "
                      f"{best256['per_second'] / baseline:.1f} at 256 connections")
            print("verify:", penstock(shop.home, "verify").strip().splitlines()[-1])
        finally:
            subprocess.run([PENSTOCK, "down", "--home", shop.home], capture_output=True)


if __name__ == "__main__":
    main()
