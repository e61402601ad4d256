"""The wall around devices is the kernel's: containers cannot show it, as they have no device controller."""
import pytest

from harness import paths

# Anybody may read it here, so that the wall alone decides.
DEVICE = "/dev/vda"
PROGRAM = f"""#!/bin/sh
for device in /dev/null {DEVICE}; do
    if dd if="$device" of=/dev/null bs=512 count=1 2>/dev/null; then echo "$device opens"; else echo "$device is closed"; fi
done >"$HOME/devices"
exec /usr/local/bin/small-server "$@"
"""
RULES_FILE = "/etc/hub/hub.toml.d/60-devices.toml"
RULES = f"""
[server]
command = ["/usr/local/bin/try-devices"]

[limits.group.students]
devices = ["{DEVICE}"]
"""


@pytest.fixture
def trying(hub):
    """trying(user): which devices that person's server can read."""
    machine = hub.container
    machine.write("/usr/local/bin/small-server", (paths.TESTS / "harness" / "small_server.py").read_text(), 0o755)
    machine.write("/usr/local/bin/try-devices", PROGRAM, 0o755)
    machine.run(["chmod", "o+r", DEVICE])
    machine.write(RULES_FILE, RULES)
    hub.restart()

    def tried(user):
        client = hub.logged_in(user)
        hub.start(client, user)
        found = hub.run(["cat", f"/home/{user}/devices"]).stdout.splitlines()
        hub.stop(client, user)
        return found

    yield tried
    machine.run(["chmod", "o-r", DEVICE])
    machine.remove(RULES_FILE)
    hub.restart()


def test_a_server_opens_the_devices_that_its_persons_groups_may_have_and_administrators_all(trying):
    assert trying("bob") == ["/dev/null opens", f"{DEVICE} is closed"]
    assert trying("alice") == ["/dev/null opens", f"{DEVICE} opens"], "alice is a student"
    assert trying("boss") == ["/dev/null opens", f"{DEVICE} opens"], "no wall is around administrators"
