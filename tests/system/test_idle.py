"""Idle servers: what works is spared, what rests is suspended and stopped by the timer, also while the hub does not run."""
import time

import pytest

from harness.wait import wait_for

QUICK = """
[hub]
exit_when_idle = "1s"

[idle]
suspend_after = "10s"
stop_after = "25s"
cpu_window = "5s"
cpu_below = "60%"
"""
FOLDER = "/run/systemd/system/hub-cull.timer.d"
OFTEN = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=1s\n"
# What each kernel of its person does before it answers anything.
STARTUP = "/home/bob/.ipython/profile_default/startup/00-wait.py"
DEADLINE = 240.0
CULLED = "MESSAGE_ID=d27a6c58f0e34b9bb1c4e9703a5f82d6"


@pytest.fixture
def impatient(module_hub):
    """The file's own machine with a hub that leaves at once and a timer that looks every few seconds."""
    module_hub.configure(QUICK)
    module_hub.container.write(f"{FOLDER}/often.conf", OFTEN)
    module_hub.shell("systemctl daemon-reload; systemctl restart hub-cull.timer")
    yield module_hub
    module_hub.shell(f"rm -r {FOLDER}; systemctl daemon-reload; systemctl restart hub-cull.timer")
    module_hub.configure("")
    module_hub.stop_all()


def state(hub, user):
    return hub.container.show(hub.unit(user), "ActiveState"), hub.container.show(hub.unit(user), "FreezerState")


def made(lab):
    """A kernel that nobody ever connects to: Jupyter Server says for ever that it starts."""
    answer = lab.api("POST", "kernels", {"name": "python3", "path": ""})
    assert answer.status == 201, answer.text
    return answer.json()["id"]


def test_the_timer_suspends_and_stops_what_rests_and_spares_what_works(impatient, figure):
    hub = impatient
    assert "hub-cull.timer" in hub.shell("systemctl list-timers --no-legend hub-cull.timer")
    hub.run(["runuser", "-u", "bob", "--", "mkdir", "-p", STARTUP.rpartition("/")[0]])
    hub.container.write(STARTUP, "import time; time.sleep(600)\n")
    labs = {name: hub.start(hub.logged_in(name), name).enter() for name in ("alice", "bob", "carol")}
    # Waits without the processor: only the kernel's own state speaks for it.
    heard = labs["carol"].kernel()
    heard.tell("import time; time.sleep(600)")
    # Waits as well, but Jupyter Server did not hear it begin.
    unheard = made(labs["bob"])
    made(labs["alice"])
    rests = labs["alice"].kernel()
    rests.execute("kept = 42")
    for kernel in (rests, heard):
        kernel.socket.close()
    told = labs["bob"].api("GET", f"kernels/{unheard}").json()
    assert told["execution_state"] == "starting", told
    begun = time.monotonic()
    cursor = hub.container.journal_cursor()
    wait_for("the hub to step aside", lambda: hub.container.active("hub.service") == "inactive", DEADLINE)
    wait_for("alice's server to be suspended", lambda: state(hub, "alice") == ("active", "frozen"), DEADLINE)
    figure("time from idle to suspended (10 s configured)", f"{time.monotonic() - begun:.0f} s")
    wait_for("alice's server to be stopped", lambda: hub.container.active(hub.unit("alice")) == "inactive", DEADLINE)
    figure("time from idle to stopped (25 s configured)", f"{time.monotonic() - begun:.0f} s")
    for user in ("bob", "carol"):
        assert state(hub, user) == ("active", "running"), f"{user}\n{hub.shell('hubctl idle')}"
    culled = hub.container.journal(CULLED, after=cursor)
    assert [(entry["HUB_USER"], entry["HUB_OUTCOME"]) for entry in culled] == [("alice", "idle")]
    hub.run(["rm", STARTUP])
