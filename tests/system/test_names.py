"""Names that hurt: each either works completely or is refused completely."""
import json
import string
from urllib.parse import quote

import pytest

from harness.http import REDIRECTS
from harness.jupyter import Lab, segment
from harness.people import HURTING_NAMES, HURTING_PASSWORD, REFUSED_NAMES

LITERAL = set((string.ascii_letters + string.digits + "_.-").encode())
# No account can have these; they must stop at the first reader.
IMPOSSIBLE = ["", "..", ".", "a/b", "../alice", "/etc", "a%2fb", "a:b", "al\nice", "al\tice", "-rf", ".hidden", "~", "a" * 300]
IN_A_PATH = ["..%2Falice", "%2e%2e", "al%00ice", "al%0Aice", "a%2Fb", "%ff%fe", "a%3Ab", "%25alice", "%"]


def unit_name(user):
    """The canonical unit name, worked out independently of the product."""
    escaped = "".join(chr(byte) if byte in LITERAL else f"\\x{byte:02x}" for byte in user.encode())
    return f"jupyter@{escaped}.service"


@pytest.mark.parametrize("name", HURTING_NAMES)
def test_a_name_that_hurts_works_completely(hub, name):
    before = folders(hub)
    client = hub.logged_in(name, HURTING_PASSWORD)
    assert hub.model(client, name)["name"] == name
    lab = hub.start(client, name).enter()
    units = hub.running_units()
    assert list(units) == [unit_name(name)]
    assert hub.container.show(unit_name(name), "User") == name
    uid = hub.shell(f"stat -c %u /proc/{units[unit_name(name)]}").strip()
    assert uid == str(2000 + HURTING_NAMES.index(name))
    assert hub.container.show(unit_name(name), "ControlGroup").count("/") == 3, "one slice of the person's own"
    kernel = lab.kernel()
    assert kernel.execute("import os; print(os.getuid(), os.path.isdir(os.environ['HOME']))").split() == [uid, "True"]
    kernel.close()
    tagged = hub.container.journal(f"HUB_USER={name}", f"_SYSTEMD_UNIT={unit_name(name)}")
    assert tagged, "the journal is found by the name as it is"
    listed = hub.container.json(["hubctl", "servers", "--json"])
    assert name in json.dumps(listed, ensure_ascii=False).replace("\\\\", "\\")
    hub.run(["hubctl", "stop", name])
    assert hub.running_units() == {}
    assert folders(hub) == before, "its folder is gone"
    page = client.get(f"/user/{segment(name)}/lab", follow=True)
    assert page.status == 424


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_an_account_with_an_unusable_name_is_refused_completely(hub, name):
    before = folders(hub)
    answer = hub.client().try_login(name, HURTING_PASSWORD)
    assert answer.status == 403 and answer.element("login-error")
    for command in (["hubctl", "start", name], broker_call("StartServer", name)):
        assert hub.run(command, check=False).returncode != 0, command
    assert hub.running_units() == {}
    assert folders(hub) == before
    assert name not in hub.run(["hubctl", "users", "--json"]).stdout


def folders(hub):
    """The folders of servers that exist now."""
    return set(hub.shell("ls -A /run/hub/servers").splitlines())


def broker_call(verb, user):
    signature = "sss" if verb == "StartServer" else "ss"
    return [
        "busctl", "--system", "call", "org.hubd.Broker1", "/org/hubd/Broker1", "org.hubd.Broker1", verb, signature,
        "--", user, *[""] * (len(signature) - 1),
    ]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_name_is_refused_by_the_broker_and_hubctl(hub, name):
    before = folders(hub)
    for verb in ("StartServer", "StopServer"):
        told = hub.run(broker_call(verb, name), check=False)
        assert told.returncode != 0, f"{verb} {name!r} was accepted: {told.stdout}"
    assert hub.run(["hubctl", "start", "--", name], check=False).returncode != 0
    assert hub.running_units() == {}
    assert folders(hub) == before
    assert hub.shell("ls -A /run/hub").split() == ["control.sock", "login.sock", "secrets", "servers", "services"]


@pytest.mark.parametrize("name", IN_A_PATH)
def test_an_impossible_name_in_an_address_is_refused(hub, name):
    boss = hub.logged_in("boss")
    for method, path in [
        ("GET", f"/user/{name}/lab"), ("GET", f"/hub/api/users/{name}"), ("POST", f"/hub/api/users/{name}/server"),
        ("DELETE", f"/hub/api/users/{name}/server"), ("GET", f"/hub/spawn/{name}"), ("GET", f"/hub/user/{name}/"),
    ]:
        answer = boss.request(method, path, headers={"X-XSRFToken": hub_xsrf(boss), "Accept": "application/json"})
        assert answer.status in (*REDIRECTS, 400, 403, 404), f"{method} {path}: {answer.status}"
        if answer.status in REDIRECTS:
            landed = boss.get(boss.local(answer.headers["Location"], path), follow=True)
            assert landed.status in (400, 403, 404) or landed.path.startswith("/hub/login"), (path, landed.path)
    assert hub.running_units() == {}


def hub_xsrf(client):
    return next(c.value for (n, where), c in client.cookies.items() if n == "_xsrf" and where == "/hub/")


def test_one_persons_address_in_another_spelling_is_the_same_person(hub):
    client = hub.logged_in("first.last", HURTING_PASSWORD)
    hub.start(client, "first.last").enter()
    for spelling in ("first%2Elast", "%66irst.last"):
        answer = client.get(f"/user/{spelling}/api/status", follow=True)
        assert answer.status in (200, 403, 404), answer.status
    bob = hub.logged_in("bob")
    assert bob.get("/user/first%2Elast/api/status", follow=True).status == 403
    assert quote("first.last") == "first.last" and Lab(client, "first.last").api("GET", "status").status == 200
