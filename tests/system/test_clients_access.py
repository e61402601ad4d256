"""Who gets into a server, by JupyterHub's rules: the checks C5, C6, C7 and C12 of the contract, section 15.2.

All of them with both kinds of server: the hub's own gate, and an unmodified `jupyterhub-singleuser` 6.x,
which asks the hub about everybody and remembers the answer for a second here.
"""
import pytest

from harness import clients
from harness.jupyter import Lab
from harness.http import REDIRECTS
from harness.people import PASSWORDS
from harness.wait import wait_for

REMEMBERED = 10.0
DIALOG_DEADLINE = 60.0
LAB_DEADLINE = 90.0

COMMON = """
[login]
admin_access = true

[[role]]
name = "sharing"
scopes = ["shares!user", "read:users:name"]
users = ["alice"]
"""
KINDS = {
    "lab": "",
    "singleuser": f"""
[server]
kind = "singleuser"
command = ["{clients.VENV}/bin/jupyterhub-singleuser", "--HubOAuth.cache_max_age=1"]
""",
}
SHARE = "/shares/alice/"


@pytest.fixture(scope="module", params=KINDS)
def hub(clients_hub, request):
    clients_hub.stop_all()
    clients_hub.configure(COMMON + KINDS[request.param])
    return clients_hub


@pytest.fixture(scope="module")
def alice(hub):
    """The owner's scripts."""
    return hub.rest("alice")


@pytest.fixture
def server(alice):
    """alice's server, up."""
    if "" not in alice.servers("alice"):
        alice.start("alice")
    return alice


@pytest.fixture
def stopped(alice):
    """alice's server, down."""
    if "" in alice.servers("alice"):
        alice.stop("alice")


def visit(client):
    """The page of alice's server, or what is in the way."""
    return client.get("/user/alice/lab", follow=True)


def is_consent(page):
    return page.status == 200 and 'name="scopes"' in page.text


def is_inside(page):
    return page.status == 200 and page.path.startswith("/user/alice/lab")


def let_in(client):
    """Goes in, with consent when the hub asks for it."""
    page = visit(client)
    assert is_inside(client.agree(page) if is_consent(page) else page)


def works(client):
    """Does this browser's session still open the server's own API?"""
    return Lab(client, "alice").api("GET", "contents").status == 200


# -- C5: shares -----------------------------------------------------------------------------------

def test_c5_a_shared_server_opens_after_one_consent_and_closes_with_the_share(hub, server):
    bob = hub.logged_in("bob")
    assert visit(bob).status == 403
    share = server.ok("POST", SHARE, {"user": "bob"})
    assert share["user"] == {"name": "bob"} and share["kind"] == "user" and share["group"] is None
    assert share["scopes"] == ["access:servers!server=alice/"]
    assert share["server"]["user"] == {"name": "alice"} and share["server"]["url"] == "/user/alice/"

    page = visit(bob)
    assert is_consent(page) and "alice" in page.text
    assert is_inside(bob.agree(page))
    assert works(bob)
    other = hub.logged_in("bob")
    assert is_inside(visit(other)), "consent is asked once"
    assert hub.rest("bob").get("/users/bob/shared")["items"][0]["server"]["name"] == ""

    server.ok("DELETE", SHARE, status=204)
    wait_for("bob to be shut out", lambda: not works(bob), REMEMBERED)
    assert visit(bob).status == 403 and visit(hub.logged_in("bob")).status == 403
    assert works(bob) is False


def test_c5_a_share_with_a_group_opens_to_its_members_and_closes_when_they_leave(hub, server):
    boss = hub.rest("boss")
    assert boss.call("POST", "/groups/friends").status in (201, 409)
    hub.logged_in("carol")
    boss.ok("POST", "/groups/friends/users", {"users": ["carol"]})
    boss.ok("POST", SHARE, {"group": "friends"})
    carol = hub.logged_in("carol")
    let_in(carol)
    boss.ok("DELETE", "/groups/friends/users", {"users": ["carol"]})
    wait_for("carol to be shut out", lambda: not works(carol), REMEMBERED)
    boss.ok("DELETE", SHARE, status=204)


def test_c5_a_share_code_is_accepted_on_its_page(hub, server):
    made = server.ok("POST", "/share-codes/alice/", {})
    carol = hub.logged_in("carol")
    page = carol.get(made["accept_url"])
    assert page.status == 200 and "alice" in page.text
    answer = carol.post_form("/hub/accept-share", {"code": made["code"], "_xsrf": page.input("_xsrf")})
    assert answer.status in REDIRECTS and answer.headers["Location"] == "/user/alice/"
    let_in(carol)
    assert server.get("/share-codes/alice/")["items"][0]["exchange_count"] == 1
    server.ok("DELETE", "/share-codes/alice/", status=204)
    server.ok("DELETE", SHARE, status=204)


