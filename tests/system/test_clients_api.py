"""Scripts written for JupyterHub: the checks C1, C8, C9 and C13 to C17 of the contract, section 15.2.

One machine and one configuration for all of them, so that a WebSocket that the first test opens can be
asked by the last whether it is still there.
"""
import json
import re
import urllib.parse
from datetime import datetime

import pytest
from packaging.version import Version

from harness import people
from harness.hub import at_once
from harness.jupyter import Lab, segment, terminal_output
from harness.rest import API, PAGINATION, Rest, server_path
from harness.wait import wait_for

SOON = 10.0
PUPILS = [f"pupil{number:02}" for number in range(60)]
UMLAUT = "ünïcode"
SLOW, BROKEN = "bob", "carol"

# A person's ~/behaviour decides how a start goes: "wait" until somebody writes to ~/go, "fail" at once.
PROGRAM = """#!/bin/sh
case "$(cat ~/behaviour 2>/dev/null)" in
fail) echo 'no marzipan today' >&2; exit 3 ;;
wait) read -r _ <~/go ;;
esac
exec /usr/bin/jupyter-lab "$@"
"""
CONFIGURATION = """
[hub]
concurrent_starts = 1

[server]
command = ["/usr/local/bin/lab-or-not"]
named_limit = 2

[[role]]
name = "readers"
scopes = ["list:users"]
groups = ["readers"]
"""


@pytest.fixture(scope="module")
def hub(clients_hub):
    machine = clients_hub.container
    machine.write("/usr/local/bin/lab-or-not", PROGRAM, 0o755)
    with open(machine.live_path("/etc/passwd"), "a", encoding="utf-8") as passwd:
        for number, name in enumerate(PUPILS):
            passwd.write(f"{name}:x:{3000 + number}:{3000 + number}::/home/{name}:/bin/bash\n")
    for name in (SLOW, BROKEN):
        machine.run(["mkfifo", f"/home/{name}/go"], user=name)
    clients_hub.configure(CONFIGURATION)
    return clients_hub


@pytest.fixture(scope="module")
def boss(hub):
    """An administrator's scripts. The people of these tests were here before."""
    for user in ("alice", SLOW, BROKEN):
        hub.logged_in(user)
    return hub.rest("boss")


@pytest.fixture
def behaves(hub, boss):
    """behaves(user, "wait"): how this person's next starts go, until the test's end, which ends the server too."""
    changed = []

    def decide(user, how):
        hub.container.write(f"/home/{user}/behaviour", how)
        changed.append(user)

    yield decide
    for user in changed:
        hub.container.live_path(f"/home/{user}/behaviour").unlink()
        hub.run(["systemctl", "stop", hub.unit(user)], check=False)
        wait_for(f"the hub to see the end of {user}'s server", lambda: boss.servers(user) == {}, SOON)


@pytest.fixture(scope="module")
def idle_terminal(hub):
    """alice's terminal over a WebSocket on which nothing is said for as long as the tests of this file take."""
    client = hub.logged_in("alice")
    lab = hub.start(client, "alice").enter()
    made = lab.api("POST", "terminals").json()
    socket = lab.websocket(f"terminals/websocket/{made['name']}")
    assert "user is alice" in terminal_output(socket, "echo user is $(id -un)", "user is alice")
    yield socket
    socket.close()


def let_go(hub, user):
    """Ends the wait of a person's slow program."""
    hub.run(["sh", "-c", "echo >~/go"], user=user, environment={"HOME": f"/home/{user}"}, deadline=SOON)


def moment(text):
    """A timestamp of the API, which must have the contract's form."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", text), text
    return datetime.fromisoformat(text)


def refusal(answer, status, message=None):
    """The message of an error, whose body must be the contract's object."""
    assert answer.status == status, f"{answer.path}: {answer.status} {answer.text[:300]}, not {status}"
    told = answer.json()
    assert set(told) >= {"status", "message"} and told["status"] == status, told
    assert isinstance(told["message"], str) and told["message"], told
    if message is not None:
        assert told["message"] == message
    return told["message"]


