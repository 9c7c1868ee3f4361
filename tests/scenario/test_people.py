"""People sign in: cookies, what protects them, roles, and the end of sessions."""
import concurrent.futures
import json
import re
import time
import uuid

import pytest

from harness import Client, wait_for

LONG = "a lamp on the stairs"


class Browser:
    """A person's browser: keeps the cookie and sends the token of GET /v1/session with each change."""

    def __init__(self, home):
        self.client, self.cookie, self.token = home.client(), None, None

    def sign_in(self, email, password, **headers):
        answer = self.send("POST", "/v1/session", {"email": email, "password": password}, **headers)
        if answer.status == 201:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
            self.token = answer["csrf_token"]
        return answer

    def send(self, method, path, body=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if self.token and method != "GET" and "X_CSRF_Token" not in headers:
            sent["X-CSRF-Token"] = self.token
        return self.client.call(method, path, body, headers=sent)


def add(home, role="order_desk", name="林美"):
    """A new person: the address, the password, the id."""
    email = f"{role}.{uuid.uuid4().hex[:8]}@example.com"
    made = home.api.post("/v1/people", {"email": email, "name": name, "role": role}, status=201)
    return email, made["password"], made["id"]


def signed_in(home, role="order_desk"):
    email, password, person = add(home, role)
    browser = Browser(home)
    assert browser.sign_in(email, password).status == 201
    browser.email, browser.password, browser.person = email, password, person
    return browser


def test_a_person_signs_in_and_out(home):
    email, password, person = add(home)
    browser = Browser(home)
    answer = browser.sign_in(email.upper(), password)
    assert answer.status == 201
    assert answer["user"] == {"id": person, "name": "林美", "email": email, "role": "order_desk", "locale": "zh-Hant",
                              "has_first_password": True}
    assert "orders:write" in answer["permissions"] and "settings:write" not in answer["permissions"]
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"penstock_session=[\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict", cookie)
    assert browser.send("GET", "/v1/session").json == answer.json
    assert browser.send("GET", "/v1/orders").status == 200
    ended = browser.send("DELETE", "/v1/session")
    assert ended.status == 204 and ended.body == b"" and "Max-Age=0" in ended.headers["Set-Cookie"]
    assert browser.send("GET", "/v1/session").status == 401


def test_behind_https_the_cookie_is_secure_and_bound_to_the_host(home):
    # The home trusts no proxy: what anybody says of https is not believed.
    email, password, _ = add(home)
    answer = Browser(home).sign_in(email, password, X_Forwarded_Proto="https")
    assert answer.status == 201 and "Secure" not in answer.headers["Set-Cookie"]


def test_what_is_stored_lets_nobody_in(home):
    browser = signed_in(home)
    token = browser.cookie.split("=")[1]
    stored = home.rows("SELECT encode(token_sha256, 'hex'), person_id::text FROM gateway.session")
    assert any(person == browser.person for _, person in stored)
    dump = json.dumps(home.rows("SELECT to_jsonb(s)::text FROM gateway.session s"))
    assert token not in dump and browser.token not in dump
    (kept,), = home.rows("SELECT password_hash FROM gateway.person WHERE id = %s", browser.person)
    assert kept.startswith("$argon2id$v=19$m=65536,t=2,p=1$")


def test_a_change_with_a_cookie_takes_the_token_and_its_own_site(home):
    browser = signed_in(home, "owner")
    body = {"name": "n", "role": "picker"}

    def create(**headers):
        return browser.send("POST", "/v1/keys", body, **headers)
    for headers in ({"X_CSRF_Token": None}, {"X_CSRF_Token": "x"}, {"X_CSRF_Token": signed_in(home).token},
                    {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "none"},
                    {"Origin": "https://evil.example.com"}, {"Origin": "null"}):
        answer = create(**headers)
        assert (answer.status, answer["code"]) == (403, "csrf"), headers
    before = len(home.api.pages("/v1/keys"))
    assert create().status == 201
    assert create(Sec_Fetch_Site="same-origin").status == 201
    assert create(Origin=f"http://{home.address}").status == 201
    assert len(home.api.pages("/v1/keys")) == before + 3
    # A key needs none of it: no browser sends it by itself.
    assert home.api.call("POST", "/v1/keys", body, headers={"Sec-Fetch-Site": "cross-site"}).status == 201


