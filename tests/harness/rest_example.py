"""The requests that JupyterHub's documentation shows, by the `requests` library, as one script of an administrator.

It runs inside the container: rest_example.py API-URL TOKEN. What the hub answered goes to standard output
as one JSON object, for the test to judge; a status that the library calls an error ends the script.
"""
import json
import sys
from urllib.parse import urljoin

import requests

api, token = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = f"token {token}"
told = {}


def call(method, path, **options):
    """A request that must not fail; its JSON, or None."""
    answer = session.request(method, api + path, timeout=60, **options)
    answer.raise_for_status()
    return answer.status_code, answer.json() if answer.content else None


def events(url):
    """The server-sent events of a start."""
    with session.get(url, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith(b"data:"):
                yield json.loads(line.split(b":", 1)[1])


told["version"] = requests.get(api, timeout=60).json()["version"]
told["users before"] = [user["name"] for user in call("GET", "/users")[1]]
told["added"] = call("POST", "/users", json={"usernames": ["bob", "carol"], "admin": False})
told["one added"] = call("POST", "/users/dash-ed")
told["group"] = call("POST", "/groups/formgrade-data301")
told["group users"] = call("POST", "/groups/formgrade-data301/users", json={"users": ["bob", "carol"]})
told["group properties"] = call("PUT", "/groups/formgrade-data301/properties", json={"room": "4.12"})
told["groups"] = call("GET", "/groups")[1]
told["group without bob"] = call("DELETE", "/groups/formgrade-data301/users", json={"users": ["bob"]})

status, _ = call("POST", "/users/bob/servers/", json={"profile": "small", "image": ["a", "b"]})
told["start"] = status
model = call("GET", "/users/bob")[1]["servers"][""]
told["progress"] = list(events(urljoin(api, model["progress_url"])))
told["running"] = call("GET", "/users/bob")[1]["servers"][""]
server = urljoin(api, told["running"]["url"])
told["server's own api"] = session.get(server + "api/status", timeout=60).status_code
told["stop"], _ = call("DELETE", "/users/bob/servers/")
while "" in call("GET", "/users/bob")[1]["servers"]:
    pass
told["stopped"] = call("GET", "/users/bob")[1]["servers"]

told["token"] = call("POST", "/users/bob/tokens", json={"note": "for a script", "expires_in": 3600, "scopes": ["read:users!user"]})
told["tokens"] = call("GET", "/users/bob/tokens")[1]["api_tokens"]
bearer = {"Authorization": f"Bearer {told['token'][1]['token']}"}
told["whoami"] = requests.get(api + "/user", headers=bearer, timeout=60).json()
told["token gone"], _ = call("DELETE", f"/users/bob/tokens/{told['token'][1]['id']}")
told["whoami afterwards"] = requests.get(api + "/user", headers=bearer, timeout=60).status_code

page = session.get(
    api + "/users", params={"limit": 2}, headers={"Accept": "application/jupyterhub-pagination+json"}, timeout=60
).json()
told["pages"] = [len(page["items"])]
while page["_pagination"]["next"]:
    page = session.get(
        page["_pagination"]["next"]["url"], headers={"Accept": "application/jupyterhub-pagination+json"}, timeout=60
    ).json()
    told["pages"].append(len(page["items"]))

told["user gone"], _ = call("DELETE", "/users/dash-ed")
told["group gone"], _ = call("DELETE", "/groups/formgrade-data301")
json.dump(told, sys.stdout)
