"""The hub's REST API as a script calls it: `Authorization: token`, no cookie, no page before it."""
import json

from harness.jupyter import segment
from harness.wait import wait_for

API = "/hub/api"
PAGINATION = "application/jupyterhub-pagination+json"
STOP_DEADLINE = 30.0


def server_path(user, server=""):
    """The API's path of a server below /hub/api, the default one without a name."""
    return f"/users/{segment(user)}/" + (f"servers/{segment(server)}" if server else "server")


class Rest:
    """A caller with a token."""

    def __init__(self, client, token, scheme="token"):
        self.client = client
        self.token = token
        self.headers = {"Authorization": f"{scheme} {token}"}

    def call(self, method, path, body=None, headers=None):
        """One call below /hub/api; `body` is sent as JSON, or as it is when it is bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.request(method, API + path, data, {**self.headers, **(headers or {})})

    def get(self, path, **headers):
        """The JSON of a GET that works."""
        return self.ok("GET", path, headers=headers)

    def ok(self, method, path, body=None, status=200, headers=None):
        """The JSON of a call that ends with this status; None when the answer is empty."""
        answer = self.call(method, path, body, headers)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.text[:500]}, not {status}"
        return answer.json() if answer.body else None

    # -- servers ------------------------------------------------------------------------------

    def progress(self, user, server=""):
        """The events of a start up to its end, one by one."""
        for event in self.client.events(f"{API}{server_path(user, server)}/progress", self.headers):
            yield event
            if event.get("ready") or event.get("failed"):
                return

    def start(self, user, server="", body=None):
        """Starts a server and returns the last event of its start, which says that it is ready."""
        answer = self.call("POST", server_path(user, server), body)
        assert answer.status in (201, 202), f"start of {user}/{server}: {answer.status} {answer.text[:500]}"
        last = list(self.progress(user, server))[-1]
        assert last.get("ready"), f"start of {user}/{server} ended with {last}"
        return last

    def stop(self, user, server="", body=None):
        """Stops a server and waits until the model no longer has it."""
        answer = self.call("DELETE", server_path(user, server), body)
        assert answer.status in (202, 204), f"stop of {user}/{server}: {answer.status} {answer.text[:500]}"
        wait_for(f"{user}/{server} to stop", lambda: server not in self.servers(user), STOP_DEADLINE)

    def servers(self, user):
        """{name: model} of the servers that run or start."""
        return self.get(f"/users/{segment(user)}")["servers"]