def test_another_sites_page_cannot_sign_somebody_in(home):
    email, password, _ = add(home)
    assert Browser(home).sign_in(email, password, Sec_Fetch_Site="cross-site").status == 403


def test_a_disabled_persons_session_dies_and_nothing_else_does(home):
    browser, other = signed_in(home), signed_in(home)
    disabled = home.api.post(f"/v1/people/{browser.person}/disable")
    assert disabled["is_active"] is False
    wait_for(lambda: browser.send("GET", "/v1/orders").status == 401, 2)
    assert other.send("GET", "/v1/orders").status == 200
    refused = browser.sign_in(browser.email, browser.password)
    assert (refused.status, refused["code"]) == (401, "wrong_credentials")
    home.api.post(f"/v1/people/{browser.person}/enable")
    assert browser.sign_in(browser.email, browser.password).status == 201


def test_another_role_ends_the_sessions_and_another_name_does_not(home):
    browser = signed_in(home)
    home.api.call("PATCH", f"/v1/people/{browser.person}", {"name": "陳大文"})
    wait_for(lambda: browser.send("GET", "/v1/session")["user"]["name"] == "陳大文", 2)
    changed = home.api.call("PATCH", f"/v1/people/{browser.person}", {"role": "picker"})
    assert changed["role"] == "picker"
    wait_for(lambda: browser.send("GET", "/v1/session").status == 401, 2)
    assert browser.sign_in(browser.email, browser.password)["user"]["role"] == "picker"
    assert browser.send("GET", "/v1/orders").status == 403


def test_changing_ones_password_ends_ones_other_sessions(home):
    browser, other = signed_in(home), Browser(home)
    assert other.sign_in(browser.email, browser.password).status == 201

    def change(password, new):
        return browser.send("POST", "/v1/session/password", {"password": password, "new_password": new})
    assert change("not mine", LONG)["code"] == "wrong_password"
    assert change(browser.password, "short")["code"] == "weak_password"
    assert change(browser.password, "password1234")["code"] == "weak_password"
    assert change(browser.password, browser.email)["code"] == "weak_password"
    done = change(browser.password, LONG)
    assert done.status == 200 and done["user"]["has_first_password"] is False
    wait_for(lambda: other.send("GET", "/v1/session").status == 401, 2)
    assert browser.send("GET", "/v1/session").status == 200
    assert other.sign_in(browser.email, browser.password).status == 401
    assert other.sign_in(browser.email, LONG).status == 201


def test_a_reset_makes_a_password_once_and_ends_the_sessions(home):
    browser = signed_in(home)
    path = f"/v1/people/{browser.person}/password"
    made = home.api.post(path, idempotency="reset-" + browser.person)
    assert made["password"] and made["password"] != browser.password
    again = home.api.post(path, idempotency="reset-" + browser.person)
    assert again["password"] is None
    wait_for(lambda: browser.send("GET", "/v1/session").status == 401, 2)
    assert browser.sign_in(browser.email, browser.password).status == 401
    assert browser.sign_in(browser.email, made["password"]).status == 201


