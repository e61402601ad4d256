"""The journal as an interface: what a normal life leaves there, whose every line is, and who can flood whom."""
import pytest

from harness.indoors import Indoors
from harness.messages import entry_of, message, whose
from harness.people import PASSWORDS
from harness.wait import wait_for

SOON = 20.0
DEADLINE = 60.0
CONFIGURATION = """
[server]
named_limit = 1
"""
# What alice does, in this order, and the entries that it leaves, in the words of docs/journal.md.
LIFE = [
    "not accepted",
    "accepted",
    "a browser session began",
    "systemd started a server's unit",
    "a server answers; the duration is from the request",
    "what a running server may use was changed; the sentence names limits and amounts",
    "a server was frozen",
    "a server was suspended, by the hub or by somebody else",
    "a frozen server was thawed",
    "a suspended server runs again; the duration is how long it slept",
    "the hub suspended a server because nobody used it; the sentence says since when",
    "a running unit was stopped on demand",
    "a server stopped; the sentence says if it did not in time and was killed",
    "a server could not be started or stopped, or ended badly by itself",
    "a person signed out",
]
# These know no server.
LOGINS = ("not accepted", "accepted", "a browser session began", "a person signed out")
IMPATIENT = """
[idle]
suspend_after = "1s"
cpu_window = "1s"
cpu_below = "90%"
"""


@pytest.fixture
def hub(module_hub):
    yield module_hub
    module_hub.stop_all()
    module_hub.configure("")


def live(hub):
    """One day of alice."""
    assert hub.client().try_login("alice", "not the password").status == 403
    client = hub.logged_in("alice")
    kernel = hub.start(client, "alice").enter().kernel()
    kernel.execute("kept = 42")
    hub.run(["hubctl", "limits", "set", "alice", "tasks_max=300"])
    hub.run(["hubctl", "suspend", "alice"])
    assert kernel.execute("kept") == "42"
    kernel.close()
    hub.configure(CONFIGURATION + IMPATIENT)

    def suspended():
        hub.run(["hubctl", "idle", "--apply"])
        return hub.container.show("jupyter@alice.service", "FreezerState") == "frozen"

    wait_for("the hub to suspend alice's server by itself", suspended, DEADLINE, longest_pause=2.0)
    hub.stop(client, "alice")
    hub.configure(CONFIGURATION.replace("[server]", '[server]\ncommand = ["/bin/sh", "-c", "sleep 1; exit 3"]'))
    hub.begin(client, "alice")
    assert hub.progress(client, "alice")[-1]["failed"]
    client.hub_form("/hub/logout")


def test_what_a_normal_life_leaves_is_found_by_its_message_id_and_the_persons_name(hub):
    hub.configure(CONFIGURATION)
    cursor = hub.container.journal_cursor()
    live(hub)
    entries = hub.container.journal("HUB_USER=alice", after=cursor)
    for meaning in LIFE:
        entry = entry_of(entries, meaning)
        if meaning not in LOGINS:
            assert whose(entry) == ("alice", "", "jupyter@alice.service"), entry
        if "duration" in meaning or message(meaning).program == "hub-login":
            assert int(entry["HUB_DURATION_USEC"]) > 0, entry
    assert entry_of(entries, "a server could not be started or stopped, or ended badly by itself")["HUB_OUTCOME"] == "Exited"
    assert entry_of(entries, "not accepted")["HUB_OUTCOME"] == "refused"
    secrets = "\n".join(str(entry) for entry in hub.container.journal(after=cursor))
    assert PASSWORDS["alice"] not in secrets


def test_every_line_about_a_server_and_of_its_kernels_says_whose_it_is(hub):
    hub.configure(CONFIGURATION)
    cursor = hub.container.journal_cursor()
    client = hub.logged_in("alice")
    alice, bob = Indoors(hub, "alice"), Indoors(hub, "bob")
    alice.kernel.execute("import syslog; syslog.openlog('alices-kernel'); syslog.syslog('said by a kernel')")
    bob.kernel.execute("import syslog; syslog.openlog('bobs-kernel'); syslog.syslog('said by bob')")
    # A server with a name, whose lines are told from those of the other one.
    assert client.api("POST", "/users/alice/servers/gpu").status in (201, 202)
    wait_for("the named server", lambda: hub.container.active("jupyter@alice:gpu.service") == "active", DEADLINE)

    def lines(*matches):
        return hub.container.journal(*matches, after=cursor)

    wait_for("its first lines", lambda: lines("HUB_UNIT=jupyter@alice:gpu.service", "SYSLOG_IDENTIFIER=jupyter-lab"), SOON)
    for unit, user, server in (("jupyter@alice.service", "alice", ""), ("jupyter@alice:gpu.service", "alice", "gpu"),
                               ("jupyter@bob.service", "bob", "")):
        own = lines(f"_SYSTEMD_UNIT={unit}")
        assert {entry["SYSLOG_IDENTIFIER"] for entry in own} >= {"jupyter-lab"}, own
        for entry in [*own, *lines("_PID=1", f"UNIT={unit}")]:
            told = (entry.get("HUB_USER"), entry.get("HUB_SERVER"), entry.get("HUB_UNIT"))
            assert told == (user, server, unit), entry
    of_alice = lines("HUB_USER=alice")
    assert {"hubd", "hub-login", "hub-broker", "jupyter-lab", "systemd", "alices-kernel"} <= {
        entry["SYSLOG_IDENTIFIER"] for entry in of_alice}
    assert "bobs-kernel" not in str(of_alice) and "said by bob" in str(lines("HUB_USER=bob"))
    alice.close()
    bob.close()


def test_a_server_that_floods_its_log_is_limited_and_others_are_not(hub):
    hub.configure('[server]\nlog_burst = 50\nlog_interval = "1h"\n')
    alice, bob = Indoors(hub, "alice"), Indoors(hub, "bob")
    cursor = hub.container.journal_cursor()
    flood = "import syslog\nfor number in range(20000): syslog.syslog(f'flood {number}')"
    assert alice.kernel.execute(flood) == ""
    assert bob.kernel.execute("import syslog; syslog.syslog('said meanwhile')") == ""
    entries = wait_for(
        "bob's line", lambda: [entry for entry in hub.container.journal(after=cursor) if entry["MESSAGE"] == "said meanwhile"], SOON,
    )
    assert entries[0]["HUB_USER"] == "bob"
    of_alice = hub.container.journal("_SYSTEMD_UNIT=jupyter@alice.service", after=cursor)
    kept = [entry for entry in of_alice if str(entry["MESSAGE"]).startswith("flood ")]
    # journald takes a multiple of the burst while its disk is empty, at most six-fold.
    assert 0 < len(kept) <= 6 * 50, len(kept)
    hub.start(hub.logged_in("carol"), "carol")
    assert hub.container.journal("HUB_USER=carol", "SYSLOG_IDENTIFIER=hub-broker", after=cursor), "nor is the hub's own log"
    alice.close()
    bob.close()
