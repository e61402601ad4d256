"""The journal's messages beyond a normal life: what the hub does by itself, services, accounts, and what goes wrong.

Each is caused on a real machine and compared with docs/journal.md. A law of the repository (tests/tidy) counts that no
message of it is left out here, in test_journal.py and in the machine tier.
"""
import contextlib

import pytest

from harness import pam, paths
from harness.messages import entries_of, whose
from harness.people import PASSWORDS
from harness.wait import wait_for

DEADLINE = 60.0
# A browser's connection may last half a minute longer.
ENDS = 90.0
SMALL = "/usr/local/bin/small-server"
SERVER = f'[server]\ncommand = ["{SMALL}"]\n'
# For a real JupyterLab: what does not answer as one is left alone.
IDLE = """
[idle]
{rule} = "1s"
cpu_window = "1s"
cpu_below = "90%"
"""
SERVICES = """
[[service]]
name = "grades"
url = "http://127.0.0.1:9999"
command = ["python3", "-m", "http.server", "--bind=127.0.0.1", "9999"]

[[service]]
name = "broken"
command = ["/nowhere/program"]

[[service]]
name = "nobody"
url = "http://127.0.0.1:9998"
"""
# PAM's own module for such tests: the account's database does not answer.
NO_DATABASE = "auth required pam_debug.so auth=authinfo_unavail\naccount required pam_unix.so\n"
GRADES = "hub-service@grades.service"
ALICE = "jupyter@alice.service"
FREEZER = f"/sys/fs/cgroup/jupyter.slice/jupyter-alice.slice/{ALICE}/cgroup.freeze"


@pytest.fixture
def hub(module_hub):
    source = (paths.TESTS / "harness" / "small_server.py").read_text()
    module_hub.container.write(SMALL, source, 0o755)
    yield module_hub
    module_hub.stop_all()
    module_hub.configure("")


@pytest.fixture
def said(hub):
    """said(*matches): the entries of this test."""
    cursor = hub.container.journal_cursor()
    return lambda *matches: hub.container.journal(*matches, after=cursor)


def told(said, meaning, *matches, unit=None):
    """The first entry that says this, of that unit if one is named, once the journal has it."""
    def found():
        entries = entries_of(said(*matches), meaning)
        return [entry for entry in entries if unit in (None, entry.get("HUB_UNIT"))]
    return wait_for(meaning, found, DEADLINE)[0]


@contextlib.contextmanager
def unstoppable(hub, unit):
    """systemd refuses every order to stop this unit."""
    folder = f"/run/systemd/system/{unit}.d"
    hub.container.write(f"{folder}/10-test.conf", "[Unit]\nRefuseManualStop=yes\n")
    hub.shell("systemctl daemon-reload")
    try:
        yield
    finally:
        hub.shell(f"rm -r {folder}; systemctl daemon-reload")


@contextlib.contextmanager
def no_freezer(hub):
    """The kernel does not take the order to freeze or to thaw alice's server."""
    hub.run(["mount", "--bind", "/dev/full", FREEZER])
    try:
        yield
    finally:
        hub.run(["umount", FREEZER])


@pytest.mark.parametrize("rule, outcome", [("stop_after", "idle"), ("max_age", "max-age")])
def test_a_server_that_the_hub_stops_by_itself(hub, said, rule, outcome):
    hub.configure(IDLE.format(rule=rule))
    hub.start(hub.logged_in("alice"), "alice")

    def stopped():
        hub.run(["hubctl", "idle", "--apply"])
        return not hub.is_up("alice")

    wait_for("the hub to stop alice's server", stopped, DEADLINE, longest_pause=2.0)
    entry = told(said, "the hub stops a server; `HUB_OUTCOME` is `idle` or `max-age`")
    assert whose(entry) == ("alice", "", ALICE) and entry["HUB_OUTCOME"] == outcome, entry


def test_a_hub_that_nobody_needs(hub, said):
    hub.configure('[hub]\nexit_when_idle = "1s"\n')
    assert hub.client().get("/hub/login").status == 200
    wait_for("the hub to end", lambda: hub.container.active("hub.service") == "inactive", ENDS)
    told(said, "nobody needed the hub for as long as `hub.exit_when_idle` says, and it ended")


