"""Reboot, power-off and power cut: the hub is back, and what does not run is not shown as if it did."""
from harness.hub import timed
from harness.wait import wait_for

START_DEADLINE = 300.0
DATABASE = "/var/lib/hub/hub.sqlite"
CHECK = f"import sqlite3; print(sqlite3.connect('{DATABASE}').execute('PRAGMA integrity_check').fetchone()[0])"


def is_back(hub, machine):
    """The hub answers the first who comes, and shows nobody's server as running."""
    assert machine.active("hub.socket") == "active"
    client = hub.logged_in("alice")
    assert hub.running_units() == {}
    for user in ("alice", "carol"):
        assert hub.model(hub.logged_in(user), user)["servers"] == {}
    assert 'data-state="stopped"' in client.get("/hub/home", follow=True).text
    servers = machine.json(["hubctl", "servers", "--json"])
    assert {server["state_word"] for server in servers} <= {"stopped"}, servers


def test_after_a_power_cut_the_database_is_whole_and_the_hub_answers(hub, machine, running):
    running("carol")
    hub.rest("bob", note="kept over a power cut")
    machine.run(["sync"])
    machine.cut_power()
    machine.boot()
    is_back(hub, machine)
    notes = [token["note"] for token in hub.rest("bob").get("/users/bob/tokens")["api_tokens"]]
    assert "kept over a power cut" in notes, notes
    assert machine.run(["python3", "-c", CHECK]).stdout.strip() == "ok"


def test_a_suspended_server_does_not_hold_the_machine_up_when_it_goes_down(hub, machine, running, figure):
    running("alice")
    assert machine.json(["hubctl", "suspend", "--json", "alice"])["state"] == "suspended"
    _, seconds = timed(machine.power_off)
    figure("power-off with a suspended server", f"{seconds:.0f} s")
    machine.boot()
    said = machine.run(["journalctl", "--boot=-1", "--unit=jupyter@alice.service", "--output=cat"]).stdout
    assert "Stopped jupyter@alice.service" in said, said[-2000:]
    assert "timed out" not in said and "frozen unit" not in said, said[-2000:]
    is_back(hub, machine)


def test_after_a_reboot_the_hub_answers_and_what_ran_is_stopped(hub, machine, figure):
    client = hub.logged_in("alice")
    # That it runs is enough: what its JupyterLab is about to do makes no difference.
    hub.begin(client, "alice")
    wait_for("its unit to run", lambda: hub.running_units(), START_DEADLINE)
    machine.reboot()
    assert machine.active("hub.service") == "inactive", "nobody came yet"
    assert client.get("/hub/home").status == 200, "a session outlives a reboot"
    is_back(hub, machine)
    figure("boot", machine.run(["systemd-analyze", "time"]).stdout.splitlines()[0].partition("finished in ")[2])
