"""The memory of many idle servers, before and after they are suspended: a figure that takes too long for the tier.

    cd tests; HUBD_TEST_SERVERS=50 python -m pytest machine/many.py

The machine has memory for all of them at once, and swap for all that they give back.
"""
import os
import time

import pytest

from harness import disk, package
from harness.hub import Hub, at_once
from harness.virtual import VirtualMachine
from harness.wait import wait_for

COUNT = int(os.environ.get("HUBD_TEST_SERVERS", "50"))
PEOPLE = [f"p{number:02}" for number in range(1, COUNT + 1)]
# For each of them, in MiB; and for the machine itself.
ROOM, BASE = 200, 1536
GROUP = "/sys/fs/cgroup/jupyter.slice"
CONFIGURATION = """
[server]
start_timeout = "20min"

[idle]
suspend_after = "never"
"""
# Several at once are not faster on two emulated processors, but use both.
AT_ONCE = 2
START_DEADLINE = 1200.0
RECLAIM_DEADLINE = 1200.0


@pytest.fixture(scope="module")
def wide(deb):
    """A hub on a machine with room for everybody, and accounts for them."""
    tree = package.installed(deb, below=disk.layers())
    room = COUNT * ROOM
    with VirtualMachine(disk.made(tree), "many", memory_mib=BASE + room, swap_mib=room) as machine:
        made = Hub(machine)
        made.configure(CONFIGURATION)
        made.shell(f"""
            password=$(openssl passwd -6 "$(cat /proc/sys/kernel/random/uuid)")
            for name in {" ".join(PEOPLE)}; do
                useradd --create-home --shell /bin/bash --password "$password" "$name"
            done
        """, deadline=600.0)
        yield made


def held(hub):
    """Memory of all servers together, of it what belongs to processes alone, and their swap; in MiB."""
    current = int(hub.run(["cat", f"{GROUP}/memory.current"]).stdout)
    anonymous = int(hub.shell(f"awk '$1 == \"anon\" {{ print $2 }}' {GROUP}/memory.stat"))
    swap = int(hub.run(["cat", f"{GROUP}/memory.swap.current"]).stdout)
    return tuple(size >> 20 for size in (current, anonymous, swap))


def available(hub):
    """What the machine could give to others, in MiB."""
    return int(hub.shell("awk '/^MemAvailable/ { print $2 }' /proc/meminfo")) >> 10


def told(name, sizes):
    return f"{name} {sizes[0]} MiB ({sizes[1]} MiB of processes, {sizes[2]} MiB in swap)"


def test_memory_of_many_idle_servers(wide, figure):
    hub = wide
    empty = available(hub)
    at_once(lambda user: hub.run(["hubctl", "start", user], deadline=START_DEADLINE), PEOPLE, AT_ONCE)
    assert len(hub.running_units()) == COUNT
    before, room = held(hub), available(hub)
    started = time.monotonic()
    for user in PEOPLE:
        hub.run(["hubctl", "suspend", user])
    frozen = time.monotonic() - started

    def servers():
        return hub.container.json(["hubctl", "servers", "--json"])

    wait_for(
        "all memory to be given back", lambda: all("given_back" in server["hubd"] for server in servers()), RECLAIM_DEADLINE,
        longest_pause=5.0,
    )
    done = time.monotonic() - started
    after, freed = held(hub), available(hub)
    figure(f"memory of {COUNT} idle servers", f"{told('running', before)}; {told('suspended', after)}")
    figure(f"memory that the machine has left, beside {COUNT} idle servers",
           f"{empty} MiB without them, {room} MiB while they run, {freed} MiB when they are suspended")
    figure(f"suspending {COUNT} servers", f"{frozen:.0f} s to freeze them, {done:.0f} s until their memory was back, emulated")
    assert after[0] <= before[0] // 5, "the issue asks for 80 %"
