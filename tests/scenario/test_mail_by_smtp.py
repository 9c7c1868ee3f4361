"""Mail through an SMTP server that answers by the recipient's name: what is sent, tried again, given up and doubled."""
import email
import email.policy
import socketserver
import threading

import pytest

import harness
from harness import wait_for

SKU = "SMTP-TEE"


class Session(socketserver.StreamRequestHandler):
    """One connection. The recipient's local part says what happens to the mail."""

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.server.connections += 1
        self.say("220 mail.example.com ready")
        recipient = ""
        while True:
            line = self.rfile.readline()
            verb = line[:4].upper()
            if not line or verb == b"QUIT":
                return
            if verb in (b"EHLO", b"HELO"):
                self.say("250-mail.example.com\r\n250-PIPELINING\r\n250 8BITMIME")
            elif verb == b"RCPT":
                recipient = line.split(b"<", 1)[1].split(b">", 1)[0].decode()
                self.say({"later": "450-4.2.0 greylisted,\r\n450 4.2.0 come again",
                          "never": f"550 5.1.1 <{recipient}>: no such user",
                          "busy": "421 4.3.2 too busy"}.get(recipient.split("@")[0], "250 2.1.5 ok"))
            elif verb == b"DATA":
                self.say("354 go on")
                if not self.take(recipient):
                    return
            else:
                self.say("250 ok")

    def take(self, recipient):
        data = b""
        while not data.endswith(b"\r\n.\r\n"):
            piece = self.rfile.readline()
            if not piece:
                return False
            data += piece
        with self.server.lock:
            self.server.mails.append((recipient, data[:-3].replace(b"\r\n..", b"\r\n.")))
            times = sum(to == recipient for to, _ in self.server.mails)
        if recipient.startswith("silent") and times == 1:
            self.server.holding.set()
            self.server.release.wait(30)
            return False
        self.say("250 2.0.0 queued")
        return True


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.lock, self.mails, self.connections = threading.Lock(), [], 0
        self.holding, self.release = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def of(self, recipient):
        with self.lock:
            return [email.message_from_bytes(data, policy=email.policy.default) for to, data in self.mails if to == recipient]


@pytest.fixture(scope="module")
def server():
    made = MailServer()
    yield made
    made.release.set()
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="module")
def shop(server):
    made = harness.Home(PENSTOCK_NOTIFY_SMTP_URL=f"smtp://127.0.0.1:{server.server_address[1]}",
                        PENSTOCK_NOTIFY_SMTP_TLS="none", PENSTOCK_NOTIFY_SMTP_TIMEOUT_S="20",
                        PENSTOCK_SHOP_NAME="山海雜貨", PENSTOCK_SHOP_MAIL_FROM="shop@example.com")
    try:
        made.start()
        harness.add_location(made)
        harness.add_item(made, SKU)
        harness.add_stock(made, SKU, 1000)
        yield made
    finally:
        made.close()


def place(shop, address):
    return shop.api.post("/v1/orders", harness.order_body(SKU, customer={"name": "陳大文", "email": address}), status=201)


def message(shop, order):
    """The order's message; None while there is none, or while the service that would know is away."""
    answer = shop.api.call("GET", "/v1/messages", query={"order": order["id"]})
    assert answer.status in (200, 503, 504), answer
    return answer["data"][0] if answer.status == 200 and answer["data"] else None


def await_message(shop, order, **wanted):
    def looks_so():
        found = message(shop, order)
        return found if found and all(found[k] == v for k, v in wanted.items()) else None
    return wait_for(looks_so, message=lambda: f"{wanted}: {message(shop, order)}")


def test_a_mail_is_sent_over_a_connection_that_is_kept(shop, server):
    orders = [place(shop, f"ok{i}@example.com") for i in range(20)]
    for i, order in enumerate(orders):
        found = await_message(shop, order, status="sent", attempts=1)
        mail, = server.of(f"ok{i}@example.com")
        assert mail["Message-ID"] == found["message_id"] and not mail.defects
        assert order["number"] in mail["Subject"] and mail["From"].addresses[0].display_name == "山海雜貨"
    assert server.connections <= 4, server.connections


def test_a_temporary_no_is_tried_again_in_a_minute(shop, server):
    for address, code in (("later@example.com", "450"), ("busy@example.com", "421")):
        found = await_message(shop, place(shop, address), status="queued", attempts=1)
        assert found["last_error"].startswith(code) and found["next_attempt_at"], found
        assert found["ambiguous_attempts"] == 0 and server.of(address) == []


def test_a_no_for_good_is_told_with_its_reason_and_without_the_address(shop, server):
    order = place(shop, "never@example.com")
    found = await_message(shop, order, status="failed", attempts=1)
    assert found["last_error"] == "550 5.1.1 *** no such user"
    listed = shop.api.get("/v1/messages", status="failed")["data"]
    assert found["id"] in [m["id"] for m in listed]
    refused = shop.api.call("POST", f"/v1/messages/{await_message(shop, place(shop, 'fine@example.com'), status='sent')['id']}/retry")
    assert refused.status == 409 and refused["code"] == "invalid_state", refused
    shop.api.post(f"/v1/messages/{found['id']}/retry")
    again = await_message(shop, order, status="failed", attempts=2)
    assert again["message_id"] == found["message_id"]


def test_a_death_after_the_final_dot_sends_the_same_mail_again_and_counts_it(shop, server):
    order = place(shop, "silent@example.com")
    assert server.holding.wait(15), message(shop, order)
    shop.kill("notify")
    server.release.set()
    found = await_message(shop, order, status="sent")
    assert (found["attempts"], found["ambiguous_attempts"]) == (2, 1), found
    one, two = server.of("silent@example.com")
    assert one["Message-ID"] == two["Message-ID"] == found["message_id"]


def test_nothing_is_left_unaccounted(shop):
    shop.settle()
    shop.verify()
