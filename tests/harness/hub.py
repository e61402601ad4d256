"""The hub on a booted machine, as the tests speak about it."""
import concurrent.futures
import json
import time

from harness import clients, paths
from harness.http import DEADLINE, REDIRECTS, Client
from harness.jupyter import Lab, segment
from harness.people import PASSWORDS
from harness.rest import Rest
from harness.wait import wait_for

START_DEADLINE = 60.0
STOP_DEADLINE = 30.0
BACK_DEADLINE = 20.0
TEST_CONFIGURATION = "/etc/hub/hub.toml.d/50-test.toml"


class Hub:
    """Handles of one machine with the package installed."""

    def __init__(self, container):
        self.container = container
        self.run = container.run
        self.shell = container.shell
        self.expected_warnings = []

    def expect_warning(self, message):
        """Tells the journal gate of one warning that a test is about to cause, by its whole text."""
        self.expected_warnings.append(message)

    def client(self):
        """A caller that nobody knows yet."""
        return Client(self.container.net, deadline=DEADLINE * self.container.patience)

    def logged_in(self, user, password=None):
        """A caller with a session of this person."""
        return self.client().login(user, password or PASSWORDS[user])

    def token(self, user, password=None, **fields):
        """A new API token of this person; the fields are those of the API: scopes, expires_in, note."""
        answer = self.logged_in(user, password).api("POST", f"/users/{segment(user)}/tokens", fields or None)
        assert answer.status == 201, f"token for {user}: {answer.status} {answer.text}"
        return answer.json()["token"]

    def rest(self, user, password=None, **fields):
        """A caller of the REST API with a new token of this person."""
        return Rest(self.client(), self.token(user, password, **fields))

    def put_example(self, name):
        """Puts one of the harness's programs for JupyterHub into the machine; returns where it is."""
        where = f"/usr/local/share/{name}"
        self.container.write(where, (paths.TESTS / "harness" / name).read_text())
        return where

    def run_example(self, name, *arguments, **environment):
        """Runs one of them with the Python of JupyterHub 6; returns what it printed."""
        command = [f"{clients.VENV}/bin/python", self.put_example(name), *arguments]
        return self.run(command, environment=environment).stdout

    # -- configuration ------------------------------------------------------------------------

    def configure(self, text):
        """Puts a configuration in force; an empty text is the default one."""
        if text:
            self.container.write(TEST_CONFIGURATION, text)
        else:
            self.container.remove(TEST_CONFIGURATION)
        self.restart()

    def restart(self):
        """Ends hubd and the broker; the next request starts them."""
        self.run(["systemctl", "stop", "hub.service", "hub-broker.service"])
        self.run(["systemctl", "reset-failed"])
        self.run(["systemctl", "start", "hub.socket"])

    # -- servers ------------------------------------------------------------------------------

    def begin(self, client, user):
        """Presses the start button of the page, which answers while the start is under way."""
        answer = client.hub_form(f"/hub/spawn/{segment(user)}")
        assert answer.status in REDIRECTS, f"start button of {user}: {answer.status} {answer.text[:500]}"
        return answer

    def request_start(self, client, user):
        """The REST API's start, which waits some seconds for the end; returns the answer as it is."""
        return client.api("POST", f"/users/{segment(user)}/server")

    def start(self, client, user):
        """Starts the person's server and waits until it answers. Returns the Lab."""
        answer = self.request_start(client, user)
        assert answer.status in (201, 202), f"start of {user}: {answer.status} {answer.text}"
        last = self.progress(client, user)[-1]
        assert last.get("ready"), f"start of {user} ended with {last}\n{self.tale(user)}"
        return Lab(client, user)

    def progress(self, client, user):
        """All events of a start, up to its end."""
        events = []
        for event in client.events(f"/hub/api/users/{segment(user)}/server/progress"):
            events.append(event)
            if event.get("ready") or event.get("failed"):
                break
        assert events, "the progress stream had no event"
        return events

    def stop(self, client, user):
        """Stops the person's server and waits until the unit is gone."""
        answer = client.api("DELETE", f"/users/{segment(user)}/server")
        assert answer.status in (202, 204), f"stop of {user}: {answer.status} {answer.text}"
        wait_for(f"{user}'s unit to end", lambda: not self.is_up(user), STOP_DEADLINE * self.container.patience)

    def unit(self, user):
        """The unit's name for names that need no escape."""
        return f"jupyter@{user}.service"

    def is_up(self, user):
        return self.container.active(self.unit(user)) not in ("inactive", "failed")

    def running_units(self):
        """{unit: main process} of every server that systemd has active."""
        text = self.run(
            ["systemctl", "list-units", "--plain", "--no-legend", "--full", "--state=active", "jupyter@*.service"]
        ).stdout
        units = [line.split()[0] for line in text.splitlines()]
        return {unit: self.container.main_pid(unit) for unit in units}

    def stop_all(self):
        """Ends every server, by systemd, and forgets failures."""
        self.run(["systemctl", "thaw", "jupyter@*.service"], check=False)
        self.run(["systemctl", "stop", "jupyter@*.service"], check=False)
        self.run(["systemctl", "reset-failed"], check=False)

    def model(self, client, user):
        """The hub's own user model by its REST API."""
        answer = client.api("GET", f"/users/{segment(user)}")
        assert answer.status == 200, f"model of {user}: {answer.status} {answer.text}"
        return answer.json()

    def tale(self, user):
        """Why a start went wrong: what the journal has of the unit and of the hub."""
        return self.run(
            ["journalctl", "--no-pager", "--lines=60", "-u", self.unit(user), "-u", "hub.service",
             "-u", "hub-broker.service"], check=False,
        ).stdout

    def ask_broker(self, verb, *arguments, check=True):
        """Root's call of a method of the broker, all of whose arguments are strings."""
        return self.run(
            ["busctl", "--system", "--json=short", "call", "org.hubd.Broker1", "/org/hubd/Broker1", "org.hubd.Broker1",
             verb, "s" * len(arguments), "--", *arguments], check=check,
        )

    def status(self):
        """The hub's answer to hubctl status --json."""
        return json.loads(self.run(["hubctl", "status", "--json"]).stdout)


def at_once(work, items, workers=None):
    """Runs `work(item)` for all items in threads; results in the order of the items."""
    with concurrent.futures.ThreadPoolExecutor(workers or max(1, len(items))) as pool:
        return list(pool.map(work, items))


def timed(work):
    """(result, seconds) of a call."""
    started = time.monotonic()
    result = work()
    return result, time.monotonic() - started
