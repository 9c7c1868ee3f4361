"""The command line: what an operator types, and what it says."""
import os
import re
import shutil
import subprocess

import pytest

from harness import PENSTOCK, Client, Home


@pytest.fixture(scope="module")
def shop():
    home = Home().start()
    home.demo = home.penstock("demo").stdout
    yield home
    home.close()


def run(*words):
    return subprocess.run([PENSTOCK, *words], capture_output=True, text=True, timeout=120)


def test_a_key_is_printed_alone_and_works_at_once(shop):
    done = run("key", "create", "--role", "read_only", "--home", shop.folder)
    assert done.returncode == 0 and re.fullmatch(r"pk_[\w-]{43}\n", done.stdout), done
    assert shop.client(done.stdout.strip()).call("GET", "/v1/orders").status == 200


def test_status_names_each_process_and_its_id(shop):
    done = run("status", "--home", shop.folder)
    assert done.returncode == 0, done
    for name in ("supervisor", "postgres", "gateway", "orders", "inventory", "fulfillment", "returns", "notify"):
        pid = int(re.search(rf"^{name}\s+(\d+)\s+ready", done.stdout, re.M).group(1))
        os.kill(pid, 0)


def test_wrong_calls_say_what_would_be_right():
    for words in ((), ("upp",), ("up", "--http", "8080"), ("key", "create"), ("user", "add"), ("channel", "add"), ("backup",), ("trace",),
                  ("inbox", "look"), ("health",), ("logs", "nobody")):
        done = run(*words)
        assert done.returncode == 2 and done.stderr and not done.stdout, (words, done)


def test_trace_tells_an_order_from_its_placing_to_its_refund(shop):
    shop.settle()
    done = run("trace", "WEB-100001", "--home", shop.folder)
    assert done.returncode == 0, done
    for word in ("order_placed", "stock_allocated", "fulfillment.shipped", "returns.inspected", "refund_recorded"):
        assert word in done.stdout, (word, done.stdout)
    stamps = re.findall(r"^(\d{4}-\S+Z)", done.stdout, re.M)
    assert stamps == sorted(stamps)


def test_the_demonstration_is_loaded_once(shop):
    again = run("demo", "--home", shop.folder).stdout
    assert "loaded already" in again and "shown once" not in again


def test_the_demonstration_says_how_to_sign_in(shop):
    console, email, password = (re.search(rf"^  {word} +(\S+)", shop.demo, re.M).group(1)
                                for word in ("console", "sign in", "password"))
    assert console == f"http://{shop.address}/" and shop.client().send("GET", "/").status == 200
    answer = shop.client().call("POST", "/v1/session", {"email": email, "password": password})
    assert answer.status == 201 and answer["user"]["role"] == "owner", answer


def test_deliveries_are_listed(shop):
    done = run("inbox", "list", "--home", shop.folder)
    assert done.returncode == 0 and "2 deliveries." in done.stdout and "DONE" in done.stdout, done


def test_a_backup_becomes_another_home_beside_this_one(shop, tmp_path):
    file, other = tmp_path / "backup", shop.folder.with_name(shop.folder.name + "-restored")
    shop.settle()
    numbers = sorted(o["number"] for o in shop.api.pages("/v1/orders"))
    assert run("backup", file, "--home", shop.folder).returncode == 0
    try:
        done = run("restore", file, "--home", other)
        assert done.returncode == 0, done
        done = run("up", "--http", "127.0.0.1:0", "--home", other)
        assert done.returncode == 0, done
        address = run("status", "--home", other).stdout.strip().splitlines()[-1].removeprefix("http://")
        client = Client(address, shop.owner_key)
        assert sorted(o["number"] for o in client.pages("/v1/orders")) == numbers
        client.close()
        assert run("verify", "--home", other).returncode == 0
        assert run("status", "--home", shop.folder).returncode == 0
    finally:
        run("down", "--home", other)
        shutil.rmtree(other, ignore_errors=True)


def test_a_home_goes_on_with_its_data(shop):
    before = shop.api.get("/v1/orders", limit=200)["data"]
    assert run("down", "--home", shop.folder).returncode == 0
    assert run("status", "--home", shop.folder).returncode == 1
    assert run("verify", "--home", shop.folder).returncode == 2
    done = run("up", "--http", shop.address, "--home", shop.folder)
    assert done.returncode == 0 and "Migrating" not in done.stdout, done
    assert shop.api.get("/v1/orders", limit=200)["data"] == before


def test_a_wrong_setting_stops_the_start_and_is_named(shop):
    conf = shop.folder / "penstock.conf"
    right = conf.read_text()
    assert run("down", "--home", shop.folder).returncode == 0
    try:
        conf.write_text(right.replace("listen =", "lisen ="))
        done = run("up", "--home", shop.folder)
        assert done.returncode == 1 and "lisen" in done.stderr and "listen" in done.stderr, done
    finally:
        run("down", "--home", shop.folder)
        conf.write_text(right)
    assert run("up", "--http", shop.address, "--home", shop.folder).returncode == 0