# -- C8: WebSockets -------------------------------------------------------------------------------

def test_c8_kernels_and_terminals_work_over_websockets_with_origin_and_host_as_sent(hub, idle_terminal):
    client = hub.logged_in("alice")
    lab = Lab(client, "alice").enter()
    kernel = lab.kernel()
    assert kernel.execute("6*7") == "42"
    # Jupyter compares Origin with Host, so a foreign one is refused only if both arrived as they were sent.
    with pytest.raises(Exception, match="403"):
        lab.websocket(f"api/kernels/{kernel.identifier}/channels", origin="http://evil.example")
    kernel.close()
    assert idle_terminal.connected


# -- C1: the root ---------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/hub/api", "/hub/api/"])
def test_c1_the_root_tells_its_version_to_everybody_with_and_without_a_slash(hub, path):
    answer = hub.client().request("GET", path)
    assert answer.status == 200
    version = answer.json()["version"]
    assert Version("6") <= Version(version) < Version("7")
    assert Version(answer.headers["X-JupyterHub-Version"]) == Version(version)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_c1_every_answer_of_the_hub_carries_the_version(hub):
    client = hub.client()
    for path in ("/hub/login", "/hub/api/users", "/hub/api/nothing", "/hub/nothing", "/hub/health"):
        assert Version(client.request("GET", path).headers["X-JupyterHub-Version"]) >= Version("6"), path


# -- C9: pages of users ---------------------------------------------------------------------------

@pytest.fixture(scope="module")
def pupils(boss):
    """Sixty people, made by one call."""
    made = boss.ok("POST", "/users", {"usernames": PUPILS}, status=201)
    assert [user["name"] for user in made] == PUPILS
    again = boss.call("POST", "/users", {"usernames": PUPILS})
    assert refusal(again, 409, "All 60 users already exist")
    return PUPILS


def test_c9_without_the_accept_header_users_are_a_plain_list(boss, pupils):
    users = boss.get("/users")
    assert isinstance(users, list) and {user["name"] for user in users} >= {"boss", *pupils}
    assert [user["name"] for user in boss.get("/users?limit=2&offset=1&sort=name")] == sorted(
        user["name"] for user in users
    )[1:3]
    assert refusal(boss.call("GET", "/users?limit=x"), 400, "Invalid argument type, offset and limit must be integers")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "hub.example.org:8000"])
def test_c9_with_it_they_come_in_pages_whose_next_leads_on_by_the_same_address(boss, pupils, host):
    headers = {"Accept": PAGINATION, "Host": host}
    seen, path = [], f"{API}/users?name_filter=pupil&sort=-name"
    while path:
        answer = boss.client.request("GET", path, headers={**boss.headers, **headers})
        assert answer.status == 200, answer.text
        page = answer.json()
        seen.append([user["name"] for user in page["items"]])
        assert page["_pagination"]["total"] == 60
        following = page["_pagination"]["next"]
        path = None
        if following:
            url = urllib.parse.urlsplit(following["url"])
            assert (url.scheme, url.netloc) == ("http", host)
            query = dict(urllib.parse.parse_qsl(url.query))
            assert query == {"name_filter": "pupil", "sort": "-name", "offset": "50", "limit": "50"}
            assert (following["offset"], following["limit"]) == (50, 50)
            path = f"{url.path}?{url.query}"
    assert [len(names) for names in seen] == [50, 10]
    assert sum(seen, []) == sorted(pupils, reverse=True)


# -- C13: a start and its progress ----------------------------------------------------------------

