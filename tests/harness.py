"""What the system tests share: a home of Penstock of their own, and the ways into it that everybody has.

A Home is a folder with its own PostgreSQL, its own services and a free port; tests see it over HTTP, through the
command line, in the mails that it sends and, to count rows, in its database. Nothing here knows how it works inside.
"""
import base64
import decimal
import email
import email.policy
import hashlib
import hmac
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[1]
PENSTOCK = ROOT / os.environ.get("PENSTOCK_BIN", "build/bin") / "penstock"
SAMPLES = ROOT.parent / "shared" / "channels" / "samples"
SERVICES = ("inventory", "orders", "fulfillment", "returns", "notify", "gateway")


class Answer:
    """An HTTP answer: status, headers, the bytes, and the JSON in them if it is that."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.json = None
        if "json" in headers.get("Content-Type", "") and body:
            self.json = json.loads(body)

    def __getitem__(self, name):
        return self.json[name]

    def __repr__(self):
        return f"<{self.status} {self.body[:600].decode(errors='replace')}>"


class Client:
    """One connection, used by one thread; made anew when it was closed."""

    def __init__(self, address, key=None, timeout=20):
        self.address, self.key, self.timeout = address, key, timeout
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def send(self, method, path, body=None, headers=None):
        """One request, as it is. What goes wrong on the way is the caller's: OSError, HTTPException."""
        if self.connection is None:
            host, port = self.address.rsplit(":", 1)
            self.connection = http.client.HTTPConnection(host, int(port), timeout=self.timeout)
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def call(self, method, path, body=None, idempotency=None, query=None, headers=None):
        """A request of the API; a POST gets an Idempotency-Key of its own unless idempotency says another, or False."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        sent = {"Accept": "application/json", **(headers or {})}
        if self.key:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if method == "POST" and idempotency is not False:
            sent["Idempotency-Key"] = idempotency or str(uuid.uuid4())
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            return self.send(method, path, body, sent)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # A connection that was kept open may be closed meanwhile; keys make the repeat harmless.
            return self.send(method, path, body, sent)

    def get(self, path, **query):
        answer = self.call("GET", path, query=query)
        assert answer.status == 200, (path, query, answer)
        return answer.json

    def post(self, path, body=None, status=None, **more):
        answer = self.call("POST", path, {} if body is None else body, **more)
        assert answer.status in ((status,) if status else (200, 201)), (path, body, answer)
        return answer.json

    def delete(self, path, status=(200, 204)):
        answer = self.call("DELETE", path)
        assert answer.status in status, (path, answer)
        return answer.json

    def pages(self, path, **query):
        """All of a list, page by page."""
        found = []
        while True:
            page = self.get(path, **query)
            found += page["data"]
            if not page["next_cursor"]:
                return found
            query["cursor"] = page["next_cursor"]


class Home:
    """A home that runs, from start() to close(). Extra settings go by environment: PENSTOCK_NOTIFY_SMTP_URL=..."""

    def __init__(self, **environment):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test."))
        self.folder.chmod(0o755)  # as root, PostgreSQL's own user must reach its folder
        self.environment = {**os.environ, **environment}
        self.address = self.owner_key = None
        self.conf = ""
        self.local = threading.local()

    # ---- life ----

    def penstock(self, *words, check=True, timeout=120):
        done = subprocess.run([PENSTOCK, *words, "--home", self.folder], capture_output=True, text=True,
                              env=self.environment, timeout=timeout, cwd="/")
        if check and done.returncode != 0:
            raise AssertionError(f"penstock {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start(self):
        # The port is chosen once: clients find the service again after it was killed.
        where = self.address or f"127.0.0.1:{free_port()}"
        self.penstock("up", "--http", where)
        self.conf = (self.folder / "penstock.conf").read_text()
        self.address = re.search(r"http://(\S+)", self.penstock("status").stdout).group(1)
        if self.owner_key is None:
            self.owner_key = self.key("owner")
        return self

    def stop(self):
        self.penstock("down")

    def close(self):
        """Ends everything by its id and removes the folder."""
        pids = self.pids(check=False)
        done = self.penstock("down", check=False)
        if done.returncode != 0:
            for pid in pids.values():
                end(pid)
        for setting in ("run_directory = \"", "host="):
            for path in re.findall(setting + r"([^\s\";]+)", self.conf):
                if path.startswith(str(self.folder)) or "penstock" in path:
                    shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def pids(self, check=True):
        """Each process by name: supervisor, postgres and the services."""
        status = self.penstock("status", check=False).stdout
        found = {m[1]: int(m[2]) for m in re.finditer(r"^([a-z]+) +(\d+) ", status, re.M)}
        assert found or not check, status
        return {name: pid for name, pid in found.items() if pid > 0}

    def kill(self, name, pids=None):
        pid = (pids or self.pids()).get(name)
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid

    def is_ready(self):
        return self.penstock("status", check=False).returncode == 0

    # ---- ways in ----

    def key(self, role):
        return self.penstock("key", "create", "--role", role).stdout.strip()

    def channel(self, name, kind, secret, *more):
        self.penstock("channel", "add", "--type", kind, "--name", name, "--secret", secret, *more)

    @property
    def api(self):
        """The owner's client, one for each thread."""
        client = getattr(self.local, "client", None)
        if client is None or client.address != self.address:
            client = self.local.client = Client(self.address, self.owner_key)
        return client

    def client(self, key=None):
        return Client(self.address, key)

    def verify(self, *more):
        done = self.penstock("verify", *more, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, sql, *values):
        """Straight from the database, as its owner: for what no interface tells."""
        database = re.search(r'database = "([^"]*)"', self.conf).group(1)
        with psycopg.connect(f"{database} user=penstock", autocommit=True) as connection:
            return connection.execute(sql, values or None).fetchall()

    def row_counts(self):
        """How many rows each table holds, but those that count time and not facts."""
        tables = self.rows("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s) AND tablename !~ %s",
                           [*SERVICES], "^(leader|cursor|consumer|attempt|audit.*|api_key|key|session)$")
        counts = " UNION ALL ".join(f"SELECT '{s}.{t}', (SELECT count(*) FROM {s}.{t})" for s, t in sorted(tables))
        return dict(self.rows(counts))

    # ---- mail ----

    def mail_files(self):
        folder = pathlib.Path(re.search(r'maildir = "([^"]*)"', self.conf).group(1))
        return [path for part in ("new", "cur") for path in sorted((folder / part).glob("*"))]

    def mails(self):
        """Every mail in the Maildir, read by Python's parser, oldest first."""
        return [Mail(path) for path in self.mail_files()]

    # ---- waiting ----

    def settle(self, timeout=30):
        """Waits until every service has taken what the others have told, and the inbox is worked off."""
        wait_for(self._is_settled, timeout, lambda: f"the services do not catch up: {self.positions()}")

    def positions(self):
        """Each log's head, and each subscription's cursor by (reader, log)."""
        text = self.client().send("GET", "/metrics").body.decode()
        heads = {m[1]: int(m[2]) for m in re.finditer(r'^penstock_head_position\{service="(\w+)"\} (\d+)', text, re.M)}
        cursors = {(m[1], m[2]): int(m[3]) for m in re.finditer(
            r'^penstock_subscription_cursor_position\{service="(\w+)",source="(\w+)"\} (\d+)', text, re.M)}
        return heads, cursors

    def _is_settled(self):
        before = self.positions()
        heads, cursors = before
        if set(heads) != set(SERVICES) or any(heads[source] != at for (_, source), at in cursors.items()):
            return False
        # What one reader has just taken may have made it tell something itself.
        return not self.api.get("/v1/inbox", status="received")["data"] and self.positions() == before


