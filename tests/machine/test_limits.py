"""Limits are the kernel's: memory, processor time and processes end where the configuration says, and pages show it."""
import itertools
import re

import pytest

from harness.messages import entries_of, whose
from harness.wait import wait_for

UNIT = "jupyter@alice.service"
GROUP = f"/sys/fs/cgroup/jupyter.slice/jupyter-alice.slice/{UNIT}"
OUT_OF_MEMORY = "memory ran out and the kernel killed a process of a server that goes on; the sentence says whose limit it was"
KILL_DEADLINE = 300.0
NOTICED = 300.0
# Figures are read every two seconds while somebody looks.
EVENTS_MOST = 60
ROUNDS = 3
# Beside JupyterLab and the kernel itself this is more than 500 MB.
HOARD = "hoard = b'x' * (450 << 20)"
# Turns of a loop in two seconds, and the processor time they took.
BUSY = """
import time
wall, used, turns = time.monotonic(), time.process_time(), 0
while time.monotonic() - wall < 2:
    turns += 1
print(turns, (time.process_time() - used) / (time.monotonic() - wall))
"""
# Every process makes another one whenever it can, and never ends.
FORK_BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def kernel(alice):
    """A kernel of alice's, until it is killed."""
    made = alice.kernel()
    yield made
    made.close()


@pytest.fixture(scope="module")
def second_kernel(alice):
    """Another one, for what comes after that."""
    made = alice.kernel()
    yield made
    made.close()


def exists(hub, pid):
    return hub.run(["test", "-d", f"/proc/{pid}"], check=False).returncode == 0


def counted(hub, file, name):
    """A number that the kernel keeps of alice's unit."""
    lines = hub.run(["cat", f"{GROUP}/{file}"]).stdout.splitlines()
    return next(int(line.split()[1]) for line in lines if line.split()[0] == name)


def set_limit(hub, limit):
    hub.run(["hubctl", "limits", "set", "alice", limit])


def first(found, events):
    """What `found` finds first in the events of a page."""
    answers = (found(event) for event in itertools.islice(events, EVENTS_MOST))
    return next((answer for answer in answers if answer), None)


def test_pages_tell_the_memory_that_is_used_of_the_limit_and_go_on_telling_it(hub, alice, kernel):
    home = alice.client.get("/hub/home")
    shown = re.search(r'data-figure="memory".*?class="amount">([^<]*)<', home.text, re.DOTALL).group(1)
    assert re.fullmatch(r"\d+ MB of 500 MB", shown), shown
    events = alice.client.events("/hub/home/events")

    def memory(least):
        def found(event):
            figures = {figure["kind"]: figure for figure in event.get("figures", ())}
            return figures and figures["memory"]["part"] > least and figures["memory"]
        return found

    before = first(memory(0), events)
    assert before["text"].endswith(" MB of 500 MB"), before
    # A fifth of the limit.
    kernel.execute("kept = b'x' * (100 << 20)", KILL_DEADLINE)
    assert first(memory(before["part"] + 0.15), events), f"{before} and no more"
    kernel.execute("del kept")
    events.close()

    boss = hub.logged_in("boss")
    assert re.search(r'class="uses"><span>\d+ MB of 500 MB<', boss.get("/hub/admin").text)
    rows, machines = {}, []
    events = boss.events("/hub/admin/events")

    def both(event):
        rows.update({row["server"]: row["uses"] for row in event["rows"] if row["uses"]})
        machines.extend([event["machine"]] if event["machine"] else [])
        return rows and machines

    assert first(both, events)
    events.close()
    assert re.fullmatch(r"\d+ MB of 500 MB", rows["alice"]["memory"]), rows
    told = {figure["kind"]: figure["text"] for figure in machines[0]["figures"]}
    assert re.fullmatch(r"[\d.]+ [MG]B of [\d.]+ GB", told["memory"]) and re.fullmatch(r"\d+ %", told["pressure"]), told


def test_half_a_processor_is_half_the_rate_of_a_busy_loop(hub, kernel, figure):
    rates, shares = {50: 0, 100: 0}, {50: [], 100: []}
    for _ in range(ROUNDS):
        # In turns, so that whatever else the host does slows both down.
        for quota in (100, 50):
            set_limit(hub, f"cpu_quota={quota}%")
            turns, share = kernel.execute(BUSY).split()
            rates[quota] += int(turns)
            shares[quota].append(float(share))
    assert counted(hub, "cpu.stat", "nr_throttled") > 0
    set_limit(hub, "cpu_quota=infinity")
    rate, share = rates[50] / rates[100], sum(shares[50]) / sum(shares[100])
    figure("busy loop at half a processor", f"{rate:.2f} of its rate and {share:.2f} of its time at a whole one")
    assert 0.4 < share < 0.6, shares
    # A host that is busy itself takes its part of either rate.
    assert 0.1 < rate < 0.75, rates


def test_a_kernel_beyond_the_memory_limit_is_killed_jupyterlab_lives_and_the_person_is_told(hub, alice, kernel):
    cursor = hub.container.journal_cursor()
    pid, main = int(kernel.execute("import os; print(os.getpid())")), hub.container.main_pid(UNIT)
    kernel.tell(HOARD)
    wait_for("the kernel to be killed", lambda: not exists(hub, pid), KILL_DEADLINE)
    assert hub.container.main_pid(UNIT) == main and alice.api("GET", "status").status == 200
    assert counted(hub, "memory.events", "oom_kill") == 1, "one process, and no other"

    def told():
        return entries_of(hub.container.journal("HUB_USER=alice", after=cursor), OUT_OF_MEMORY)

    [entry] = wait_for("the hub to notice", told, NOTICED)
    assert whose(entry) == ("alice", "", UNIT) and "of 524288000 bytes" in entry["MESSAGE"], entry
    news = hub.model(alice.client, "alice")["servers"][""]["hubd"]["out_of_memory"]
    assert news["killed"] == 1 and news["limit"] == 500 << 20 and news["used"] > 450 << 20, news
    home = alice.client.get("/hub/home")
    assert "500 MB" in home.element("server-message"), home.text


def test_a_limit_that_is_raised_counts_at_once_for_a_kernel_that_runs(hub, second_kernel):
    second_kernel.execute("kept = 42")
    set_limit(hub, "memory_max=1G")
    assert hub.run(["cat", f"{GROUP}/memory.max"]).stdout.strip() == str(1 << 30)
    before = counted(hub, "memory.events", "oom_kill")
    assert second_kernel.execute(f"{HOARD}\nprint(len(hoard), kept)", KILL_DEADLINE).split() == [str(450 << 20), "42"]
    assert counted(hub, "memory.events", "oom_kill") == before


def test_a_fork_bomb_stops_at_the_limit_and_jupyterlab_and_the_machine_live(hub, alice, second_kernel):
    second_kernel.tell(FORK_BOMB)
    wait_for("the limit to be reached", lambda: counted(hub, "pids.events", "max") > 0, KILL_DEADLINE)
    assert int(hub.run(["cat", f"{GROUP}/pids.current"]).stdout) <= 150
    assert alice.api("GET", "status").status == 200
    assert hub.client().get("/hub/login").status == 200
    # What became of the bomb's processes is not the kernel manager's business: the stop ends every one.
    hub.stop(alice.client, "alice")
    assert not hub.container.run(["pgrep", "-u", "alice"], check=False).stdout.split()
