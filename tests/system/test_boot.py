"""The machine boots: services run before anybody comes, and without services the hub waits."""
import contextlib

import pytest

from harness.container import Container
from harness.hub import TEST_CONFIGURATION, Hub
from harness.wait import wait_for

STARTER = "hub-services.service"
UNIT = "hub-service@sleeper.service"
MANAGED = """
[[service]]
name = "sleeper"
command = ["sleep", "infinity"]
"""
NOT_MANAGED = """
[[service]]
name = "script"
api_token = "0123456789abcdef"
"""


@contextlib.contextmanager
def booted(layers, configuration):
    """A machine that has this configuration when it boots; nobody connects."""
    machine = Container(layers, "boot")
    try:
        machine.mount()
        file = machine.root / TEST_CONFIGURATION.lstrip("/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(configuration)
        machine.boot()
        yield Hub(machine)
    finally:
        machine.close()


def is_well(hub):
    return hub.run(["systemctl", "is-system-running"], check=False).stdout.strip() == "running"


def begin(hub):
    """What systemd does at boot, once more."""
    hub.run(["systemctl", "start", STARTER])


def test_a_service_runs_after_a_boot_without_anybody_having_come(layers):
    with booted(layers, MANAGED) as hub:
        show = hub.container.show
        assert show(STARTER, "Result", "ActiveState") == {"Result": "success", "ActiveState": "inactive"}
        assert hub.container.active("hub.service") == "active"
        wait_for("the service to run", lambda: hub.container.active(UNIT) == "active", 20)
        assert is_well(hub)
        first = show(UNIT, "InvocationID")
        begin(hub)
        assert show(UNIT, "InvocationID") == first, "what runs is left alone"

        hub.run(["systemctl", "stop", "hub.service", UNIT])
        begin(hub)
        wait_for("the service to run again", lambda: hub.container.active(UNIT) == "active", 20)

        hub.run(["systemctl", "stop", "hub.socket", UNIT])
        begin(hub)
        assert show(STARTER, "ConditionResult") == "no"
        assert hub.container.active("hub.socket") == "inactive", "a hub that shall not listen stays down"
        assert hub.container.active("hub.service") == "inactive"


@pytest.mark.parametrize("configuration", ["", NOT_MANAGED], ids=["none", "not managed"])
def test_without_a_service_to_start_the_hub_waits_for_its_first_connection(layers, configuration):
    with booted(layers, configuration) as hub:
        assert hub.container.show(STARTER, "Result", "ActiveState") == {
            "Result": "exec-condition", "ActiveState": "inactive",
        }
        assert hub.container.active("hub.socket") == "active"
        assert hub.container.active("hub.service") == "inactive"
        assert is_well(hub)


def test_a_configuration_with_mistakes_is_told_and_does_not_fail_the_boot(layers):
    with booted(layers, MANAGED.replace("command", "comand")) as hub:
        assert hub.container.active("hub.service") == "inactive"
        assert is_well(hub)
        told = [entry["MESSAGE"] for entry in hub.container.journal("-u", STARTER)]
        assert any("did you mean command?" in line for line in told), told
