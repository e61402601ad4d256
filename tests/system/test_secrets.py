"""What bob can find out about alice, and where secrets must not be."""
import pytest
import websocket

from harness.http import REDIRECTS
from harness.jupyter import Lab
from harness.people import PASSWORDS

CONNECT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
except OSError as error:
    print(type(error).__name__)
else:
    print("connected")
"""
MARK = "alices-own-thought-8241"


@pytest.fixture(scope="module")
def scene(shared):
    """Alice at work with a kernel, bob logged in with his own server."""
    alice = shared.logged_in("alice")
    lab = shared.start(alice, "alice").enter()
    kernel = lab.kernel()
    assert kernel.execute(f"secret = '{MARK}'; 6*7") == "42"
    bob = shared.logged_in("bob")
    shared.start(bob, "bob").enter()
    yield shared, alice, bob
    kernel.close()
    shared.stop_all()


def secrets(*clients):
    """Everything that must be nowhere: the passwords and the values of all secret cookies."""
    found = {name: password for name, password in PASSWORDS.items()}
    for number, client in enumerate(clients):
        for (name, _), cookie in client.cookies.items():
            if name.startswith("jupyterhub-") and len(cookie.value) >= 16:
                found[f"{name} of client {number}"] = cookie.value
    return found


@pytest.mark.parametrize("path", ["/user/alice/", "/user/alice/lab", "/user/alice/files/x", "/user/alice/api/status"])
def test_bob_sees_403_at_alices_address(scene, path):
    _, _, bob = scene
    answer = bob.get(path, follow=True)
    assert answer.status == 403, f"{answer.status} {answer.path}"
    assert MARK not in answer.text


def test_bob_cannot_use_alices_api_or_kernels(scene):
    _, alice, bob = scene
    kernel = Lab(alice, "alice").api("GET", "kernels").json()[0]["id"]
    answer = Lab(bob, "alice").api("GET", "kernels")
    assert answer.status == 403
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Lab(bob, "alice").websocket(f"api/kernels/{kernel}/channels")
    assert refused.value.status_code == 403


def test_bobs_gate_cookie_does_not_open_alices_gate(scene):
    _, alice, bob = scene
    name = next(name for name, _ in bob.cookies if name.startswith("jupyterhub-user-bob"))
    stolen = f"{name.replace('bob', 'alice')}={bob.cookie(name)}"
    answer = bob.request("GET", "/user/alice/api/status", headers={"Cookie": stolen, "Accept": "application/json"})
    assert answer.status == 403
    forged = bob.request("GET", "/hub/home", headers={"Cookie": f"jupyterhub-hub-login={bob.cookie(name)}"})
    assert forged.status in REDIRECTS and forged.headers["Location"].startswith("/hub/login")


@pytest.mark.parametrize("method, path", [
    ("POST", "/users/alice/server"), ("DELETE", "/users/alice/server"), ("GET", "/users/alice"),
    ("GET", "/users/alice/server/progress"), ("GET", "/users/alice/server/log"), ("GET", "/users"), ("GET", "/status"),
])
def test_bob_cannot_use_the_hubs_api_on_alice(scene, method, path):
    hub, _, bob = scene
    before = hub.running_units()
    answer = bob.api(method, path)
    assert answer.status in (403, 404), f"{answer.status} {answer.text[:300]}"
    assert hub.running_units() == before


def test_bob_cannot_press_alices_buttons(scene):
    hub, _, bob = scene
    before = hub.running_units()
    assert bob.hub_form("/hub/stop/alice").status in (403, 404)
    assert bob.hub_form("/hub/spawn/alice").status in (403, 404)
    assert bob.get("/hub/spawn-pending/alice").status in (403, 404)
    assert hub.running_units() == before


def test_bob_cannot_connect_to_any_socket_but_the_two_doors(scene):
    hub, _, _ = scene
    for path in ("/run/hub/servers/alice/s", "/run/hub/login.sock"):
        told = hub.run(["python3", "-c", CONNECT, path], user="bob").stdout.strip()
        assert told == "PermissionError", (path, told)
    assert hub.run(["python3", "-c", CONNECT, "/run/hub/servers/alice/s"], user="_hubd").stdout.strip() == "connected"


def test_bob_cannot_enter_squat_or_replace_in_the_runtime_folders(scene):
    hub, _, _ = scene
    tries = [
        "ls /run/hub/servers", "ls /run/hub/servers/alice", "mkdir /run/hub/servers/carol", "touch /run/hub/x",
        "ln -s /tmp /run/hub/servers/carol", "rm /run/hub/servers/alice/s", "mv /run/hub/servers/alice /tmp/",
        "ls /run/jupyter-alice", "cat /var/lib/hub/hub.sqlite", "ls /var/lib/hub", "ls /home/alice",
    ]
    for attempt in tries:
        assert hub.run(["sh", "-c", attempt], user="bob", check=False).returncode != 0, attempt


def test_even_alice_cannot_open_her_socket_to_others(scene):
    """Her folder's mode is hers, but the folder above lets nobody through."""
    hub, alice, _ = scene
    kernel = Lab(alice, "alice").kernel()
    kernel.execute("import os; os.chmod('/run/jupyter', 0o777); os.chmod('/run/jupyter/s', 0o777)")
    kernel.close()
    told = hub.run(["python3", "-c", CONNECT, "/run/hub/servers/alice/s"], user="bob").stdout.strip()
    assert told == "PermissionError"