# -- C6: administrators ---------------------------------------------------------------------------

def test_c6_an_administrator_gets_in_after_consent_and_others_do_not(hub, server):
    boss = hub.logged_in("boss")
    page = visit(boss)
    assert is_consent(page)
    assert is_inside(boss.agree(page)) and works(boss)
    assert visit(hub.logged_in("carol")).status == 403
    by_token = hub.rest("carol")
    answer = by_token.client.request("GET", "/user/alice/api/contents", headers=by_token.headers)
    assert answer.status == 403, "the server itself refuses a token that may not"


def test_c6_without_consent_an_administrator_stays_outside(hub, server):
    rest, boss = hub.rest("boss"), hub.logged_in("boss")

    def given():
        return [token["id"] for token in rest.get("/users/boss/tokens")["api_tokens"] if "alice" in token["oauth_client"]]

    if not given():
        boss.agree(visit(boss))
    rest.ok("DELETE", f"/users/boss/tokens/{given()[0]}", status=204)
    assert given() == [], "taking one of an application's tokens back takes all"
    again = hub.logged_in("boss")
    assert is_consent(visit(again)) and not works(again)


# -- C7: logging out ------------------------------------------------------------------------------

def test_c7_logging_out_ends_this_browsers_sessions_at_the_servers_and_no_tokens(hub, server):
    here, there = hub.logged_in("alice"), hub.logged_in("alice")
    assert is_inside(visit(here)) and is_inside(visit(there))
    assert works(here) and works(there)
    kept = dict(here.cookies)
    assert here.get("/hub/logout").status in REDIRECTS
    for cookies in (here.cookies, kept):
        here.cookies = dict(cookies)
        wait_for("the session to end", lambda: not works(here), REMEMBERED)
    assert works(there), "another browser"
    assert server.get("/user")["name"] == "alice", "a token"
    assert server.client.request("GET", "/user/alice/api/contents", headers=server.headers).status == 200


# -- C12: a server that does not run --------------------------------------------------------------

def test_c12_lab_says_that_its_server_is_gone(hub, server, browser):
    page = browser(hub).login("alice", PASSWORDS["alice"]).open("/user/alice/lab")
    page.find("#jp-top-panel", LAB_DEADLINE)
    server.stop("alice")
    page.wait(
        "JupyterLab's dialog", lambda _: "unavailable or unreachable" in page.find(".jp-Dialog-header").text, DIALOG_DEADLINE
    )


def test_c12_its_api_ends_in_a_424_with_the_address_that_starts_it(hub, stopped):
    client = hub.logged_in("alice")
    for headers in ({}, {"Accept": "application/json"}):
        answer = client.get("/user/alice/api/contents", follow=True, headers=headers)
        assert answer.status == 424, answer.text
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.json()["message"] == (
            "JupyterHub server no longer running at /user/alice/api/contents. "
            "Restart the server at http://127.0.0.1:8000/hub/spawn/alice"
        )
    for method in ("PUT", "POST", "PATCH", "DELETE"):
        answer = client.request(method, "/user/alice/api/contents/x", b"{}", {"Content-Type": "application/json"})
        assert answer.status in (403, 405, 424), (method, answer.status)


@pytest.mark.parametrize("user", ["carol", None])
def test_c12_and_c6_others_are_not_told_whether_it_exists(hub, stopped, user):
    client = hub.logged_in(user) if user else hub.client()
    answer = client.get("/user/alice/lab", follow=True)
    if user:
        assert answer.status == 404
    else:
        assert answer.status == 200 and answer.path.startswith("/hub/login?next=")


def test_c12_a_stopped_server_is_a_424_page_with_a_way_to_start_it(hub, stopped):
    client = hub.logged_in("alice")
    first = client.get("/user/alice/lab/tree/notes.txt?x=1")
    assert first.status == 302 and first.headers["Location"] == "/hub/user/alice/lab/tree/notes.txt?x=1"
    page = visit(client)
    assert page.status == 424 and "/hub/spawn/alice" in page.text
    started = client.get("/hub/spawn/alice?next=%2Fuser%2Falice%2Flab", follow=True)
    assert started.status == 200 and started.path.startswith(("/hub/spawn-pending/alice", "/user/alice/lab"))
