"""kill -9 of the hub and of the broker with servers up and one starting, again and again.

People's servers must not notice; the start that was under way ends either running and listed or
cleanly gone.
"""
import pytest

from harness.hub import START_DEADLINE, at_once
from harness.jupyter import Lab
from harness.wait import wait_for

TIMES = 20
UNITS = {"hubd": "hub.service", "hub-broker": "hub-broker.service"}


def kill(hub, unit):
    """SIGKILL to the unit's main process; returns its number, 0 when it was not running."""
    pid = hub.container.main_pid(unit)
    if pid:
        hub.run(["kill", "-KILL", str(pid)])
    return pid


def moment(hub, turn):
    """Waits for one of four moments of carol's start, a different one each turn."""
    def folder():
        return hub.container.live_path("/run/hub/servers/carol").exists()

    def unit():
        return hub.is_up("carol")

    def socket():
        return hub.container.live_path("/run/hub/servers/carol/s").exists()

    probe = [lambda: True, folder, unit, socket][turn % 4]
    wait_for(f"moment {turn % 4} of the start", probe, START_DEADLINE)


def settled(hub, client):
    """"running" or "gone" when carol's server is completely one or the other, else None."""
    model = hub.model(client, "carol")["servers"].get("")
    if model is None:
        folder = hub.container.live_path("/run/hub/servers/carol").exists()
        state = hub.container.active("jupyter@carol.service")
        return "gone" if state == "inactive" and not folder else None
    if model["ready"] and hub.is_up("carol"):
        return "running" if Lab(client, "carol").enter().api("GET", "status").status == 200 else None
    return None


@pytest.mark.parametrize("program", sorted(UNITS))
def test_killed_twenty_times_loses_no_server(fresh, figure, program):
    hub = fresh
    people = {name: hub.logged_in(name) for name in ("alice", "bob", "carol")}
    labs = {name: hub.start(people[name], name).enter() for name in ("alice", "bob")}
    kernel = labs["alice"].kernel()
    kernel.execute("kept = 6*7")
    kernel.socket.close()
    before = hub.running_units()
    ends, killed = [], 0
    for turn in range(TIMES):
        hub_pid = hub.container.main_pid("hub.service")
        hub.begin(people["carol"], "carol")
        moment(hub, turn)
        killed += kill(hub, UNITS[program]) != 0
        assert people["alice"].get("/hub/home").status == 200, f"turn {turn}: the next request brings the hub back"
        if program == "hub-broker":
            assert hub.container.main_pid("hub.service") == hub_pid, "the hub does not fall with the broker"
        now = hub.running_units()
        assert {unit: now.get(unit) for unit in before} == before, f"turn {turn}"
        for status in at_once(lambda lab: lab.api("GET", "status").status, list(labs.values())):
            assert status == 200, f"turn {turn}: the running servers answer at once"
        ends.append(wait_for(f"turn {turn}: carol's server to be running or gone",
                             lambda: settled(hub, people["carol"]), START_DEADLINE))
        if ends[-1] == "running":
            hub.stop(people["carol"], "carol")
    figure(f"kill -9 of {program}, {TIMES} times, {killed} hits", f"third server ended running {ends.count('running')}, "
           f"gone {ends.count('gone')}; two others kept their processes")
    assert killed == TIMES or program == "hub-broker" and killed > 0
    again = hub.running_units()
    assert again == before
    kernel.connect()
    assert kernel.execute("kept") == "42", "the kernel still has its variables"
    assert hub.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout.strip() == ""
    hub.start(people["carol"], "carol")


def test_sessions_and_open_pages_survive_a_killed_hub(fresh, browser):
    from harness.people import PASSWORDS  # only this test needs it

    page = browser(fresh).login("alice", PASSWORDS["alice"]).open("/hub/home")
    page.wait_state("stopped")
    kill(fresh, "hub.service")
    fresh.start(fresh.logged_in("alice"), "alice")
    page.wait_state("running")


def test_a_server_started_while_the_hub_was_away_is_adopted(fresh):
    """Units are the truth: what systemd runs under the hub's name is listed with its process."""
    client = fresh.logged_in("alice")
    fresh.start(client, "alice")
    before = fresh.running_units()
    fresh.run(["systemctl", "stop", "hub.service", "hub-broker.service"])
    fresh.shell("rm -f /var/lib/hub/hub.sqlite*")
    again = fresh.logged_in("alice")
    assert fresh.model(again, "alice")["servers"][""]["ready"] is True
    assert Lab(again, "alice").enter().api("GET", "status").status == 200
    assert fresh.running_units() == before


def test_a_server_that_ended_while_the_hub_was_away_is_closed(fresh):
    client = fresh.logged_in("alice")
    fresh.start(client, "alice")
    fresh.run(["systemctl", "stop", "hub.service"])
    fresh.run(["systemctl", "stop", "jupyter@alice.service"])
    assert fresh.model(client, "alice")["servers"] == {}
    fresh.start(client, "alice")
