"""Suspended servers give their memory back to the machine, and keep what they know."""
import json

import pytest

from harness.people import PASSWORDS

SLEEPERS = ("bob", "carol", "boss")
# Of what an idle server has in memory, this much may stay there.
KEPT_MOST = 0.2


@pytest.fixture(scope="module")
def sleepers(hub):
    """{name: running server} of people who do nothing, with one kernel each."""
    assert set(SLEEPERS) <= set(PASSWORDS)
    labs = {user: hub.start(hub.logged_in(user), user).enter() for user in SLEEPERS}
    yield labs
    for user, lab in labs.items():
        if hub.is_up(user):
            hub.stop(lab.client, user)


def resident(hub, user):
    """What of a server is in memory, bytes: everything but what is swapped out."""
    group = hub.container.show(hub.unit(user), "ControlGroup")
    return int(hub.run(["cat", f"/sys/fs/cgroup{group}/memory.current"]).stdout)


def megabytes(count):
    return f"{count / (1 << 20):.0f} MB"


def test_idle_servers_give_their_memory_back_and_know_what_they_knew(hub, sleepers, figure):
    kernels = {user: lab.kernel() for user, lab in sleepers.items()}
    for user, kernel in kernels.items():
        kernel.execute(f"kept = {{n: '{user}' + str(n) for n in range(100_000)}}")
    before = {user: resident(hub, user) for user in sleepers}
    given_back = {}
    for user in sleepers:
        answer = hub.container.json(["hubctl", "suspend", "--json", user])
        assert answer["state"] == "suspended", answer
        given_back[user] = answer.get("given_back", 0)
    after = {user: resident(hub, user) for user in sleepers}
    figure(
        f"memory of {len(sleepers)} idle servers",
        f"{megabytes(sum(before.values()))} before they were suspended, {megabytes(sum(after.values()))} after",
    )
    for user in sleepers:
        assert hub.container.show(hub.unit(user), "FreezerState") == "frozen"
        assert after[user] <= KEPT_MOST * before[user], (user, before, after)
        assert given_back[user] >= (1 - KEPT_MOST) * before[user] * 0.9, (given_back, before)
    # Whoever comes back finds everything as it was.
    for user, kernel in kernels.items():
        assert kernel.execute("print(kept[77_777], len(kept))") == f"{user}77777 100000\n"
        assert hub.container.show(hub.unit(user), "FreezerState") == "running"
        kernel.close()


def test_a_suspended_server_of_which_a_limit_changes_sleeps_on(hub, sleepers):
    hub.run(["hubctl", "suspend", "bob"])
    hub.run(["hubctl", "limits", "set", "bob", "memory_max=700M"])
    assert hub.container.show(hub.unit("bob"), "FreezerState", "MemoryMax") == {
        "FreezerState": "frozen", "MemoryMax": str(700 << 20),
    }
    assert json.loads(hub.run(["hubctl", "wake", "--json", "bob"]).stdout)["state"] == "running"
    assert sleepers["bob"].api("GET", "status").status == 200