def test_c13_a_start_is_answered_and_its_progress_ends_with_an_address_that_opens(hub, boss, behaves):
    behaves(SLOW, "wait")
    where = server_path(SLOW)
    client = hub.logged_in(SLOW)

    def start():
        return boss.call("POST", where, {"user_options": {"profile": "small"}})

    def watch():
        wait_for("the start", lambda: boss.servers(SLOW).get("", {}).get("pending") == "spawn", SOON)
        assert boss.call("POST", where).status == 202, "a start that is under way"
        seen = boss.progress(SLOW)
        events = [next(seen)]
        let_go(hub, SLOW)
        return [*events, *seen]

    answer, events = at_once(lambda job: job(), [start, watch])
    assert answer.status == 201 and answer.body == b""
    assert events[0].items() >= {"progress": 0, "message": "Server requested"}.items()
    assert all(0 <= event["progress"] < 100 and event["message"] for event in events[:-1])
    url = "/user/bob/"
    assert events[-1].items() >= {
        "progress": 100, "ready": True, "url": url, "message": f"Server ready at {url}",
        "html_message": f'Server ready at <a href="{url}">{url}</a>',
    }.items()
    assert list(boss.progress(SLOW)) == [events[-1]], "whoever comes later gets the last event alone"
    assert client.get(url, follow=True).status == 200
    model = boss.servers(SLOW)[""]
    assert model["ready"] and not model["pending"] and not model["stopped"]
    assert model["user_options"] == {"profile": "small"} and model["full_name"] == "bob/"
    assert model["progress_url"] == f"{API}{where}/progress" and model["url"] == url
    assert moment(model["started"]) <= moment(model["last_activity"])
    assert refusal(boss.call("POST", where), 400, "bob is already running")
    boss.stop(SLOW)
    assert boss.call("GET", f"{where}/progress").status in (400, 404), "nothing is starting"


def test_c13_a_start_that_takes_long_is_answered_with_202(hub, boss, behaves):
    behaves(SLOW, "wait")
    assert boss.call("POST", server_path(SLOW)).status == 202
    let_go(hub, SLOW)
    assert list(boss.progress(SLOW))[-1]["ready"] is True
    boss.stop(SLOW)


def test_c13_a_start_that_failed_is_told_to_everybody_who_asks(hub, boss, behaves):
    behaves(BROKEN, "fail")
    answer = boss.call("POST", server_path(BROKEN))
    assert refusal(answer, 500)
    first, second = list(boss.progress(BROKEN)), list(boss.progress(BROKEN))
    assert first == second and len(first) == 1
    assert first[0]["failed"] is True and first[0]["progress"] == 100
    assert re.fullmatch(r"Spawn failed: .+", first[0]["message"])
    assert boss.servers(BROKEN) == {}


# -- C14: named servers ---------------------------------------------------------------------------

def test_c14_a_named_server_has_encoded_addresses_and_its_row_outlives_the_stop(hub, boss):
    hub.logged_in(UMLAUT, people.HURTING_PASSWORD)
    encoded = f"/users/{segment(UMLAUT)}/servers"
    prefix = "/user/%C3%BCn%C3%AFcode/gpu-1/"
    made = boss.ok("PUT", f"{encoded}/gpu%2D1", {"display_name": "Große GPU", "user_options": {"gpus": 1}}, status=201)
    assert (made["name"], made["display_name"], made["full_name"]) == ("gpu-1", "Große GPU", f"{UMLAUT}/gpu-1")
    assert made["stopped"] is True and made["ready"] is False and made["started"] is None
    assert refusal(boss.call("PUT", f"{encoded}/gpu-1"), 409, f"User {UMLAUT} already has server gpu-1")

    assert boss.start(UMLAUT, "gpu-1")["url"] == prefix
    model = boss.servers(UMLAUT)["gpu-1"]
    assert model["url"] == prefix and model["user_options"] == {"gpus": 1}
    assert model["progress_url"] == f"{API}{encoded}/gpu-1/progress"
    client = hub.logged_in(UMLAUT, people.HURTING_PASSWORD)
    assert Lab(client, UMLAUT, "gpu-1").enter().api("GET", "status").status == 200

    boss.stop(UMLAUT, "gpu-1")
    assert boss.servers(UMLAUT) == {}
    user = boss.get(f"/users/{segment(UMLAUT)}?include_stopped_servers=1")
    assert user["servers"]["gpu-1"]["stopped"] is True
    assert user["servers"]["gpu-1"]["user_options"] == {"gpus": 1}
    assert boss.get(f"{encoded}/gpu-1")["stopped"] is True
    boss.ok("DELETE", f"{encoded}/gpu-1", {"remove": True}, status=204)
    assert refusal(boss.call("GET", f"{encoded}/gpu-1"), 404)


