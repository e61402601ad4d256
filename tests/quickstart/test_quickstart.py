"""The first command of the README, as somebody runs it who has only the README.

The container, its images and its port are the test's own, so that a quickstart of the person at this
machine goes on undisturbed.
"""
import http.cookiejar
import os
import re
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("HUBD_TEST_CACHE", "/var/cache/hubd-tests"))
RUN_DEADLINE = 1500.0
ANSWER_DEADLINE = 60.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Quickstart:
    """The command with settings of its own."""

    def __init__(self, state):
        self.state = state
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    def run(self, *arguments, cache=CACHE / "quickstart"):
        """The command's output; it must succeed."""
        settings = {"HUBD_PORT": str(self.port), "HUBD_STATE": str(self.state), "HUBD_CACHE": str(cache)}
        done = subprocess.run(
            [str(TOP / "packaging/quickstart"), *arguments], env={**os.environ, **settings}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_DEADLINE, check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout


@pytest.fixture
def quickstart(tmp_path):
    made = Quickstart(tmp_path / "state")
    yield made
    if made.state.exists():
        made.run("--remove", cache=tmp_path / "nothing-here")


def lab_of_demo(address, password):
    """Logs in as demo with a browser's means, starts the server, and returns the page it ends on."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    opener.addheaders = [("Accept", "text/html")]
    page = opener.open(f"{address}/hub/login", timeout=ANSWER_DEADLINE).read().decode()
    xsrf = re.findall(r'name="_xsrf" value="([^"]+)"', page)[-1]
    form = urllib.parse.urlencode({"_xsrf": xsrf, "username": "demo", "password": password})
    home = opener.open(f"{address}/hub/login", data=form.encode(), timeout=ANSWER_DEADLINE)
    assert home.url == f"{address}/hub/home", home.read().decode()
    opener.open(f"{address}/hub/spawn/demo", timeout=ANSWER_DEADLINE)
    # The stream of events ends when the start does.
    progress = opener.open(f"{address}/hub/api/users/demo/server/progress", timeout=ANSWER_DEADLINE).read().decode()
    assert '"ready":true' in progress, progress
    return opener.open(f"{address}/user/demo/", timeout=ANSWER_DEADLINE)


def test_it_ends_with_an_address_where_demo_works_and_can_be_run_again_and_stopped(quickstart):
    told = quickstart.run("--container")
    assert told.rstrip().splitlines()[-1] == f"==> the hub is ready: {quickstart.address}"
    password = re.search(r'log in as "demo" with the password "([^"]+)"', told).group(1)
    page = lab_of_demo(quickstart.address, password)
    assert page.url == f"{quickstart.address}/user/demo/lab" and "<title>JupyterLab</title>" in page.read().decode()
    (quickstart.state / "home/demo/kept.txt").write_text("kept")

    again = quickstart.run("--container")
    assert f'with the password "{password}"' in again
    assert (quickstart.state / "home/demo/kept.txt").read_text() == "kept"
    lab_of_demo(quickstart.address, password)

    assert "the container is stopped" in quickstart.run("--stop")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(quickstart.address, timeout=ANSWER_DEADLINE)
    told = quickstart.run("--remove", cache=quickstart.state.parent / "nothing-here")
    assert "are gone" in told and not quickstart.state.exists()


def test_a_port_that_is_taken_is_said_so(quickstart):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", quickstart.port))
        taken.listen()
        with pytest.raises(AssertionError, match=f"port {quickstart.port} is taken"):
            quickstart.run("--container")
