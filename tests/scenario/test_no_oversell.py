"""200 units, 2,000 buyers over 64 connections: 200 are confirmed and 1,800 are told that there is no more."""
import collections
import queue
import threading

import harness

UNITS, BUYERS, CONNECTIONS = 200, 2000, 64
SKU = "FLASH-1"


def buy(home, buyers, answers):
    """One connection's buyers, one after the other; a repeat of the same click is one click."""
    client = home.client(home.owner_key)
    while True:
        try:
            buyer = buyers.get_nowait()
        except queue.Empty:
            client.close()
            return
        body = harness.order_body(SKU, external_id=f"flash-{buyer}")
        answer = client.call("POST", "/v1/orders", body, idempotency=f"flash-{buyer}")
        if buyer % 10 == 0:
            again = client.call("POST", "/v1/orders", body, idempotency=f"flash-{buyer}")
            if answer.status == 201:
                assert again.status in (200, 201) and again["id"] == answer["id"], (answer, again)
        answers.append((buyer, answer))


def test_exactly_what_there_is_is_sold(home):
    harness.add_item(home, SKU)
    harness.add_stock(home, SKU, UNITS)
    buyers, answers = queue.SimpleQueue(), []
    for buyer in range(BUYERS):
        buyers.put(buyer)
    threads = [threading.Thread(target=buy, args=(home, buyers, answers)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == BUYERS
    by_status = collections.Counter(answer.status for _, answer in answers)
    assert by_status == {201: UNITS, 409: BUYERS - UNITS}, by_status
    sold = [answer.json for _, answer in answers if answer.status == 201]
    assert {order["status"] for order in sold} == {"confirmed"}
    assert len({order["id"] for order in sold}) == len({order["number"] for order in sold}) == UNITS
    for _, answer in answers:
        if answer.status == 409:
            assert answer["code"] == "insufficient_stock" and answer["field"] == "lines[0].quantity", answer

    home.settle(60)
    level = harness.level(home, SKU)
    assert (level["on_hand"], level["available"], level["committed"], level["reserved"]) == (UNITS, 0, UNITS, 0), level
    listed = {order["id"] for order in home.api.pages("/v1/orders", sku=SKU, limit=200)}
    assert listed == {order["id"] for order in sold}
    home.verify()
