"""Idle servers: what works is spared, what rests is suspended and stopped by the timer, also when the hub does not run."""
import json
import time

import pytest

from harness.wait import wait_for

QUICK = """
[hub]
exit_when_idle = "1s"

[idle]
suspend_after = "15s"
stop_after = "40s"
cpu_window = "8s"
cpu_below = "30%"
"""
DEADLINE = 240.0
CULLED = "MESSAGE_ID=d27a6c58f0e34b9bb1c4e9703a5f82d6"


@pytest.fixture
def impatient(module_hub):
    """The file's own machine with a hub that leaves at once and a timer that looks every few seconds."""
    module_hub.configure(QUICK)
    folder = "/run/systemd/system/hub-cull.timer.d"
    drop_in = "[Timer]\\nOnCalendar=\\nOnCalendar=*:*:0/5\\nAccuracySec=1s\\n"
    module_hub.container.shell(f"mkdir -p {folder}; printf '{drop_in}' >{folder}/quick.conf; systemctl daemon-reload")
    module_hub.container.shell("systemctl restart hub-cull.timer")
    yield module_hub
    module_hub.container.shell(f"rm -r {folder}; systemctl daemon-reload; systemctl restart hub-cull.timer")
    module_hub.configure("")
    module_hub.stop_all()


def frozen(hub, unit):
    return hub.container.show(unit, "FreezerState") == "frozen"


def test_the_timer_suspends_and_stops_what_rests_and_spares_what_works(impatient, figure):
    hub = impatient
    assert "hub-cull.timer" in hub.container.shell("systemctl list-timers --no-legend hub-cull.timer")
    labs = {name: hub.start(hub.logged_in(name), name).enter() for name in ("alice", "bob")}
    rests = labs["alice"].kernel()
    rests.execute("kept = 42")
    rests.socket.close()
    works = labs["bob"].kernel()
    # Waits without the processor: only the kernel's own state speaks for it.
    works.tell("import time; time.sleep(600)")
    works.socket.close()
    begun = time.monotonic()
    wait_for("the hub to step aside", lambda: hub.container.active("hub.service") == "inactive", DEADLINE)
    wait_for("alice's server to be suspended", lambda: frozen(hub, "jupyter@alice.service"), DEADLINE)
    figure("time from idle to suspended (15 s configured)", f"{time.monotonic() - begun:.0f} s")
    assert not frozen(hub, "jupyter@bob.service")
    told = json.loads(hub.container.shell("hubctl idle --json"))
    print(json.dumps(told, indent=1))
    print(hub.container.shell("hubctl idle"))
    wait_for(
        "alice's server to be stopped", lambda: hub.container.active("jupyter@alice.service") == "inactive", DEADLINE
    )
    assert hub.container.active("jupyter@bob.service") == "active" and not frozen(hub, "jupyter@bob.service")
    culled = hub.container.journal(CULLED)
    assert [entry["HUB_OUTCOME"] for entry in culled if entry["HUB_USER"] == "alice"] == ["idle"]
