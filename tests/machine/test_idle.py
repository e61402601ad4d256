"""Idle servers: what computes is never suspended or stopped, for as long as it computes and whoever looks on.

It computes for ten minutes, so `tests/run` has this run beside the system tier.
"""
import pytest

from harness.hub import timed
from harness.messages import entries_of
from harness.wait import wait_for

UNIT = "jupyter@bob.service"
FOLDER = "/run/systemd/system/hub-cull.timer.d"
OFTEN = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=1s\n"
# Carol's server is nobody's business here.
IMPATIENT = """
[idle]
suspend_after = "15s"
stop_after = "30s"
cpu_window = "8s"
cpu_below = "60%"

[idle.user.carol]
suspend_after = "never"
stop_after = "never"
"""
# Ten minutes, in which it would be stopped twenty times; the last file tells that the kernel itself saw all of them.
COMPUTE = """
import pathlib, time
begun, turns = time.monotonic(), 0
pathlib.Path.home().joinpath("begun").touch()
while time.monotonic() - begun < 600:
    turns += 1
pathlib.Path.home().joinpath("computed").write_text(str(turns))
"""
STOPPED_FOR_IDLENESS = "the hub stops a server; `HUB_OUTCOME` is `idle` or `max-age`"
DEADLINE = 600.0
COMPUTED_DEADLINE = 1800.0


@pytest.fixture
def often(hub):
    """Idle servers are looked for every few seconds."""
    machine = hub.container
    machine.write(f"{FOLDER}/often.conf", OFTEN)
    machine.shell("systemctl daemon-reload; systemctl restart hub-cull.timer")
    yield
    machine.shell(f"rm -r {FOLDER}; systemctl daemon-reload; systemctl restart hub-cull.timer")


def there(hub, file):
    return hub.run(["test", "-s" if file == "computed" else "-e", f"/home/bob/{file}"], check=False).returncode == 0


def frozen(hub):
    return hub.container.show(UNIT, "FreezerState") == "frozen"


def test_a_kernel_that_computes_without_a_browser_is_left_alone_and_suspended_and_stopped_afterwards(
    hub, running, often, configured, figure
):  # pylint: disable=unused-argument
    kernel = running("bob").kernel()
    kernel.tell(COMPUTE)
    wait_for("the kernel to begin", lambda: there(hub, "begun"), DEADLINE)
    kernel.socket.close()
    main = hub.container.main_pid(UNIT)
    configured(IMPATIENT)
    cursor = hub.container.journal_cursor()
    seen = []

    def computed():
        state = (hub.container.active(UNIT), hub.container.main_pid(UNIT), frozen(hub))
        # Asked last: what was seen before it was seen while the kernel computed.
        if there(hub, "computed"):
            return True
        seen.append(state)
        return False

    wait_for("the kernel to end", computed, COMPUTED_DEADLINE)
    looks = [said for said in hub.container.journal("_PID=1", "UNIT=hub-cull.service", after=cursor)
             if said["MESSAGE"].startswith("Finished")]
    figure("looks at a server that computes", f"{len(looks)}, and {len(seen)} times it was seen running")
    assert len(looks) > 2, "nobody looked, so this says nothing"
    assert set(seen) == {("active", main, False)}, seen
    _, seconds = timed(lambda: wait_for("it to be suspended", lambda: frozen(hub), DEADLINE))
    figure("time from idle to suspended", f"{seconds:.0f} s, of them 15 s by rule, with a look every 5 s, emulated")
    wait_for("it to be stopped", lambda: hub.container.active(UNIT) == "inactive", DEADLINE)
    [culled] = entries_of(hub.container.journal("HUB_USER=bob", after=cursor), STOPPED_FOR_IDLENESS)
    assert (culled["HUB_USER"], culled["HUB_OUTCOME"]) == ("bob", "idle")