def test_c14_names_and_numbers_of_named_servers_are_limited(boss):
    where = f"/users/{segment(UMLAUT)}/servers"
    for name in ("GPU", "a--b", "1a", "x" * 31, "under_score"):
        assert refusal(boss.call("PUT", f"{where}/{name}"), 400, f"Invalid server_name: '{name}'")
    for name in ("one", "two"):
        boss.ok("PUT", f"{where}/{name}", status=201)
    assert refusal(boss.call("POST", f"{where}/three"), 400, (
        f"User {UMLAUT} already has the maximum of 2 named servers.  One must be deleted before a new server can be created"
    ))
    for name in ("one", "two"):
        boss.ok("DELETE", f"{where}/{name}", {"remove": True}, status=204)


# -- C15: XSRF ------------------------------------------------------------------------------------

def test_c15_with_a_cookie_a_request_that_changes_something_needs_the_xsrf_header(hub):
    client = hub.logged_in("alice")
    xsrf = client.cookie("_xsrf")
    path = "/hub/api/users/alice/tokens"
    assert refusal(client.request("POST", path), 403)
    assert refusal(client.request("DELETE", "/hub/api/users/alice/server"), 403, "'_xsrf' argument missing from DELETE")
    wrong = {"X-XSRFToken": "x" * len(xsrf)}
    assert refusal(client.request("DELETE", "/hub/api/users/alice/server", headers=wrong), 403, (
        "XSRF cookie does not match DELETE argument"
    ))
    for right in ({"X-XSRFToken": xsrf}, {"X-CSRFToken": xsrf}):
        made = client.request("POST", path, b"{}", {**right, "Content-Type": "application/json"})
        assert made.status == 201, made.text
    assert client.request("POST", f"{path}?_xsrf={urllib.parse.quote(xsrf)}").status == 201


def test_c15_a_form_of_another_site_is_nobodys(hub):
    client = hub.logged_in("alice")
    headers = {"X-XSRFToken": client.cookie("_xsrf"), "Content-Type": "text/plain"}
    assert refusal(client.request("POST", "/hub/api/users/alice/tokens", b"{}", headers), 403)


def test_c15_reading_with_a_cookie_is_for_navigations_and_for_scripts_with_the_token(hub):
    client = hub.logged_in("alice")
    xsrf = client.cookie("_xsrf")
    assert client.request("GET", "/hub/api/user").status == 200
    assert client.request("GET", "/hub/api/user", headers={"Sec-Fetch-Mode": "navigate"}).status == 200
    by_script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    assert refusal(client.request("GET", "/hub/api/user", headers=by_script), 403)
    assert client.request("GET", "/hub/api/user", headers={**by_script, "X-XSRFToken": xsrf}).status == 200


def test_c15_the_xsrf_cookie_is_limited_to_the_hub(hub):
    client = hub.logged_in("alice")
    assert {where for name, where in client.cookies if name == "_xsrf"} == {"/hub/"}


# -- C16: tokens ----------------------------------------------------------------------------------

def test_c16_a_token_is_everything_its_owner_is_and_lasts(hub):
    rest = hub.rest("alice")
    me = rest.get("/user")
    assert me["name"] == "alice" and me["kind"] == "user" and me["session_id"] is None
    assert "access:servers!user=alice" in me["scopes"] and me["scopes"] == sorted(me["scopes"])
    mine = next(token for token in rest.get("/users/alice/tokens")["api_tokens"] if token["id"] == me["token_id"])
    assert mine["expires_at"] is None and mine["oauth_client"] == "JupyterHub" and mine["user"] == "alice"
    assert "token" not in mine
    rest.ok("DELETE", f"/users/alice/tokens/{me['token_id']}", status=204)
    assert refusal(rest.call("GET", "/user"), 403)
    assert refusal(rest.call("GET", "/users/alice"), 403, "Missing or invalid credentials.")


