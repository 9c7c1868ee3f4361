"""The audit: who came in, was refused, read personal data or changed rights, in a chain that shows every change."""
import uuid

import psycopg
import pytest

from harness import add_item, add_stock, order_body, wait_for
from test_people import Browser, add, signed_in


def entries(home, **query):
    return home.api.pages("/v1/audit", **query)


def one(home, **query):
    """The one entry that a search finds, once the leader has chained it."""
    found = wait_for(lambda: entries(home, **query), 5, f"no entry for {query}")
    assert len(found) == 1, found
    return found[0]


def test_sign_ins_are_audited_both_ways(home):
    email, password, person = add(home)
    browser = Browser(home)
    browser.sign_in(email, "wrong")
    assert browser.sign_in(email, password).status == 201
    browser.send("POST", "/v1/session/password", {"password": password, "new_password": "a lamp on the stairs"})
    browser.send("DELETE", "/v1/session")
    who = f"person:{person}"
    failed = one(home, action="sign_in_failed", target=who)
    assert failed["actor"] is None and failed["address"] == "127.0.0.1"
    done = one(home, action="signed_in", target=who)
    assert done["actor"] == who and done["times"] == 1 and done["position"] > failed["position"]
    one(home, action="password_changed", actor=who)
    one(home, action="signed_out", actor=who)
    one(home, action="person_added", target=who)


def test_refusals_and_readings_are_audited(home):
    sku = f"AUDIT-{uuid.uuid4().hex[:6]}"
    add_item(home, sku)
    add_stock(home, sku, 5)
    order = home.api.post("/v1/orders", order_body(sku))["id"]
    picker, reader = signed_in(home, "picker"), signed_in(home, "read_only")
    assert picker.send("GET", f"/v1/orders/{order}").status == 403
    for _ in range(5):
        assert reader.send("GET", f"/v1/orders/{order}").status == 200
    assert reader.send("GET", "/v1/levels").status == 200
    refused = one(home, action="refused", actor=f"person:{picker.person}")
    assert (refused["route"], refused["target"]) == ("GET /v1/orders/{id}", order)
    # Five in a minute are one entry now, and their number follows.
    read = one(home, action="read", actor=f"person:{reader.person}")
    assert (read["route"], read["target"], read["times"]) == ("GET /v1/orders/{id}", order, 1)
    # What it was about is found by who it was about.
    assert {e["action"] for e in entries(home, target=order)} == {"refused", "read"}


def test_changes_of_rights_are_audited(home):
    key = home.api.post("/v1/keys", {"name": "audited", "role": "picker"})["id"]
    home.api.delete(f"/v1/keys/{key}")
    wait_for(lambda: {e["action"] for e in entries(home, target=f"key:{key}")} == {"key_created", "key_revoked"}, 5)
    email, _, person = add(home)
    home.api.call("PATCH", f"/v1/people/{person}", {"role": "packer"})
    home.api.post(f"/v1/people/{person}/password")
    home.api.post(f"/v1/people/{person}/disable")
    home.api.post(f"/v1/people/{person}/enable")
    wait_for(lambda: [e["action"] for e in entries(home, target=f"person:{person}")] == [
        "person_enabled", "person_disabled", "password_made", "person_changed", "person_added"], 5)


def test_only_the_owner_reads_the_audit(home):
    for role in ("order_desk", "picker", "packer", "customer_service", "finance", "store", "read_only"):
        assert home.client(home.key(role)).call("GET", "/v1/audit").status == 403, role
    positions = [e["position"] for e in entries(home, limit=3)]
    assert positions == sorted(positions, reverse=True) and len(set(positions)) == len(positions)
    since = entries(home)[2]["at"]
    assert all(e["at"] >= since for e in entries(home, from_at=since))


def test_the_service_cannot_change_the_chain_and_a_change_is_found(home):
    wait_for(lambda: len(entries(home)) >= 3, 5)
    home.verify()
    for sql in ("UPDATE gateway.audit_entry SET actor = 'x'", "DELETE FROM gateway.audit_entry",
                "TRUNCATE gateway.audit_entry"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            home.rows("SET ROLE penstock_gateway; " + sql)
    (position, actor), = home.rows("SELECT position, actor FROM gateway.audit_entry ORDER BY position LIMIT 1 OFFSET 1")
    home.rows("UPDATE gateway.audit_entry SET actor = 'key:somebody-else' WHERE position = %s RETURNING 1", position)
    found = home.penstock("verify", check=False)
    assert found.returncode == 1 and f"entry {position} is not what its hash was made of" in found.stdout
    home.rows("UPDATE gateway.audit_entry SET actor = %s WHERE position = %s RETURNING 1", actor, position)
    kept = home.rows("DELETE FROM gateway.audit_entry WHERE position = %s RETURNING *", position)[0]
    found = home.penstock("verify", check=False)
    assert found.returncode == 1 and f"entry {position + 1} after {position - 1}" in found.stdout
    home.rows(f"INSERT INTO gateway.audit_entry VALUES ({', '.join(['%s'] * len(kept))}) RETURNING 1", *kept)
    home.verify()
