"""Homes for the system tests: they find harness.py, and a home that they share is started once."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=None, help="of the fault tests; printed when not given")
    parser.addoption("--kills", type=int, default=None, help="how many processes the fault tests kill")


@pytest.fixture(scope="session")
def home():
    """One home for all tests that do not end its processes: each uses SKUs and channels of its own."""
    made = harness.Home()
    try:
        made.start()
        harness.add_location(made)
        yield made
    finally:
        made.close()