def test_c16_a_token_expires(hub):
    rest = hub.rest("alice", expires_in=2, note="short")
    shown = rest.get("/users/alice/tokens")["api_tokens"]
    mine = next(token for token in shown if token["note"] == "short")
    assert 0 < (moment(mine["expires_at"]) - moment(mine["created"])).total_seconds() <= 2.1
    wait_for("the token to expire", lambda: rest.call("GET", "/user").status == 403, SOON)


def test_c16_a_scoped_token_can_no_more_than_it_says(hub):
    rest = hub.rest("alice", scopes=["read:users:activity!user"])
    model = rest.get("/users/alice")
    assert "last_activity" in model and not {"servers", "server", "created", "roles"} & set(model)
    assert refusal(rest.call("POST", "/users/alice/server"), 403, (
        "Action is not authorized with current scopes; requires any of [start:servers]"
    ))
    assert refusal(rest.call("GET", "/users/bob"), 404, "No access to resources or resources not found")
    client = hub.logged_in("alice")
    asked = client.api("POST", "/users/alice/tokens", {"scopes": ["admin:users"]})
    told = re.fullmatch(r"Not assigning requested scopes (\S+) not held by User alice", refusal(asked, 400))
    assert told and "admin:users" in told.group(1).split(",")
    unknown = client.api("POST", "/users/alice/tokens", {"scopes": ["bogus"]})
    assert refusal(unknown, 400, '"Scope \'bogus\' for token does not exist"')


def test_c16_a_scoped_token_shrinks_when_its_owner_loses_a_role(hub, boss, pupils):
    answer = boss.call("POST", "/groups/readers")
    assert answer.status in (201, 409), answer.text
    boss.ok("POST", "/groups/readers/users", {"users": ["alice"]})
    rest = hub.rest("alice", scopes=["list:users"])
    assert {user["name"] for user in rest.get("/users")} >= {"boss", *pupils}
    boss.ok("DELETE", "/groups/readers/users", {"users": ["alice"]})
    assert refusal(rest.call("GET", "/users"), 403, (
        "Action is not authorized with current scopes; requires any of [list:users]"
    ))
    assert rest.get("/user")["name"] == "alice", "whose it is, a token always tells"
    boss.ok("POST", "/groups/readers/users", {"users": ["alice"]})
    assert len(rest.get("/users")) >= 60, "the token itself was not changed"
    boss.ok("DELETE", "/groups/readers/users", {"users": ["alice"]})


def test_c16_hubctl_makes_tokens_and_takes_them_back(hub):
    token = hub.run(["hubctl", "token", "create", "alice"]).stdout
    assert token.endswith("\n") and len(token.split()) == 1
    rest = Rest(hub.client(), token.strip())
    assert rest.get("/user")["name"] == "alice"


# -- C17: errors ----------------------------------------------------------------------------------

@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/nothing", None, 404),
    ("POST", "/nothing/at/all", b"{", 404),
    ("GET", "/users/", None, 404),
    ("PUT", "/users", None, 405),
    ("PATCH", "/users/alice/tokens", None, 405),
    ("POST", "/users", b"{", 400),
    ("POST", "/users", b"[]", 400),
    ("POST", "/users", b'{"usernames": "alice"}', 400),
    ("POST", "/users", b'{"usernames": ["a/b"]}', 400),
    ("POST", "/users", b"\xff\xfe\x00", 400),
    ("PATCH", "/users/alice", b"null", 400),
    ("GET", "/users/nobody-here", None, 404),
    ("GET", "/users/a%2Fb", None, 404),
    ("GET", "/users?state=asleep", None, 400),
    ("GET", "/users?sort=shoe-size", None, 400),
    ("POST", "/groups", b"{}", 400),
    ("GET", "/groups/nothing", None, 404),
    ("DELETE", "/services/nothing", None, 404),
    ("POST", "/shutdown", b'{"servers": "perhaps"}', 400),
    ("GET", "/authorizations/token/nothing", None, 404),
    ("POST", "/users/alice/tokens", b'{"expires_in": 0}', 400),
    ("POST", "/users/alice/activity", b"{}", 400),
    ("DELETE", "/users/boss", None, 400),
])
def test_c17_every_error_has_the_same_shape(boss, method, path, body, status):
    refusal(boss.call(method, path, body), status)