class Mail:
    """A mail as its reader sees it."""

    def __init__(self, path):
        self.path, self.raw = path, path.read_bytes()
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)
        self.subject, self.id = self.message["Subject"], self.message["Message-ID"]
        self.to = [a.addr_spec for a in self.message["To"].addresses]
        self.language = self.message["Content-Language"]
        self.text = self._part("plain")
        self.html = self._part("html")

    def _part(self, kind):
        part = self.message.get_body((kind,))
        assert not part.defects, (self.path, part.defects)
        return part.get_content()


# ---- channels ----

def sign(secret, body):
    """As Shopify and WooCommerce sign: base64 of the HMAC-SHA256 of the bytes."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def post_shopify(home, channel, secret, topic, body, **headers):
    """A webhook as Shopify sends it; headers by their names without X-Shopify-, with _ for -."""
    body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    sent = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": sign(secret, body),
            "X-Shopify-Shop-Domain": "shan-hai.myshopify.com", "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "Content-Type": "application/json"}
    for name, value in headers.items():
        sent["X-Shopify-" + name.replace("_", "-")] = value
    return home.client().send("POST", f"/hooks/{channel}", body, sent)


def post_woocommerce(home, channel, secret, topic, body, **headers):
    body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    resource, _, event = topic.partition(".")
    sent = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Resource": resource, "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": sign(secret, body), "X-WC-Webhook-Source": "https://shop.example.com/",
            "X-WC-Webhook-ID": "7", "X-WC-Webhook-Delivery-ID": uuid.uuid4().hex, "Content-Type": "application/json"}
    for name, value in headers.items():
        sent["X-WC-Webhook-" + name.replace("_", "-")] = value
    return home.client().send("POST", f"/hooks/{channel}", body, sent)


# ---- small things ----

def money(amount, currency="HKD"):
    return {"amount": amount, "currency": currency}


def order_body(sku, quantity=1, price="120.00", currency="HKD", **more):
    """An order as the web shop places it."""
    total = str(decimal.Decimal(price) * quantity)
    body = {"channel": "web", "currency": currency, "locale": "zh-Hant", "stock_policy": "require",
            "customer": {"name": "陳大文", "email": "tm@example.com", "phone": "+85291234567"},
            "shipping_address": {"name": "陳大文", "phone": "+85291234567", "address1": "觀塘道 1 號", "city": "觀塘",
                                 "country": "HK"},
            "lines": [{"sku": sku, "quantity": quantity, "unit_price": money(price, currency)}],
            "prices_include_tax": True,
            "payments": [{"method": "card", "status": "captured", "amount": money(total, currency)}]}
    body.update(more)
    return body


def add_item(home, sku, name=None, price="120.00", currency="HKD"):
    home.api.post("/v1/items", {"sku": sku, "name": name or sku, "price": money(price, currency)}, status=201)


def add_stock(home, sku, quantity, location="hk-main"):
    return home.api.post("/v1/adjustments",
                         {"location": location, "sku": sku, "delta": quantity, "reason": "received"}, status=201)


def add_location(home, code="hk-main", name="觀塘倉", kind="warehouse"):
    home.api.post("/v1/locations", {"code": code, "name": name, "type": kind}, status=201)


def level(home, sku, location="hk-main"):
    found = [row for row in home.api.get("/v1/levels", sku=sku)["data"] if row["location"] == location]
    assert len(found) == 1, found
    return found[0]


def wait_for(condition, timeout=15, message="it does not come true"):
    """The condition's first true value; asked again every 20 ms, and ever less often."""
    end_at = time.monotonic() + timeout
    for pause in itertools.chain((0.02, 0.02, 0.05, 0.05, 0.1), itertools.repeat(0.2)):
        value = condition()
        if value:
            return value
        assert time.monotonic() < end_at, message() if callable(message) else message
        time.sleep(pause)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
