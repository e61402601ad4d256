"""Services written for JupyterHub: the checks C10, C11 and C18 of the contract, section 15.2.

The idle culler from PyPI with the configuration that people know, a tornado service with
`jupyterhub.services.auth`, and programs that only have tokens.
"""
import json
import threading
import urllib.parse

import pytest
from selenium.webdriver.common.keys import Keys

from harness import clients
from harness.jupyter import Lab
from harness.people import PASSWORDS
from harness.rest import Rest
from harness.wait import wait_for

SOON = 20.0
CULLED = 30.0
BUSY_PAUSE = 0.5
PORTS = {"whoami": 10101, "whoami-quiet": 10102}
FIXED_TOKEN = "a-token-of-the-operators-own-choice"
STRANGERS = [{}, {"Authorization": "token " + "0" * 32}]

PYTHON = f"{clients.VENV}/bin/python"


def culler(name, *options):
    """The service and the role of the classic set-up, as shared documentation has them."""
    command = json.dumps([PYTHON, "-m", "jupyterhub_idle_culler", *options])
    return f"""
[[service]]
name = "{name}"
command = {command}
"""


def whoami(name, more=""):
    return f"""
[[service]]
name = "{name}"
url = "http://127.0.0.1:{PORTS[name]}"
command = ["{PYTHON}", "/usr/local/share/service_example.py"]
{more}
"""


def role(name, scopes, services=(), users=()):
    return f"""
[[role]]
name = "{name}"
scopes = {json.dumps(scopes)}
services = {json.dumps(list(services))}
users = {json.dumps(list(users))}
"""


CULL = ["list:users", "read:users:activity", "admin:servers"]
CLASSIC = culler("idle-culler", "--timeout=3600") + role("list-and-cull", CULL, ["idle-culler"])
QUICK = culler("idle-culler", "--timeout=5", "--cull-every=2", "--remove-named-servers=true") + role("list-and-cull", CULL, ["idle-culler"])
WEB = (
    whoami("whoami") + whoami("whoami-quiet", "oauth_no_confirm = true")
    + f'[[service]]\nname = "scripts"\napi_token = "{FIXED_TOKEN}"\n'
    + role("visitors", ["access:services"], users=["alice", "bob"])
    + role("scripting", ["list:users", "read:users:name", "start:servers!user=alice"], ["scripts"])
)


@pytest.fixture(scope="module")
def machine(clients_hub):
    clients_hub.put_example("service_example.py")
    return clients_hub


def configured(hub, text):
    """Puts the services in force and waits until the hub is there to start them."""
    hub.stop_all()
    hub.configure("[server]\nnamed_limit = 2\n" + text)
    assert hub.client().get("/hub/health").status == 200
    return hub


def unit(name):
    return f"hub-service@{name}.service"


# -- C10: the idle culler -------------------------------------------------------------------------

def test_c10_the_classic_configuration_runs_the_idle_culler(machine):
    hub = configured(machine, CLASSIC)
    cursor = hub.container.journal_cursor()
    wait_for("the culler", lambda: hub.container.active(unit("idle-culler")) == "active", SOON)
    process = hub.container.main_pid(unit("idle-culler"))
    command = hub.container.live_path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    assert command[1:4] == [b"-m", b"jupyterhub_idle_culler", b"--timeout=3600"]
    boss = hub.rest("boss")
    hub.logged_in("alice")
    boss.start("alice")
    model = boss.get("/services")["idle-culler"]
    assert model["pid"] in (process, 0) and model["command"][1:3] == ["-m", "jupyterhub_idle_culler"]
    assert model["url"] == "" and model["roles"] == ["list-and-cull"]
    hub.run(["systemctl", "restart", "hub.service"])
    assert boss.servers("alice")[""]["ready"], "an hour has not passed"
    said = " ".join(str(entry["MESSAGE"]) for entry in hub.container.journal("-u", unit("idle-culler"), after=cursor))
    assert "Traceback" not in said and "HTTP 4" not in said, said


def test_c10_it_culls_an_idle_server_and_spares_a_busy_one(machine):
    hub = configured(machine, QUICK)
    boss, bob = hub.rest("boss"), hub.logged_in("bob")
    for user in ("alice", "carol"):
        hub.logged_in(user)
    boss.start("bob")
    lab, over = Lab(bob, "bob").enter(), threading.Event()

    def work():
        while not over.wait(BUSY_PAUSE):
            lab.api("GET", "contents")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        boss.start("alice")
        boss.start("carol", "gpu")
        wait_for("alice's server to be culled", lambda: boss.servers("alice") == {}, CULLED)
        wait_for("carol's to be culled and removed", lambda: boss.call("GET", "/users/carol/servers/gpu").status == 404, CULLED)
        assert boss.servers("bob")[""]["ready"], "bob is at work"
        assert hub.is_up("bob") and not hub.is_up("alice")
    finally:
        over.set()
        worker.join()
    wait_for("bob's server to be culled when he has gone", lambda: boss.servers("bob") == {}, CULLED)
    culls = hub.run(["journalctl", "--no-pager", "-u", unit("idle-culler")]).stdout
    assert "Culling server alice" in culls and "Culling server carol/gpu" in culls


# -- C11: a service with pages --------------------------------------------------------------------

@pytest.fixture(scope="module")
def web(machine):
    """Two tornado services with HubOAuth, one of which asks nobody, and one that has a token only."""
    hub = configured(machine, WEB)
    for name in PORTS:
        wait_for(f"{name} to answer", lambda name=name: hub.client().get(f"/services/{name}/itself").status == 200, SOON)
    return hub


