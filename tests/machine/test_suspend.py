"""Suspending is the kernel's: frozen processes, memory that goes to swap, and everything as it was afterwards."""
import json
import time
from dataclasses import dataclass

import pytest

from harness.jupyter import Kernel
from harness.messages import entries_of, entry_of, whose
from harness.wait import wait_for

# As many as the tier has time for: under emulation each takes a minute to start.
PEOPLE = ("bob", "carol")
RECLAIM_DEADLINE = 300.0
# The issue's own number.
GIVEN_BACK = 0.8
# Jupyter Server closes a WebSocket whose pings nobody answered for this long (jupyter_server.base.websocket).
PONGS_MISSED = 90.0

# Idle servers are suspended after hours, and what an emulated JupyterLab needs at rest is no work.
FOR_HOURS = """
[idle]
suspend_after = "10h"
cpu_window = "2s"
cpu_below = "60%"
"""
# Idle for less than five minutes, a server is left alone in any case: the machine's clock goes ahead instead.
AHEAD = "+10 minutes"
# More than it may hold, and no swap for the rest: it waits for memory nearly all the time, which is what the kernel calls
# pressure, and takes none of the memory of the others.
HOG = """
hoard = bytearray(1 << 30)
for page in range(0, len(hoard), 4096):
    hoard[page] = 1
"""
HOG_UNIT = "hog.service"
SHORT_OF_MEMORY = "the machine is short of memory, and an idle server was suspended before its time"
GAVE_BACK = "a frozen server gave memory back, `HUB_BYTES` of it"
PRESSURE_DEADLINE = 300.0


def group(user):
    return f"/sys/fs/cgroup/jupyter.slice/jupyter-{user}.slice/jupyter@{user}.service"


def resident(hub, user):
    """Bytes of memory that the person's server holds, swap apart."""
    return int(hub.run(["cat", f"{group(user)}/memory.current"]).stdout)


def frozen(hub, user):
    return hub.container.show(hub.unit(user), "FreezerState") == "frozen"


def server(hub, user):
    servers = json.loads(hub.run(["hubctl", "servers", "--json"]).stdout)
    return next(found for found in servers if found["user"] == user)


def suspend(hub, user):
    """Suspends it and waits until it has given its memory back; the bytes that the hub says it gave."""
    hub.run(["hubctl", "suspend", user])
    return wait_for(
        f"the memory of {user}'s server", lambda: server(hub, user)["hubd"].get("given_back"), RECLAIM_DEADLINE
    )


@dataclass
class Sleeper:
    """A person's server that was suspended as soon as a kernel had something in memory, with its page left open."""

    kernel: Kernel
    # Bytes of memory.
    before: int
    after: int
    told: int
    # On the monotonic clock.
    since: float


@pytest.fixture(scope="module")
def sleepers(hub, running):
    """The people's suspended servers; they go on after this file, with nobody's page open."""
    made = {}
    for user in PEOPLE:
        # One after the other: emulated, a kernel that starts beside others is given up by its server.
        kernel = running(user).kernel()
        kernel.execute("kept = bytes(range(256)) * (256 << 10)", RECLAIM_DEADLINE)
        before = resident(hub, user)
        told = suspend(hub, user)
        made[user] = Sleeper(kernel, before, resident(hub, user), told, time.monotonic())
    yield made
    for sleeper in made.values():
        sleeper.kernel.socket.close()


def test_suspended_servers_give_most_of_their_memory_back_and_wake_as_they_were(hub, sleepers, figure):
    assert int(hub.shell("awk '/SwapTotal/ { print $2 }' /proc/meminfo")) > 0, "this test is about swap"
    before, after, told = (
        sum(getattr(sleeper, which) for sleeper in sleepers.values()) >> 20 for which in ("before", "after", "told")
    )
    figure(f"memory of {len(PEOPLE)} idle servers, suspended with swap",
           f"{before} MiB before, {after} MiB after; the hub says {told} MiB were given back")
    for user, sleeper in sleepers.items():
        entry = entry_of(hub.container.journal(f"HUB_USER={user}"), GAVE_BACK)
        assert whose(entry) == (user, "", hub.unit(user)) and int(entry["HUB_BYTES"]) == sleeper.told, entry
        assert frozen(hub, user)
        assert sleeper.after <= sleeper.before * (1 - GIVEN_BACK), (user, sleeper)
    longest = min(sleeper.since for sleeper in sleepers.values())
    wait_for(
        "a sleep that is longer than Jupyter waits for an answer to its pings",
        lambda: time.monotonic() > longest + PONGS_MISSED + 5, PONGS_MISSED * 2,
    )
    for user, sleeper in sleepers.items():
        assert frozen(hub, user) and sleeper.kernel.is_open(), "an open page neither woke it nor was closed"
        started = time.monotonic()
        said = sleeper.kernel.execute("print(len(kept), sum(kept[::4096]))", RECLAIM_DEADLINE)
        assert said.split() == [str(64 << 20), "0"]
        figure(f"{user}'s first cell after swap", f"{time.monotonic() - started:.1f} s, emulated")
        assert not frozen(hub, user)


@pytest.fixture
def short_of_memory(hub):
    """A machine on which somebody waits for memory, until the test ends."""
    yield lambda: hub.run([
        "systemd-run", "--quiet", f"--unit={HOG_UNIT}", "--property=MemoryHigh=48M", "--property=MemorySwapMax=0",
        "python3", "-c", HOG,
    ])
    hub.run(["systemctl", "kill", "--signal=KILL", HOG_UNIT], check=False)
    hub.run(["systemctl", "reset-failed", HOG_UNIT], check=False)


def test_where_memory_is_short_idle_servers_are_suspended_before_their_time_and_the_longest_idle_one_first(
    hub, sleepers, configured, short_of_memory, figure
):
    longest, other = reversed(PEOPLE)
    for user in (longest, other):
        sleepers[user].kernel.execute("kept = len(kept)", RECLAIM_DEADLINE)
    configured(FOR_HOURS)
    hub.run(["date", "--set", AHEAD])
    cursor, begun = hub.container.journal_cursor(), time.monotonic()
    short_of_memory()

    def looked():
        """As the timer has it done, which may not start its service as often as this: nobody else asks for the hub."""
        hub.run(["hubctl", "idle", "--apply"])
        return frozen(hub, longest)

    wait_for("one to be suspended", looked, PRESSURE_DEADLINE)
    wait_for("the other one, without another look", lambda: frozen(hub, other), PRESSURE_DEADLINE)
    said = entries_of(hub.container.journal(after=cursor), SHORT_OF_MEMORY)
    assert [whose(entry) for entry in said] == [(user, "", hub.unit(user)) for user in (longest, other)], said
    assert hub.status()["suspended_for_memory"]["servers"] == 2
    figure("two idle servers suspended for want of memory",
           f"{time.monotonic() - begun:.0f} s after somebody began to wait for it; {said[0]['MESSAGE']}")
    for user in PEOPLE:
        # The hub was restarted with its configuration, and with it went the connection.
        sleepers[user].kernel.connect()
        assert sleepers[user].kernel.execute("print(kept)", RECLAIM_DEADLINE) == f"{64 << 20}\n"
