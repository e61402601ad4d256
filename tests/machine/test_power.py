"""Reboot, power cut and power-off: the hub is back, and what does not run is not shown as if it did."""
import time

from harness.wait import wait_for

BACK_DEADLINE = 120.0


def answers(hub):
    return hub.client().get("/hub/login").status == 200


def test_after_a_reboot_the_hub_answers_and_what_ran_is_stopped(hub, machine, figure):
    client = hub.logged_in("alice")
    hub.start(client, "alice")
    machine.reboot()
    assert machine.active("hub.socket") == "active" and machine.active("hub.service") == "inactive"
    assert answers(hub), "the first connection starts the hub"
    fresh = hub.logged_in("alice")
    assert hub.model(fresh, "alice")["servers"] == {}
    assert hub.running_units() == {}
    page = fresh.get("/hub/home", follow=True)
    assert page.element("server-state") and 'data-state="stopped"' in page.text
    assert client.get("/hub/home").status == 200, "a session outlives a reboot"
    figure("boot, in software", machine.run(["systemd-analyze", "time"]).stdout.splitlines()[0])


def test_a_machine_with_a_suspended_server_goes_down_as_without(hub, machine, figure):
    hub.shell("mkdir -p /var/log/journal && systemctl restart systemd-journald")
    hub.start(hub.logged_in("alice"), "alice").enter()
    hub.run(["hubctl", "suspend", "alice"])
    assert machine.show("jupyter@alice.service", "FreezerState") == "frozen"
    started = time.monotonic()
    machine.reboot()
    figure("reboot with a suspended server, emulated", f"{time.monotonic() - started:.0f} s")
    down = machine.run(["journalctl", "--boot=-1", "--unit=jupyter@alice.service", "--output=cat"]).stdout
    assert "Stopped jupyter@alice.service" in down and "Cannot stop frozen unit" not in down, down[-2000:]
