"""A full house: ten thousand people, five hundred of whom have a server running, and the administration's pages."""
import statistics
import threading
import time

import pytest

from harness import paths
from harness.browser import PAGE_DEADLINE
from harness.hub import at_once, timed
from harness.people import PASSWORDS

PEOPLE, SERVERS, FEW = 10_000, 500, 100
# One request for so many of them.
AT_ONCE = 1000
# The hub starts them as they come; so many ask at a time.
ASKING = 20
STARTED_DEADLINE = 300.0
TRIES = 15
# How much longer a page of the full house may take than one of a hundred people.
SLOWER_MAX = 12
ACCOUNTS = f"""
set -eu
for i in $(seq 1 {PEOPLE}); do
  echo "p$i:x:$((20000 + i)):100::/home/p$i:/bin/bash" >&3
  echo "p$i:!:20000::::::" >&4
done 3>>/etc/passwd 4>>/etc/shadow
for i in $(seq 1 {SERVERS}); do install -d -m 700 -o $((20000 + i)) -g 100 /home/p$i; done
"""


@pytest.fixture(scope="module")
def house(module_hub):
    """A machine whose servers are as small as can be."""
    source = (paths.TESTS / "harness" / "small_server.py").read_text()
    module_hub.container.write("/usr/local/bin/small-server", source, 0o755)
    module_hub.configure('[hub]\nconcurrent_starts = 0\n[server]\ncommand = ["/usr/local/bin/small-server"]\n')
    module_hub.shell(ACCOUNTS)
    yield module_hub
    module_hub.stop_all()


def seconds_of(client, path):
    """The median time of the page, seconds."""
    times = []
    for _ in range(TRIES):
        answer, took = timed(lambda: client.get(path))
        assert answer.status == 200, answer.text[:500]
        times.append(took)
    return statistics.median(times)


def test_the_administration_is_fluent_with_ten_thousand_people_and_five_hundred_servers(house, browser, figure):
    boss = house.logged_in("boss")
    paths = ["/hub/admin", "/hub/admin?state=ready", "/hub/admin?name_filter=p49", "/hub/admin?sort=-last_activity"]

    def add(first, count):
        answer = boss.api("POST", "/users", {"usernames": [f"p{number}" for number in range(first, first + count)]})
        assert answer.status == 201, answer.text[:500]

    add(1, FEW)
    before = seconds_of(boss, "/hub/admin")
    for first in range(FEW + 1, PEOPLE, AT_ONCE):
        add(first, min(AT_ONCE, PEOPLE + 1 - first))

    began = time.monotonic()
    local = threading.local()

    def start(number):
        if not hasattr(local, "client"):
            local.client = house.client()
            local.headers = {"Authorization": f"token {token}", "Accept": "application/json"}
        answer = local.client.request("POST", f"/hub/api/users/p{number}/server", headers=local.headers)
        assert answer.status in (201, 202), answer.text

    token = house.token("boss")
    at_once(start, range(1, SERVERS + 1), workers=ASKING)
    status = house.status()
    while status["servers"]["running"] < SERVERS:
        assert time.monotonic() - began < STARTED_DEADLINE, status
        status = house.status()
    figure("500 small servers, from the first order to the last that answers", f"{time.monotonic() - began:.0f} s")
    assert len(house.running_units()) == SERVERS

    for path in paths:
        after = seconds_of(boss, path)
        figure(f"{path} with 10,000 people and 500 servers", f"{after * 1000:.1f} ms (/hub/admin of {FEW}: {before * 1000:.1f} ms)")
        assert after < before * SLOWER_MAX, f"{path}: {after} s; /hub/admin of {FEW} people: {before} s"

    page = browser(house).login("boss", PASSWORDS["boss"]).open("/hub/admin?name_filter=p49")
    page.wait("500 on the machine's own count", lambda d: str(SERVERS) in d.find_element("id", "machine").text)
    row = "tr[data-server='p49'] .pill"
    assert page.find(row).get_attribute("data-tone") == "running"
    _, took = timed(lambda: house.run(["systemctl", "stop", "jupyter@p49.service"]))
    began = time.monotonic()
    page.wait("the stop to be shown", lambda _: page.find(row).get_attribute("data-tone") == "stopped", PAGE_DEADLINE)
    figure("a server's end among 500 (systemctl stop), to the open page", f"{took + time.monotonic() - began:.2f} s")

    page.open("/hub/admin?name_filter=p48&state=ready")
    house.run(["systemctl", "stop", "jupyter@p48.service"])
    page.wait("whoever fits no longer to leave the list", lambda d: not d.find_elements("css selector", "[data-person='p48']"))
    assert page.find("[data-person='p480'] .pill").get_attribute("data-tone") == "running"
    assert house.status()["servers"]["running"] == SERVERS - 2
