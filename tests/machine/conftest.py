"""Fixtures of the machine tier: one virtual machine with the hub, shared by all its tests.

Everything is slow in there, so what one file leaves running is what the next one begins with, in the order below; each
also runs alone.
"""
import os

import pytest

from harness import container, disk, package, paths
from harness.hub import Hub
from harness.jupyter import Lab
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
NO_SWAP_FILE = "/etc/systemd/system/jupyter@alice.service.d/10-test.conf"
NO_SWAP = "[Service]\nMemorySwapMax=0\n"
# JupyterLab gives up on a kernel that does not answer within a minute, which is short for one that is emulated.
PATIENT_JUPYTER = ("/etc/jupyter/jupyter_server_config.d/patient.json", '{"MappingKernelManager": {"kernel_info_timeout": 600}}')


# What reboots the machine or cuts its power goes last.
ORDER = ("test_devices", "test_limits", "test_suspend", "test_idle", "test_power")


def pytest_collection_modifyitems(items):
    """The files in that order."""
    items.sort(key=lambda item: ORDER.index(item.path.stem) if item.path.stem in ORDER else len(ORDER))


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
    machine.write(*PATIENT_JUPYTER)
    made.configure(CONFIGURATION + PATIENT)
    return made


@pytest.fixture(scope="session")
def running(hub):
    """running(user): the person's server, started if it does not run."""
    def lab(user):
        client = hub.logged_in(user)
        return (Lab(client, user) if hub.is_up(user) else hub.start(client, user)).enter()
    return lab


@pytest.fixture
def configured(hub):
    """configured(text): other rules for idle servers, until the test ends."""
    yield lambda idle: hub.configure(CONFIGURATION + idle)
    hub.configure(CONFIGURATION + PATIENT)


@pytest.fixture(scope="module")
def alice(hub, running):
    """Alice's server, which may not swap, for the tests of one file."""
    machine = hub.container
    machine.write(NO_SWAP_FILE, NO_SWAP)
    machine.run(["systemctl", "daemon-reload"])
    lab = running("alice")
    yield lab
    if hub.is_up("alice"):
        hub.stop(lab.client, "alice")
    machine.remove(NO_SWAP_FILE)
    machine.run(["systemctl", "daemon-reload"])