def test_logins_that_cannot_be_decided_or_are_broken_off(hub, said):
    with pam.stack(hub, NO_DATABASE):
        assert hub.client().try_login("alice", PASSWORDS["alice"]).status == 503
    entry = told(said, "PAM, the name service or the configuration made a decision impossible")
    assert (entry["HUB_USER"], entry["HUB_OUTCOME"]) == ("alice", "unavailable"), entry
    hub.run(["chage", "--lastday", "0", "carol"])
    try:
        assert "New password" in hub.client().try_login("carol", PASSWORDS["carol"]).text
        hub.restart()
    finally:
        hub.shell('chage --lastday "$(date +%F)" carol')
    entry = told(said, "the hub broke it off: the person left, or 60 s were over")
    assert entry["HUB_OUTCOME"] == "hung-up" and int(entry["HUB_DURATION_USEC"]) > 0, entry


def test_services_that_run_and_that_do_not(hub, said):
    hub.configure(SERVICES)
    boss = hub.logged_in("boss")
    meanings = [
        ("systemd started a service, or the forwarder to it", GRADES),
        ("a service could not be started", "hub-service@broken.service"),
        ("a service could not be started or stopped, or ended badly and is not started again; `HUB_UNIT` is its unit",
         "hub-service@broken.service"),
    ]
    for meaning, unit in meanings:
        told(said, meaning, unit=unit)

    answer = boss.get("/services/nobody/")
    assert answer.status >= 500 and answer.element("incident"), answer.text
    entry = told(
        said,
        "a request failed by the hub's own or the server's fault; `HUB_REQUEST` is the incident, `HUB_OUTCOME` the status",
        f"HUB_REQUEST={answer.element('incident')}",
    )
    assert entry["HUB_OUTCOME"] == str(answer.status), entry

    with unstoppable(hub, GRADES):
        assert hub.ask_broker("StopService", "grades", check=False).returncode != 0
    hub.ask_broker("StopService", "grades")
    for meaning in ("a service could not be stopped: someone must look", "a running service was stopped on demand"):
        entry = told(said, meaning)
        assert (entry["HUB_SERVICE"], entry["HUB_UNIT"]) == ("grades", GRADES), entry
        assert int(entry["HUB_DURATION_USEC"]) > 0, entry


def test_accounts_that_are_made_changed_and_deleted(hub, said):
    hub.configure("[login]\ncreate_system_users = true\n")
    hub.run(["hubctl", "user", "add", "vera", "--create-account"])
    hub.run(["hubctl", "user", "password", "vera"])
    hub.run(["hubctl", "user", "remove", "vera", "--delete-account", "--delete-home"])
    for meaning in (
        "an account was made",
        "the password of an account that the hub made was set",
        "an account that the hub made was deleted",
    ):
        assert told(said, meaning)["HUB_USER"] == "vera", meaning
    hub.logged_in("alice")
    assert hub.run(["hubctl", "user", "password", "alice"], check=False).returncode != 0
    entry = told(said, "one of these three was refused, or failed; the sentence says why")
    assert entry["HUB_USER"] == "alice" and "did not make the account" in entry["MESSAGE"], entry


def test_a_server_that_is_not_started_stopped_frozen_or_thawed(hub, said):
    hub.configure('[server]\ncommand = ["/nowhere/lab"]\n')
    client = hub.logged_in("alice")
    hub.begin(client, "alice")
    assert hub.progress(client, "alice")[-1]["failed"]
    hub.configure(SERVER)
    hub.start(client, "alice")
    with unstoppable(hub, ALICE):
        assert hub.ask_broker("StopServer", "alice", "", check=False).returncode != 0
    with no_freezer(hub):
        assert hub.ask_broker("FreezeServer", "alice", "", check=False).returncode != 0
    hub.ask_broker("FreezeServer", "alice", "")
    with no_freezer(hub):
        assert hub.ask_broker("ThawServer", "alice", "", check=False).returncode != 0
    hub.ask_broker("ThawServer", "alice", "")
    assert hub.container.show(ALICE, "ActiveState", "FreezerState") == {"ActiveState": "active", "FreezerState": "running"}
    for meaning in (
        "a unit could not be started",
        "a unit could not be stopped: someone must look",
        "a server could not be frozen; it runs on",
        "a frozen server could not be thawed: someone must look",
    ):
        entry = told(said, meaning)
        assert whose(entry) == ("alice", "", ALICE) and int(entry["HUB_DURATION_USEC"]) > 0, entry
