"""Unmodified single-user servers of JupyterHub: the checks C2, C3 and C4 of the contract, section 15.2.

`jupyterhub-singleuser` and `jupyter-labhub`, both Debian's 5.x and 6.x from PyPI. They ask the hub who comes,
and remember the answer for a second here; they report what happens in them every two seconds.
"""
import json
import re
import urllib.parse
from datetime import datetime, timezone

import pytest
from selenium.webdriver.common.keys import Keys

from harness import clients, people
from harness.http import NAVIGATION
from harness.hub import STOP_DEADLINE
from harness.jupyter import Lab, segment
from harness.people import PASSWORDS
from harness.rest import Rest
from harness.wait import wait_for

LAB_DEADLINE = 90.0
REPORT_DEADLINE = 20.0
# The hub's own stamps and a report that was on its way may be this much later than the last request.
SETTLED_SECONDS = 2.0
DEBIAN, PYPI = "/usr/bin", f"{clients.VENV}/bin"
PROGRAMS = [f"{where}/{name}" for where in (DEBIAN, PYPI) for name in ("jupyterhub-singleuser", "jupyter-labhub")]

# Work without anybody watching: output for six seconds, after the WebSocket is closed.
SILENT_WORK = "import time\nfor number in range(24):\n    print(number, flush=True)\n    time.sleep(0.25)\n"


@pytest.fixture(scope="module")
def machine(clients_hub):
    return clients_hub


def configured(hub, program, more=""):
    """Puts this program in force for everybody, with nobody's server running."""
    hub.stop_all()
    command = json.dumps([program, "--HubOAuth.cache_max_age=1"]) if program else "[]"
    hub.configure(f"""
[server]
kind = "singleuser"
command = {command}
environment = {{ JUPYTERHUB_ACTIVITY_INTERVAL = "2" }}
named_limit = 2
{more}""")
    return hub


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.strip("/").replace("/", "-"))
def each(machine, request):
    return configured(machine, request.param)


@pytest.fixture(scope="module")
def newest(machine):
    """The hub with the single-user server of the newest release, for tests that share it."""
    return configured(machine, PROGRAMS[2])


def reported(rest, user):
    """When the hub last heard of activity in this server."""
    return datetime.fromisoformat(rest.servers(user)[""]["last_activity"])


def secret(hub, user):
    """The server's own token, from the variables of its process."""
    pid = hub.container.main_pid(hub.unit(user))
    variables = hub.container.live_path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(v.split(b"=", 1)[1].decode() for v in variables if v.startswith(b"JUPYTERHUB_API_TOKEN="))


# -- C2: they run -------------------------------------------------------------------------------

def test_c2_it_starts_reports_activity_and_survives_a_restart_of_the_hub_without_login(each):
    rest = each.rest("alice")
    rest.start("alice")
    client = each.logged_in("alice")
    lab = Lab(client, "alice").enter()
    token = lab.page_config()["token"]
    assert Rest(client, token).get("/user")["name"] == "alice"
    process = each.container.main_pid(each.unit("alice"))

    for _ in range(3):
        # A hub that is there knows what runs, from its first answer on: JupyterLab gives up at a 424.
        each.run(["systemctl", "restart", "hub.service"])
        assert lab.api("POST", "sessions", {}).status == 400
        lab.page()
    assert each.container.main_pid(each.unit("alice")) == process
    kernel = lab.kernel()
    kernel.tell(SILENT_WORK)
    kernel.socket.close()
    closed = datetime.now(timezone.utc)
    wait_for(
        "a report of what the kernel does when nobody looks",
        lambda: (reported(rest, "alice") - closed).total_seconds() > SETTLED_SECONDS, REPORT_DEADLINE,
    )
    lab.page()
    said = each.run(["journalctl", "--no-pager", "-u", "jupyter@alice", f"_PID={process}"]).stdout
    assert "Error notifying Hub of activity" not in said and "Failed to connect to my Hub" not in said, said
    rest.stop("alice")
    wait_for("the unit to be gone", lambda: not each.is_up("alice"), STOP_DEADLINE)


def test_c2_without_a_command_debians_single_user_server_is_found(machine):
    hub = configured(machine, None)
    rest = hub.rest("bob")
    rest.start("bob")
    pid = hub.container.main_pid(hub.unit("bob"))
    assert b"jupyterhub-singleuser" in hub.container.live_path(f"/proc/{pid}/cmdline").read_bytes()
    rest.stop("bob")


# -- C3: logging in -------------------------------------------------------------------------------