def test_c11_people_log_in_to_a_service_after_one_consent(web):
    alice = web.logged_in("alice")
    assert alice.get("/services/whoami").headers["Location"] == "/services/whoami/"
    first = alice.get("/services/whoami/")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(first.headers["Location"]).query)
    assert first.status == 302 and query["client_id"] == ["service-whoami"]
    assert query["redirect_uri"] == ["/services/whoami/oauth_callback"] and query["code_challenge_method"] == ["S256"]
    page = alice.get("/services/whoami/", follow=True)
    assert "whoami" in page.text and alice.agree(page).element("who") == "alice"
    assert {where for name, where in alice.cookies if name == "service-whoami"} == {"/services/whoami/"}
    again = web.logged_in("alice")
    assert again.get("/services/whoami/", follow=True).element("who") == "alice", "consent is asked once"


def test_c11_who_declines_is_not_logged_in_and_who_may_not_is_told_so(web):
    bob = web.logged_in("bob")
    assert bob.get("/services/whoami/", follow=True).element("who") is None
    assert bob.get("/services/whoami/", follow=True).element("who") is None
    carol = web.logged_in("carol").get("/services/whoami/", follow=True)
    assert carol.status == 403 and "JupyterHub service whoami" in carol.text


def test_c11_a_service_that_is_trusted_asks_nobody(web):
    bob = web.logged_in("bob")
    assert bob.get("/services/whoami-quiet/", follow=True).element("who") == "bob"
    stranger = web.client().get("/services/whoami-quiet/", follow=True)
    assert stranger.path.startswith("/hub/login?next=")


def test_c11_logging_out_at_the_hub_logs_out_of_services(web):
    bob = web.logged_in("bob")
    assert bob.get("/services/whoami-quiet/", follow=True).element("who") == "bob"
    bob.get("/hub/logout")
    wait_for("the session to end", lambda: bob.get("/services/whoami-quiet/").status == 302, SOON)


def test_c11_the_services_token_is_a_services(web):
    itself = web.client().get("/services/whoami/itself").json()
    assert (itself["kind"], itself["name"], itself["admin"]) == ("service", "whoami", False)


def test_c11_a_browser_logs_in_and_consents(web, browser):
    rest = web.rest("alice")
    for token in rest.get("/users/alice/tokens")["api_tokens"]:
        if token["oauth_client"] == "JupyterHub service whoami":
            rest.call("DELETE", f"/users/alice/tokens/{token['id']}")
    page = browser(web).open("/services/whoami/")
    page.find("input[name=username]").send_keys("alice")
    page.find("input[name=password]").send_keys(PASSWORDS["alice"], Keys.ENTER)
    page.wait("the consent page", lambda _: page.path == "/hub/api/oauth2/authorize")
    page.screenshot_of("consent")
    page.click("form:has(input[name=scopes]) button[type=submit], form:has(input[name=scopes]) input[type=submit]")
    page.wait("the service", lambda d: d.find_element("id", "who").text == "alice")
    assert page.path == "/services/whoami/"
    assert [line for line in page.messages() if "Content Security Policy" in line] == []


def test_c11_menus_show_a_service_to_those_who_may_use_it(web):
    assert 'href="/services/whoami/"' in web.logged_in("alice").get("/hub/home").text
    assert "/services/whoami/" not in web.logged_in("carol").get("/hub/home").text


# -- C18: tokens only -----------------------------------------------------------------------------

def test_c18_a_service_that_knows_tokens_only_lets_programs_in(web):
    alice, carol = web.rest("alice"), web.rest("carol")
    for scheme in ("token", "Bearer", "bearer"):
        caller = Rest(web.client(), alice.token, scheme)
        told = caller.client.request("GET", "/services/whoami/by-token", headers=caller.headers)
        assert told.status == 200 and told.json()["name"] == "alice" and told.json()["kind"] == "user"
    for headers in [*STRANGERS, carol.headers]:
        assert web.client().request("GET", "/services/whoami/by-token", headers=headers).status == 403, headers


def test_c18_hubauth_tells_whose_a_token_is(web):
    alice = web.rest("alice")
    told = json.loads(web.run_example(
        "hubauth_example.py", alice.token, "0" * 32, FIXED_TOKEN,
        JUPYTERHUB_API_TOKEN=FIXED_TOKEN, JUPYTERHUB_API_URL="http://127.0.0.1:8000/hub/api",
    ))
    assert told[0]["name"] == "alice" and told[0]["kind"] == "user" and told[0]["groups"] == []
    assert told[1] is None
    assert told[2]["name"] == "scripts" and told[2]["kind"] == "service"


def test_c18_a_service_without_a_program_does_what_its_roles_say(web):
    scripts = Rest(web.client(), FIXED_TOKEN, "Bearer")
    for user in ("alice", "bob"):
        web.logged_in(user)
    users = {user["name"]: user for user in scripts.get("/users")}
    assert "alice" in users and "servers" not in users["alice"] and "last_activity" not in users["alice"]
    assert scripts.call("POST", "/users/alice/server").status == 201, "within ten seconds, whatever else the hub follows"
    assert scripts.call("POST", "/users/bob/server").status == 404
    assert scripts.call("DELETE", "/users/alice/server").status == 403
    web.stop_all()
