"""The hub steps aside when nobody needs it: servers go on, and whoever comes is served by the next one."""
import itertools
import statistics
import time

import pytest

from harness.hub import timed
from harness.jupyter import Kernel, terminal_output
from harness.people import PASSWORDS
from harness.wait import wait_for

LEFT = "MESSAGE_ID=4c0d9e7a51b84f36a2f18b6e3d7c9055"
SHORT = '[hub]\nexit_when_idle = "1s"\n'
# So short that requests and exits meet all the time.
HASTY = '[hub]\nexit_when_idle = "10ms"\n'
# A browser keeps its last connection for the 30 s that the hub waits for another request.
ENDS = 90.0
EXITS = 50


@pytest.fixture
def aside(module_hub):
    """The file's own machine with an impatient hub."""
    module_hub.configure(SHORT)
    yield module_hub
    module_hub.configure("")
    module_hub.stop_all()


def exits(hub, cursor):
    return len(hub.container.journal(LEFT, after=cursor))


def wait_for_its_end(hub):
    wait_for("the hub to step aside", lambda: hub.container.active("hub.service") == "inactive", ENDS)


def test_it_ends_well_servers_go_on_and_the_next_request_is_answered(aside, figure):
    client = aside.logged_in("alice")
    lab = aside.start(client, "alice").enter()
    kernel = lab.kernel()
    kernel.execute("kept = 42")
    kernel.socket.close()
    server = aside.container.main_pid("jupyter@alice.service")
    cursor = aside.container.journal_cursor()
    wait_for_its_end(aside)
    ended = aside.container.show("hub.service", "Result", "ExecMainStatus", "ExecMainCode", "NRestarts")
    assert ended["Result"] == "success" and ended["ExecMainStatus"] == "0", ended
    assert ended["NRestarts"] == "0", ended
    assert exits(aside, cursor) == 1
    assert aside.container.active("hub.socket") == "active"
    assert aside.container.main_pid("jupyter@alice.service") == server

    answer, seconds = timed(lambda: client.get("/hub/home"))
    figure("first page from a hub that had stepped aside", f"{seconds * 1000:.0f} ms")
    assert answer.status == 200, "the session outlives the process"
    assert aside.model(client, "alice")["servers"][""]["ready"] is True
    kernels = lab.api("GET", "kernels").json()
    again = Kernel(lab, kernels[0]["id"])
    assert again.execute("kept") == "42"
    again.close()


def test_an_open_terminal_keeps_it(aside):
    lab = aside.start(aside.logged_in("bob"), "bob").enter()
    made = lab.api("POST", "terminals")
    socket = lab.websocket(f"terminals/websocket/{made.json()['name']}")
    first = aside.container.main_pid("hub.service")
    # Longer than the hub waits when nobody is there; the terminal itself tells the time.
    assert "been 4 s" in terminal_output(socket, "sleep 4; echo been $((2+2)) s", "been 4 s")
    assert aside.container.main_pid("hub.service") == first
    socket.close()
    wait_for_its_end(aside)


def test_last_use_is_written_down_before_the_end(aside):
    token = aside.token("carol", note="kept")
    caller = aside.client()
    headers = {"Authorization": f"token {token}", "Accept": "application/json"}
    assert caller.request("GET", "/hub/api/user", headers=headers).status == 200
    wait_for_its_end(aside)
    listed = aside.logged_in("carol").api("GET", "/users/carol/tokens").json()["api_tokens"]
    kept = next(entry for entry in listed if entry["note"] == "kept")
    assert kept["last_activity"], kept


def test_no_request_is_lost_over_fifty_exits(aside, figure):
    aside.configure(HASTY)
    cursor = aside.container.journal_cursor()
    client = aside.client()
    seconds, began = [], time.monotonic()
    # Pauses that walk through the moment at which the hub leaves.
    pauses = itertools.cycle([0.0, 0.002, 0.005, 0.008, 0.010, 0.012, 0.015, 0.02, 0.03])
    while exits(aside, cursor) < EXITS:
        for _ in range(40):
            time.sleep(next(pauses))
            answer, took = timed(lambda: client.request("GET", "/hub/api/"))
            assert answer.status == 200, answer.text
            seconds.append(took)
        assert time.monotonic() - began < 300, f"{exits(aside, cursor)} exits"
    assert aside.container.show("hub.service", "Result") == "success"
    assert aside.container.active("hub.socket") == "active"
    ranked = sorted(seconds)
    figure(
        "requests around exits of the hub",
        f"{len(seconds)} requests, {exits(aside, cursor)} exits, none lost; answer after "
        f"{statistics.median(ranked) * 1000:.1f} ms (median), {ranked[int(len(ranked) * 0.99)] * 1000:.0f} ms (99 %)",
    )


def test_hubctl_and_a_browser_meet_a_hub_that_left(aside, browser):
    page = browser(aside).login("alice", PASSWORDS["alice"]).open("/hub/home")
    page.wait_state("stopped")
    page.driver.get("about:blank")
    wait_for_its_end(aside)
    assert aside.status()["servers"]["running"] == 0
    wait_for_its_end(aside)
    page.open("/hub/home").wait_state("stopped")


def test_why_a_server_does_not_run_is_told_by_the_hub_that_comes_back(aside):
    client = aside.logged_in("bob")
    aside.start(client, "bob")
    wait_for_its_end(aside)
    aside.run(["systemctl", "kill", "--kill-whom=main", "--signal=KILL", "jupyter@bob.service"])
    wait_for("the unit to fail", lambda: aside.container.active("jupyter@bob.service") == "failed", ENDS)
    # Nobody was there when it died; the second hub was told by the first, which cleared the unit.
    for _ in range(2):
        assert aside.container.active("hub.service") == "inactive"
        home = client.get("/hub/home").text
        assert 'id="server-message"' in home and 'data-state="failed"' in home, home
        reason = client.get("/hub/spawn-pending/bob").text
        assert 'id="spawn-error"' in reason and "signal (9)" in reason, reason
        assert "Main process exited" in reason, "the journal's lines are read anew"
        wait_for_its_end(aside)
    # An administrator's stop is told as well.
    aside.start(client, "bob")
    aside.run(["hubctl", "stop", "bob"])
    wait_for_its_end(aside)
    assert "root stopped it." in client.get("/hub/home").text
    [stopped] = aside.container.journal("HUB_BY=root")
    assert (stopped["HUB_USER"], stopped["MESSAGE"]) == ("bob", "The server of bob stopped")