def test_c3_the_owner_logs_in_without_a_question_by_a_code_for_one_use(newest):
    newest.rest("alice").start("alice")
    client = newest.logged_in("alice")
    asked = client.get("/user/alice/lab")
    assert asked.status == 302
    authorize = client.local(asked.headers["Location"], "/user/alice/lab")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(authorize).query))
    assert authorize.startswith("/hub/api/oauth2/authorize?") and query["code_challenge_method"] == "S256"
    assert query["response_type"] == "code" and query["redirect_uri"] == "/user/alice/oauth_callback"
    granted = client.get(authorize)
    assert granted.status == 302, "no consent page for one's own server"
    back = client.local(granted.headers["Location"], authorize)
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    assert back.startswith("/user/alice/oauth_callback?") and answer["state"] == query["state"]

    def exchange(**changed):
        fields = {
            "client_id": query["client_id"], "client_secret": secret(newest, "alice"), "code": answer["code"],
            "grant_type": "authorization_code", "redirect_uri": query["redirect_uri"], **changed,
        }
        return newest.client().post_form("/hub/api/oauth2/token", fields)

    without = exchange()
    assert without.status == 400 and without.json()["error"] == "invalid_request"
    assert without.json()["error_description"] == "Code verifier required."
    stranger = exchange(client_secret="0" * 32)
    assert stranger.status == 401 and stranger.json() == {"error": "invalid_client"}
    landed = client.get(back)
    assert landed.status == 302 and landed.headers["Location"] == "/user/alice/lab"
    assert client.get("/user/alice/lab").status == 200
    again = exchange(code_verifier="v" * 43)
    assert again.status == 400 and again.json() == {"error": "invalid_grant"}, "the code was used"


def test_c3_bad_tokens_are_403_for_the_hub_and_for_the_server(newest):
    for token in ("0" * 32, "x", "ü" * 10):
        answer = newest.client().request("GET", "/hub/api/user", headers={"Authorization": f"token {token}".encode()})
        assert answer.status == 403 and answer.json()["status"] == 403
        answer = newest.client().request("GET", "/user/alice/api/contents", headers={"Authorization": f"token {token}".encode()})
        assert answer.status == 403, "not 500: the server understood the hub's answer"


def test_c3_a_browser_logs_in_and_has_the_hub_menu(newest, browser):
    rest = newest.rest("alice")
    if "" not in rest.servers("alice"):
        rest.start("alice")
    page = browser(newest).open("/user/alice/lab")
    page.find("input[name=username]").send_keys("alice")
    page.find("input[name=password]").send_keys(PASSWORDS["alice"], Keys.ENTER)
    page.wait("JupyterLab", lambda _: page.path.startswith("/user/alice/lab"), LAB_DEADLINE)
    page.click("#jp-MainMenu .lm-MenuBar-item[data-command='filemenu:open'], #jp-MainMenu .lm-MenuBar-item", LAB_DEADLINE)
    page.wait("the menu", lambda d: "Hub Control Panel" in d.find_element("css selector", ".lm-Menu-content").text)
    page.find("li[data-command='hub:logout']")
    page.click("li[data-command='hub:control-panel']")
    page.wait("the hub's tab", lambda d: len(d.window_handles) == 2)
    page.driver.switch_to.window(page.driver.window_handles[1])
    page.wait("the home page", lambda _: page.path == "/hub/home")


# -- C4: names ------------------------------------------------------------------------------------

@pytest.mark.parametrize("user, server", [
    ("alice", "gpu"), ("uml@ex.org", ""), ("uml@ex.org", "gpu"), ("ünïcode", ""), ("小明", "lab-2"), ("plus+sign", ""),
])
def test_c4_the_scopes_of_an_oauth_token_name_the_server_as_it_is(newest, user, server):
    password = PASSWORDS.get(user, people.HURTING_PASSWORD)
    rest = newest.rest(user, password)
    started = rest.start(user, server)
    client = newest.logged_in(user, password)
    lab = Lab(client, user, server).enter()
    assert started["url"] == lab.prefix
    oauth = Rest(client, lab.page_config()["token"])
    me = oauth.get("/user")
    assert f"access:servers!server={user}/{server}" in me["scopes"], me["scopes"]
    assert me["name"] == user and me["session_id"] == client.cookie("jupyterhub-session-id")
    assert re.fullmatch(r"a\d+", me["token_id"])
    assert lab.api("GET", "contents").status == 200
    assert oauth.call("GET", f"/users/{segment(user)}/tokens").status == 403, "and nothing else"
    rest.stop(user, server)
    assert newest.client().request("GET", "/hub/api/user", headers=oauth.headers).status == 403, (
        "a server's tokens end with it"
    )
