"""The console in Debian's Chromium, against a home of its own with the demonstration shop in it.

What is clicked and typed stands in *.test.mjs; this starts the home, the people who sign in, and node.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import ROOT, Home, post_shopify  # noqa: E402

ROLES = ("owner", "order_desk", "picker", "read_only")
SECRET = "browser-secret"


@pytest.fixture(scope="module")
def home():
    home = Home().start()
    try:
        home.penstock("demo")
        yield home
    finally:
        home.close()


def person(home, role):
    told = home.penstock("user", "add", "--email", f"{role}@example.com", "--name", "陳志明" if role == "owner" else role,
                         "--role", role).stdout
    return {"email": f"{role}@example.com", "password": re.findall(r"[a-z0-9]{5}(?:-[a-z0-9]{5})+", told)[0]}


def test_a_person_works_in_the_console(home):
    home.channel("parks", "shopify", SECRET)
    assert post_shopify(home, "parks", SECRET, "orders/create", {"id": 4711, "no": "order"}).status == 200
    home.settle()
    world = {"base": f"http://{home.address}", "key": home.owner_key, "people": {role: person(home, role) for role in ROLES}}
    tests = sorted(str(path) for path in pathlib.Path(__file__).parent.glob("*.test.mjs"))
    done = subprocess.run(["node", "--test", "--test-concurrency=1", *tests], cwd=ROOT, timeout=840,
                          env={**os.environ, "PENSTOCK_WORLD": json.dumps(world)}, capture_output=True, text=True)
    print(done.stdout[-20000:], done.stderr[-4000:])
    assert done.returncode == 0
    home.settle()
    home.verify()
