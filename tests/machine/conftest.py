"""Fixtures of the machine tier: one virtual machine with the hub, shared by all its tests.

Tests that switch it off go last. Everything is slow in there, so people's servers are shared too, by the tests of
one file.
"""
import os

import pytest

from harness import container, disk, package, paths
from harness.hub import Hub
from harness.virtual import VirtualMachine

# What starts within seconds elsewhere takes a minute under software emulation.
CONFIGURATION = """
[server]
start_timeout = "10min"
stop_timeout = "2min"

[limits]
memory_max = "500M"
tasks_max = 150
"""
# Nobody's server is suspended but by the test that wants it.
PATIENT = """
[idle]
suspend_after = "never"
"""
# Memory that is used up is to be seen at once, not when the swap is full as well.
NO_SWAP = "[Service]\nMemorySwapMax=0\n"


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
    machine.write("/etc/systemd/system/jupyter@alice.service.d/10-test.conf", NO_SWAP)
    machine.run(["systemctl", "daemon-reload"])
    made.configure(CONFIGURATION + PATIENT)
    return made


@pytest.fixture
def configured(hub):
    """configured(text): other rules for idle servers, until the test ends."""
    yield lambda idle: hub.configure(CONFIGURATION + idle)
    hub.configure(CONFIGURATION + PATIENT)


@pytest.fixture(scope="module")
def alice(hub):
    """Alice's running server, for the tests of one file."""
    client = hub.logged_in("alice")
    yield hub.start(client, "alice").enter()
    if hub.is_up("alice"):
        hub.stop(client, "alice")


@pytest.fixture
def kernel(alice):
    """A kernel of alice's, of the test's own."""
    made = alice.kernel()
    yield made
    made.close()
