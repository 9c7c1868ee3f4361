"""Live updates: whoever listens hears what the role may read, at once, and costs nothing otherwise."""
import http.client
import json
import threading
import time
import uuid

from harness import add_item, add_stock, order_body, wait_for


class Listener:
    """A stream of GET /v1/live, read by a thread."""

    def __init__(self, home, key):
        host, port = home.address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.connection.request("GET", "/v1/live", headers={"Authorization": f"Bearer {key}"})
        self.response = self.connection.getresponse()
        self.events, self.is_over = [], False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for line in self.response:
                if line.startswith(b"data: "):
                    self.events.append(json.loads(line[6:]))
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.is_over = True

    def of(self, order):
        return {(e["service"], e["type"]) for e in self.events if e["key"] == order}

    def close(self):
        self.connection.close()


def test_listeners_hear_what_their_role_may_read(home):
    sku = f"LIVE-{uuid.uuid4().hex[:6]}"
    add_item(home, sku)
    add_stock(home, sku, 1000)
    key = home.api.post("/v1/keys", {"name": "listens", "role": "picker"}, status=201)
    owner, picker = Listener(home, home.owner_key), Listener(home, key["secret"])
    assert owner.response.status == 200 and owner.response.headers["Content-Type"] == "text/event-stream"
    time.sleep(0.7)  # the logs' ends have been asked for
    since = time.monotonic()
    order = home.api.post("/v1/orders", order_body(sku))["id"]
    wait_for(lambda: ("orders", "OrderPlaced") in owner.of(order), 5)
    assert time.monotonic() - since < 1.5
    wait_for(lambda: ("notify", "MessageSent") in owner.of(order), 10)
    wait_for(lambda: ("inventory", "StockAllocated") in picker.of(order), 5)
    assert {service for service, _ in picker.of(order)} <= {"inventory", "fulfillment"}
    for event in owner.events:
        assert set(event) == {"type", "key", "service", "position"}
    # Every event once, in order.
    placed = [e["position"] for e in owner.events if e["service"] == "orders"]
    assert placed == list(range(placed[0], placed[0] + len(placed)))

    # Many at once: heard of, or said to have been left out.
    last = [home.api.post("/v1/orders", order_body(sku))["id"] for _ in range(60)][-1]
    wait_for(lambda: owner.of(last) or any(e["type"] == "Lagged" for e in owner.events), 10)

    # A key that is revoked hears no more.
    home.api.delete(f"/v1/keys/{key['id']}")
    wait_for(lambda: picker.is_over, 3)
    assert not owner.is_over
    owner.close()


def test_nobody_listens_without_a_key(home):
    assert home.client().send("GET", "/v1/live").status == 401