def test_kernels_do_not_listen_on_tcp(scene):
    hub, _, _ = scene
    files = hub.shell("grep -rhs '\"transport\"' /proc/$(systemctl show -P MainPID jupyter@alice)/root/run/jupyter* || true")
    assert "ipc" in files and "tcp" not in files, files


def test_bob_finds_no_secret_in_units_processes_or_transient_files(scene):
    hub, alice, bob = scene
    pid = hub.container.main_pid("jupyter@alice.service")
    script = """
        systemctl show jupyter@alice.service hub.service hub-broker.service
        systemctl cat jupyter@alice.service 2>/dev/null || true
        cat /run/systemd/transient/* 2>/dev/null || true
        cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' || true
        ls -R /run/hub /tmp /var/tmp 2>/dev/null || true
        journalctl --no-pager --all 2>/dev/null || true
    """
    seen = hub.run(["sh", "-c", script], user="bob").stdout
    assert "jupyter@alice.service" in seen
    assert hub.run(["cat", f"/proc/{pid}/environ"], user="bob", check=False).returncode != 0
    assert MARK not in seen
    for name, value in secrets(alice, bob).items():
        assert value not in seen, f"bob reads the {name}"


def test_the_whole_journal_holds_no_password_cookie_or_query_string(scene):
    hub, alice, bob = scene
    alice.get("/hub/home?secret-query=wx5")
    alice.get("/user/alice/api/status?secret-query=wx5")
    everything = hub.run(["journalctl", "--no-pager", "--all", "--output=json"]).stdout
    for name, value in secrets(alice, bob).items():
        assert value not in everything, f"the journal holds the {name}"
    ours = hub.run(["journalctl", "--no-pager", "--all", "--output=json", "-u", "hub*"]).stdout
    assert "secret-query" not in ours


def test_the_store_holds_sessions_only_as_hashes(scene):
    hub, alice, bob = scene
    stored = b"".join(
        path.read_bytes() for path in hub.container.live_path("/var/lib/hub").iterdir() if path.is_file()
    )
    assert stored.startswith(b"SQLite format 3") or b"SQLite format 3" in stored
    for name, value in secrets(alice, bob).items():
        # The session's public id opens nothing: servers and services read it to notice a log-out.
        if not name.startswith("jupyterhub-session-id"):
            assert value.encode() not in stored, f"the store holds the {name}"
    assert hub.shell("stat -c '%a %U' /var/lib/hub").split() == ["700", "_hubd"]


def test_the_environment_of_a_server_has_nothing_of_the_hubs(scene):
    hub, alice, bob = scene
    pid = hub.container.main_pid("jupyter@alice.service")
    environment = hub.run(["cat", f"/proc/{pid}/environ"]).stdout
    for name, value in secrets(alice, bob).items():
        assert value not in environment, name


def test_bob_cannot_talk_the_broker_into_anything(scene):
    hub, _, _ = scene
    before = hub.running_units()
    for verb, signature, arguments in [
        ("StopServer", "ss", ["alice", ""]), ("StartServer", "sss", ["carol", "", ""]),
        ("ReadJournal", "sss(uytt)", ["alice", "", "", "10", "7", "0", "0"]),
        ("StartService", "ss", ["grades", ""]), ("StopService", "s", ["grades"]),
    ]:
        told = hub.run(
            ["busctl", "--system", "call", "org.hubd.Broker1", "/org/hubd/Broker1", "org.hubd.Broker1", verb,
             signature, *arguments], user="bob", check=False,
        )
        assert told.returncode != 0 and "denied" in told.stderr.lower(), (verb, told.stderr)
    assert hub.running_units() == before


def test_hubd_holds_no_privilege_and_no_network(scene):
    hub, _, _ = scene
    pid = hub.container.main_pid("hub.service")
    status = dict(
        line.split(":\t", 1) for line in hub.run(["cat", f"/proc/{pid}/status"]).stdout.splitlines() if ":\t" in line
    )
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    own = hub.shell(f"readlink /proc/{pid}/ns/net; readlink /proc/1/ns/net; stat -c %U /proc/{pid}").split()
    assert own[0] != own[1] and own[2] == "_hubd"