def test_failures_are_slowed_down_and_others_are_not(home):
    email, password, _ = add(home)
    browser = Browser(home)
    statuses = [browser.sign_in(email, "wrong").status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    slowed = browser.sign_in(email, password)
    assert slowed.status == 429 and slowed["code"] == "too_many_attempts" and int(slowed.headers["Retry-After"]) >= 1
    other_email, other_password, _ = add(home)
    assert Browser(home).sign_in(other_email, other_password).status == 201
    wait_for(lambda: browser.sign_in(email, password).status == 201, 5)


def test_a_crowd_that_signs_in_is_told_to_come_again(home):
    email, password, _ = add(home)

    def attempt(number):
        return Browser(home).sign_in(f"crowd.{number}@example.com", "wrong")
    with concurrent.futures.ThreadPoolExecutor(80) as pool:
        answers = list(pool.map(attempt, range(80)))
    assert {a.status for a in answers} == {401, 503}
    assert all(a.headers["Retry-After"] for a in answers if a.status == 503)
    # Meanwhile everything else is answered, and afterwards people sign in again.
    assert home.api.call("GET", "/v1/orders").status == 200
    assert Browser(home).sign_in(email, password).status == 201


def test_an_unknown_person_costs_as_long_as_a_wrong_password(home):
    email, _, _ = add(home)
    nobody = f"nobody.{uuid.uuid4().hex[:8]}@example.com"

    def took(address):
        since = time.monotonic()
        assert Browser(home).sign_in(address, "wrong").status == 401
        return time.monotonic() - since
    # The quickest of four, taken in turns: other work only ever makes an answer later.
    pairs = [(took(email), took(nobody)) for _ in range(4)]
    known, unknown = (min(times) for times in zip(*pairs))
    assert 0.4 < known / unknown < 2.5, (known, unknown)


def test_the_last_owner_stays_one(home):
    owner = signed_in(home, "owner")
    others = [p for p in home.api.pages("/v1/people") if p["role"] == "owner" and p["is_active"]]
    others = [person["id"] for person in others if person["id"] != owner.person]
    for person in others:
        home.api.post(f"/v1/people/{person}/disable")
    refused = home.api.call("POST", f"/v1/people/{owner.person}/disable", {})
    assert (refused.status, refused["code"]) == (409, "last_owner")
    assert home.api.call("PATCH", f"/v1/people/{owner.person}", {"role": "picker"}).status == 409
    for person in others:
        home.api.post(f"/v1/people/{person}/enable")


def test_people_are_checked_and_unique(home):
    email, _, person = add(home)
    again = home.api.call("POST", "/v1/people", {"email": email, "name": "x", "role": "picker"})
    assert (again.status, again["code"]) == (409, "duplicate_email")
    assert home.api.call("POST", "/v1/people", {"email": "no", "name": "x", "role": "picker"})["field"] == "email"
    assert home.api.call("POST", "/v1/people", {"email": "a@b.example", "name": "x", "role": "king"})["field"] == "role"
    assert home.api.get("/v1/people", email=email)["data"][0]["id"] == person
    names = {n["actor"]: n["name"] for n in Client(home.address, home.key("picker")).pages("/v1/people/names")}
    assert names[f"person:{person}"] == "林美"


def test_what_a_person_does_carries_the_person_as_actor(home):
    browser = signed_in(home, "owner")
    answer = browser.send("POST", "/v1/keys", {"name": "by a person", "role": "picker"})
    (actor,), = home.rows("SELECT actor FROM gateway.event WHERE key = %s", f"key:{answer['id']}")
    assert actor == f"person:{browser.person}"


def test_the_command_line_makes_people(home):
    email = f"cli.{uuid.uuid4().hex[:8]}@example.com"
    password = home.penstock("user", "add", "--email", email, "--name", "黃師傅", "--role", "packer").stdout.strip()
    assert Browser(home).sign_in(email, password)["user"]["role"] == "packer"
    assert re.search(rf"^{re.escape(email)} +packer +active +黃師傅$", home.penstock("user", "list").stdout, re.M)
    new = home.penstock("user", "password", email).stdout.strip()
    assert Browser(home).sign_in(email, new).status == 201
    home.penstock("user", "disable", email)
    assert Browser(home).sign_in(email, new).status == 401
    assert home.penstock("user", "disable", "nobody@example.com", check=False).returncode == 1
    assert home.penstock("user", "add", "--email", email, check=False).returncode == 2


def test_a_person_is_nowhere_in_the_events(home):
    email, _, person = add(home, name="一個沒有人叫的名字")
    rows = home.rows("SELECT payload FROM gateway.event WHERE key = %s", f"person:{person}")
    assert len(rows) == 1
    assert email.encode() not in rows[0][0] and "一個沒有人叫的名字".encode() not in rows[0][0]
    home.verify()


# ---- the console's files ----

PAGE = '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><script src="/assets/main-1A.js"></script>'


@pytest.fixture
def console(tmp_path, monkeypatch):
    from harness import Home
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "main-1A.js").write_text("1;" * 1000)
    import gzip
    (folder / "assets" / "main-1A.js.gz").write_bytes(gzip.compress(b"1;" * 1000))
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "index.html").write_text(PAGE)
    (folder / "link").symlink_to("/etc/passwd")
    (tmp_path / "secret").write_text("secret")
    made = Home(PENSTOCK_GATEWAY_CONSOLE_DIRECTORY=str(folder), PENSTOCK_GATEWAY_TRUSTED_PROXIES="127.0.0.1")
    try:
        made.start()
        made.console = folder
        yield made
    finally:
        made.close()


