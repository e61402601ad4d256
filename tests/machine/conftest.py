"""Fixtures of the machine tier: one virtual machine with the hub, shared by all its tests.

Tests that switch it off go last. Everything is slow in there, so people's servers are shared too.
"""
import os

import pytest

from harness import container, disk, package, paths
from harness.hub import Hub
from harness.virtual import VirtualMachine

# What starts within a second elsewhere takes a minute under software emulation.
CONFIGURATION = """
[server]
start_timeout = "10min"
stop_timeout = "2min"
"""


def pytest_collection_modifyitems(items):
    """The tests that reboot the machine or cut its power go last."""
    items.sort(key=lambda item: "test_power" in item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def _ready():
    assert os.geteuid() == 0, "the machine tier needs root: sudo tests/run machine"
    container.remove_leftovers()
    paths.OUT.mkdir(exist_ok=True)


@pytest.fixture(scope="session")
def machine(deb):
    """The virtual machine with the package installed, booted."""
    tree = package.installed(deb, below=disk.layers())
    with VirtualMachine(disk.made(tree)) as booted:
        yield booted


@pytest.fixture(scope="session")
def hub(machine):
    """The hub in it."""
    made = Hub(machine)
    made.configure(CONFIGURATION)
    return made
