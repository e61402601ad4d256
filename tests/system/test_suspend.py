"""Suspended servers on a real machine: frozen and thawed by systemd, woken by whoever comes."""
import json
import math
import statistics
import threading
import time

from harness.hub import at_once
from harness.jupyter import Lab
from harness.wait import wait_for

FROZEN_DEADLINE = 30.0
WAKES = 100
CYCLES = 100
# Generous: shared, noisy cores. What is worth knowing is the printed figure.
WAKE_LIMIT = 1.0


def freezer(hub, user):
    return hub.container.show(hub.unit(user), "FreezerState")


def suspend(hub, user):
    return json.loads(hub.run(["hubctl", "suspend", "--json", user]).stdout)


def server(hub, user):
    """What the hub says of a server that is up; None of one that is not."""
    servers = json.loads(hub.run(["hubctl", "servers", "--json"]).stdout)
    return next((server for server in servers if server["user"] == user), None)


def state(hub, user):
    found = server(hub, user)
    return found["state_word"] if found else "stopped"


def test_suspended_by_hand_it_sleeps_until_somebody_comes_and_is_as_it_was(hub):
    lab = hub.start(hub.logged_in("alice"), "alice").enter()
    kernel = lab.kernel()
    kernel.execute("kept = 6 * 7")
    cursor = hub.container.journal_cursor()
    assert suspend(hub, "alice")["state"] == "suspended"
    assert freezer(hub, "alice") == "frozen"
    assert "suspended" in hub.run(["hubctl", "servers"]).stdout
    assert kernel.execute("print(kept)") == "42\n"
    assert freezer(hub, "alice") == "running"
    assert state(hub, "alice") == "running"
    assert suspend(hub, "alice")["state"] == "suspended"
    assert json.loads(hub.run(["hubctl", "wake", "--json", "alice"]).stdout)["state"] == "running"
    assert freezer(hub, "alice") == "running"
    kernel.close()
    told = [entry["MESSAGE"] for entry in hub.container.journal("HUB_USER=alice", after=cursor)]
    for sentence in ("The server of alice is suspended", "The server of alice is awake again", "Froze the server of alice"):
        assert sentence in told, told


def test_a_suspended_server_is_stopped_started_anew_and_removed_like_any_other(hub):
    client = hub.logged_in("alice")
    hub.start(client, "alice").enter()
    suspend(hub, "alice")
    hub.stop(client, "alice")
    lab = hub.start(client, "alice").enter()
    suspend(hub, "alice")
    hub.run(["hubctl", "stop", "alice"])
    assert not hub.is_up("alice")
    hub.start(client, "alice").enter()
    suspend(hub, "alice")
    hub.run(["systemctl", "stop", "jupyter.slice"])
    wait_for("all servers to end at once, by systemd", lambda: not hub.is_up("alice"), FROZEN_DEADLINE)


def test_a_suspended_server_outlives_hub_and_broker(hub):
    lab = hub.start(hub.logged_in("alice"), "alice").enter()
    kernel = lab.kernel()
    kernel.execute("kept = 'yes'")
    suspend(hub, "alice")
    hub.restart()
    assert state(hub, "alice") == "suspended"
    assert freezer(hub, "alice") == "frozen"
    again = Lab(lab.client, "alice")
    assert again.api("GET", f"kernels/{kernel.identifier}").status == 200
    assert freezer(hub, "alice") == "running"


def first_byte(lab, number):
    """Seconds from a request on an open connection, as browsers keep them, to the first byte of its answer."""
    connection = lab.client.connection()
    path = f"{lab.prefix}files/nothing-{number}"
    started = time.monotonic()
    connection.request("GET", path, headers={**lab.headers(), "Cookie": lab.client.cookie_header(path)})
    answer = connection.getresponse()
    took = time.monotonic() - started
    assert answer.status == 404
    connection.close()
    return took


def spread(seconds):
    """Where most of them lie, in words."""
    ordered = sorted(seconds)
    # The smallest that so many per cent of all do not exceed.
    parts = [f"p{part} {ordered[math.ceil(len(ordered) * part / 100) - 1] * 1000:.0f} ms" for part in (50, 90, 99)]
    return f"{', '.join(parts)}, worst {ordered[-1] * 1000:.0f} ms of {len(ordered)}"


def test_how_long_a_wake_takes(hub, figure):
    lab = hub.start(hub.logged_in("alice"), "alice").enter()
    awake, asleep = [], []
    for number in range(WAKES):
        awake.append(first_byte(lab, number))
        suspend(hub, "alice")
        # What follows a suspension is over when somebody comes back.
        wait_for("its memory to be given back", lambda: "given_back" in server(hub, "alice")["hubd"], FROZEN_DEADLINE)
        asleep.append(first_byte(lab, number))
        assert freezer(hub, "alice") == "running"
    figure("request to a server that is awake, to the first byte", spread(awake))
    figure("wake of a suspended server, request to first byte", spread(asleep))
    assert statistics.median(asleep) < WAKE_LIMIT


def text(content):
    """A small file, as the contents API takes it."""
    return {"type": "file", "format": "text", "content": str(content)}


def test_under_load_a_hundred_times_frozen_and_no_request_is_lost(hub, figure):
    lab = hub.start(hub.logged_in("alice"), "alice").enter()
    over, answers, cycles = threading.Event(), [], []

    def ask(number):
        mine = 0
        while not over.is_set():
            # A write: nobody but a person makes it.
            answer = lab.api("PUT", f"contents/load-{number}.txt", text(mine)) if mine % 8 == 0 else lab.client.request(
                "GET", f"{lab.prefix}files/nothing-{number}-{mine}", headers=lab.headers())
            answers.append(answer.status)
            mine += 1

    def freeze(_):
        while len(cycles) < CYCLES:
            # Frozen by systemd, whatever the hub thinks of it: the hardest case.
            # Woken while it freezes, it never does.
            hub.run(["systemctl", "freeze", hub.unit("alice")], check=False)
            wait_for("somebody to wake it", lambda: freezer(hub, "alice") == "running", FROZEN_DEADLINE)
            cycles.append(len(answers))
        over.set()

    def work(which):
        try:
            ask(which) if which else freeze(which)
        finally:
            over.set()

    at_once(work, range(4))
    assert len(cycles) == CYCLES
    wrong = [status for status in answers if status not in (200, 201, 404)]
    assert wrong == [], wrong
    figure("frozen and woken under load", f"{CYCLES} times, {len(answers)} requests, none lost")


def test_a_machine_with_a_suspended_server_goes_down_at_once(fresh, figure):
    hub = fresh
    hub.start(hub.logged_in("alice"), "alice").enter()
    suspend(hub, "alice")
    started = time.monotonic()
    hub.run(["systemctl", "poweroff", "--no-block"])
    hub.container.wait_for_end(60.0)
    took = time.monotonic() - started
    figure("power-off with a suspended server", f"{took:.1f} s")
    assert took < 40, "without the thaw it takes 80 s and more"
