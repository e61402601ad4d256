"""Suspending is the kernel's: frozen processes, memory that goes to swap, and everything as it was afterwards."""
import json
import time

from harness.hub import at_once
from harness.wait import wait_for

PEOPLE = ("alice", "bob", "carol")
RECLAIM_DEADLINE = 300.0
# The issue's own number.
GIVEN_BACK = 0.8
WAKES = 20


def group(user):
    return f"/sys/fs/cgroup/jupyter.slice/jupyter-{user}.slice/jupyter@{user}.service"


def resident(hub, user):
    """Bytes of memory that the person's server holds, swap apart."""
    return int(hub.run(["cat", f"{group(user)}/memory.current"]).stdout)


def server(hub, user):
    servers = json.loads(hub.run(["hubctl", "servers", "--json"]).stdout)
    return next(found for found in servers if found["user"] == user)


def suspend(hub, user):
    """Suspends it and waits until it has given its memory back; the bytes that the hub says it gave."""
    hub.run(["hubctl", "suspend", user])
    return wait_for(
        f"the memory of {user}'s server", lambda: server(hub, user)["hubd"].get("given_back"), RECLAIM_DEADLINE
    )


def test_suspended_servers_give_most_of_their_memory_back_and_wake_as_they_were(hub, figure):
    assert int(hub.shell("awk '/SwapTotal/ { print $2 }' /proc/meminfo")) > 0, "this test is about swap"
    labs = {user: hub.start(hub.logged_in(user), user).enter() for user in PEOPLE}
    kernels = {user: labs[user].kernel() for user in PEOPLE}
    for kernel in kernels.values():
        kernel.execute("kept = bytes(range(256)) * (256 << 10)")
    before = {user: resident(hub, user) for user in PEOPLE}
    told = {user: suspend(hub, user) for user in PEOPLE}
    after = {user: resident(hub, user) for user in PEOPLE}
    mib = {name: sum(sizes.values()) >> 20 for name, sizes in (("before", before), ("after", after), ("told", told))}
    figure(f"memory of {len(PEOPLE)} idle servers, suspended with swap",
           f"{mib['before']} MiB before, {mib['after']} MiB after; the hub says {mib['told']} MiB were given back")
    for user in PEOPLE:
        assert hub.container.show(f"jupyter@{user}.service", "FreezerState") == "frozen"
        assert after[user] <= before[user] * (1 - GIVEN_BACK), (user, before[user], after[user])
    for user in PEOPLE:
        started = time.monotonic()
        assert kernels[user].execute("print(len(kept), sum(kept[::4096]))").split() == [str(64 << 20), "0"]
        figure(f"{user}'s first cell after swap", f"{time.monotonic() - started:.1f} s, emulated")
        assert hub.container.show(f"jupyter@{user}.service", "FreezerState") == "running"
    at_once(lambda user: hub.stop(labs[user].client, user), PEOPLE)
