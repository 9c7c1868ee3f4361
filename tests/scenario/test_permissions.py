"""Every route by every role: what the page of permissions says is what happens, and everything else is refused."""
import pathlib
import re
import socket
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ("owner", "order_desk", "picker", "packer", "customer_service", "finance", "store", "read_only")
# What must hold whatever the tables say: (role, a route's beginning, whether it may be let in).
NEVER = [
    ("picker", r"(GET|POST|PATCH|DELETE) /v1/(orders(?!/\{order\}/sourcing)|customers|messages|threads|notes|returns|keys|people/?$|audit)"),
    ("packer", r"(GET|POST|PATCH|DELETE) /v1/(orders(?!/\{order\}/sourcing)|customers|messages|threads|notes|returns|keys|people/?$|audit)"),
    ("read_only", r"(POST|PATCH|DELETE) /v1/(?!session|views|.*/(dry-run|preview)$)"),
    ("customer_service", r"POST /v1/orders/\{id\}/(payments|refunds)$"),
    ("finance", r"(POST|PATCH|DELETE) /v1/(adjustments|items|fulfillments|orders$|keys|people)"),
]


def documented():
    """(method, pattern) -> the roles, from the generated page."""
    text = (ROOT / "docs/reference/permissions.md").read_text()
    found = {}
    for method, pattern, permission, who in re.findall(r"^\| `(\w+) (\S+)` \| `([\w:]+)` \| ([^|]*) \|", text, re.M):
        everybody = who in ("anybody", "every role")
        found[method, pattern] = (permission, set(ROLES) if everybody else set(re.split(", ", who.strip())) - {""})
    return found


@pytest.fixture(scope="module")
def routes(home):
    """Every route that the running gateway describes."""
    paths = home.client().send("GET", "/openapi.json").json["paths"]
    return [(method.upper(), pattern, about["x-permission"]) for pattern, methods in paths.items()
            for method, about in methods.items() if method in ("get", "post", "put", "patch", "delete")]


def ask(home, key, method, pattern):
    """The status of a request that names nothing that exists; of a stream only its first line is read."""
    path = re.sub(r"\{service\}", "orders", pattern)
    path = re.sub(r"\{version\}", "7", path)
    path = re.sub(r"\{\w+\}", str(uuid.uuid4()), path)
    if pattern != "/v1/live":
        body = {} if method in ("POST", "PATCH") else None
        return home.client(key).call(method, path, body).status
    host, port = home.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as s:
        auth = f"Authorization: Bearer {key}\r\n" if key else ""
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{auth}\r\n".encode())
        return int(s.recv(64).split()[1])


def test_the_page_of_permissions_knows_every_route(routes):
    assert {(method, pattern): permission for method, pattern, permission in routes} == {
        route: permission for route, (permission, _) in documented().items()}


def test_every_route_lets_in_whom_the_page_names_and_nobody_else(home, routes):
    pages = documented()
    wrong = []
    for role in ROLES:
        key = home.api.post("/v1/keys", {"name": "matrix", "role": role}, status=201)["secret"]
        client_of = home.client(key)
        client_of.get("/v1/people/names")  # the key is known from here on
        for method, pattern, _ in routes:
            status = ask(home, key, method, pattern)
            if (status != 403) != (role in pages[method, pattern][1]) or status in (401, 500, 503):
                wrong.append(f"{role}: {method} {pattern} is {status}")
    assert not wrong, "\n".join(wrong)


def test_nobody_comes_in_without_a_key(home, routes):
    for method, pattern, permission in routes:
        status = ask(home, None, method, pattern)
        assert status == 401 or permission == "public", (method, pattern, status)
    assert [pattern for _, pattern, permission in routes if permission == "public"] == ["/v1/session"]


def test_who_picks_sees_no_purchaser_and_who_reads_changes_nothing(routes):
    pages = documented()
    for role, rule in NEVER:
        matched = [route for route in pages if re.match(rule, " ".join(route))]
        assert matched, rule
        for route in matched:
            assert role not in pages[route][1], (role, route)


def test_a_key_may_have_a_part_of_its_role(home):
    made = home.api.post("/v1/keys", {"name": "reader", "role": "order_desk", "scopes": ["orders:read", "stock:read"]},
                         status=201)
    assert made["scopes"] == ["orders:read", "stock:read"]
    client = home.client(made["secret"])
    assert client.call("GET", "/v1/orders").status == 200
    refused = client.call("POST", "/v1/orders", {})
    assert refused.status == 403 and "this key of the role order_desk lacks" in refused["detail"]
    listed = [key for key in home.api.pages("/v1/keys") if key["id"] == made["id"]]
    assert listed[0]["scopes"] == ["orders:read", "stock:read"]
    # No more than the role has, and no word that is none.
    for scope in ("settings:write", "orders:own", ""):
        answer = home.api.call("POST", "/v1/keys", {"name": "x", "role": "picker", "scopes": [scope]})
        assert (answer.status, answer["field"]) == (400, "scopes"), scope
