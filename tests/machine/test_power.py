"""Reboot, power cut and power-off: the hub is back, and what does not run is not shown as if it did."""
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