@pytest.mark.parametrize("path", ["/user", "/users", "/info", "/proxy", "/groups", "/services", "/users/alice"])
@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "token 0123456789abcdef0123456789abcdef"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"},
], ids=["nobody", "unknown token", "bearer", "basic"])
def test_c17_strangers_are_told_403_and_never_401(hub, path, headers):
    answer = hub.client().request("GET", API + path, headers=headers)
    refusal(answer, 403, None if path == "/user" else "Missing or invalid credentials.")


def test_c17_too_many_starts_at_once_are_told_when_to_come_back(hub, boss, behaves):
    behaves(SLOW, "wait")
    answer, refused = at_once(lambda job: job(), [
        lambda: boss.call("POST", server_path(SLOW)),
        lambda: wait_for("the start", lambda: "" in boss.servers(SLOW), SOON)
        and (boss.call("POST", server_path(BROKEN)), let_go(hub, SLOW))[0],
    ])
    message = refusal(refused, 429)
    seconds = int(refused.headers["Retry-After"])
    assert 30 <= seconds <= 60
    told = re.fullmatch(r"Too many users trying to log in right now\. Try again in (\d+) seconds\.", message)
    assert told and int(told.group(1)) == -(-seconds // 10) * 10, message
    assert answer.status == 201
    boss.stop(SLOW)


# -- what the documentation shows -----------------------------------------------------------------

def test_the_requests_of_jupyterhubs_documentation_give_what_it_says(hub, boss, pupils):
    for name in ("dash-ed", "bob", "carol"):
        boss.call("DELETE", f"/users/{name}")
    told = json.loads(hub.run_example("rest_example.py", "http://127.0.0.1:8000/hub/api", boss.token))
    assert Version(told["version"]) >= Version("6")
    assert set(told["users before"]) >= {"boss", *pupils}
    status, added = told["added"]
    assert status == 201 and [user["name"] for user in added] == ["bob", "carol"]
    assert told["one added"][0] == 201 and told["one added"][1]["name"] == "dash-ed"
    assert told["group"][0] == 201 and told["group"][1]["users"] == []
    assert set(told["group users"][1]["users"]) == {"bob", "carol"}
    assert told["group properties"][1]["properties"] == {"room": "4.12"}
    assert "formgrade-data301" in [group["name"] for group in told["groups"]]
    assert told["group without bob"][1]["users"] == ["carol"]
    assert told["start"] in (201, 202) and told["progress"][-1]["ready"] is True
    assert told["running"]["ready"] and told["running"]["user_options"] == {"profile": "small", "image": ["a", "b"]}
    assert told["stop"] in (202, 204) and told["stopped"] == {}
    status, token = told["token"]
    assert status == 201 and token["note"].startswith("for a script") and token["scopes"] and moment(token["expires_at"])
    assert token["id"] in [known["id"] for known in told["tokens"]] and "token" not in told["tokens"][0]
    assert told["whoami"]["name"] == "bob" and "read:users!user=bob" in told["whoami"]["scopes"]
    assert told["token gone"] == 204 and told["whoami afterwards"] == 403
    assert set(told["pages"][:-1]) == {2} and sum(told["pages"]) >= 60
    assert told["user gone"] == told["group gone"] == 204


# -- C8, at last ----------------------------------------------------------------------------------

def test_c8_a_websocket_that_was_idle_all_this_time_still_works(idle_terminal):
    assert "still here" in terminal_output(idle_terminal, "echo still $(echo here)", "still here")