def test_the_consoles_files_are_served_with_their_headers(console):
    client = console.client()
    seen = set()
    for path in ("/", "/orders", "/orders/WEB-100001/edit", "/index.html"):
        page = client.send("GET", path)
        assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8", path
        nonce = re.search(r'content="([^"]+)"', page.body.decode()).group(1)
        policy = page.headers["Content-Security-Policy"]
        assert f"style-src 'self' 'nonce-{nonce}';" in policy and "script-src 'self';" in policy
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        seen.add(nonce)
    assert len(seen) == 4
    script = client.send("GET", "/assets/main-1A.js")
    assert script.body == b"1;" * 1000 and script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    small = client.send("GET", "/assets/main-1A.js", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert small.headers["Content-Encoding"] == "gzip" and len(small.body) < 200
    assert small.headers["Vary"] == "Accept-Encoding"
    plain = client.send("GET", "/assets/main-1A.js", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "Content-Encoding" not in plain.headers
    head = client.send("HEAD", "/assets/main-1A.js")
    assert head.status == 200 and head.headers["Content-Length"] == "2000" and head.body == b""
    assert client.send("GET", "/favicon.svg").headers["Content-Type"] == "image/svg+xml"
    for path in ("/link", "/assets/../../secret", "/assets/%2e%2e/%2e%2e/secret", "/assets/none.js", "/nothing.txt",
                 "/assets", "/assets/main-1A.js/x", "/main-1A.js"):
        answer = client.send("GET", path)
        assert answer.status in (400, 404) or answer.body.startswith(b"<!doctype"), path
        assert b"secret" not in answer.body and b"root:" not in answer.body, path
    assert client.send("POST", "/orders", b"").status == 405
    assert client.send("GET", "/v1/none").status == 404

    # A new build is served without a restart.
    (console.console / "assets" / "main-2B.js").write_text("2;")
    (console.console / "index.html").write_text(PAGE.replace("1A", "2B"))
    assert b"main-2B.js" in client.send("GET", "/").body
    assert client.send("GET", "/assets/main-2B.js").body == b"2;"

    # By https, which a trusted proxy vouches for, the cookie is Secure and bound to the host.
    email, password, _ = add(console)
    browser = Browser(console)
    answer = browser.sign_in(email, password, X_Forwarded_Proto="https")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-penstock_session=") and cookie.endswith("; SameSite=Strict; Secure")
    assert browser.send("GET", "/v1/session", X_Forwarded_Proto="https").status == 200
    assert browser.send("GET", "/v1/session").status == 401
    page = client.send("GET", "/", headers={"X-Forwarded-Proto": "https"})
    assert page.headers["Strict-Transport-Security"]
