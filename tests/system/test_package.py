"""The package on a running machine: install, upgrade, remove, purge."""
import shutil

import pytest

from harness.container import Container
from harness.hub import Hub

OWN_UNITS = ["hub.socket", "hub.service", "hub-login.socket", "hub-broker.service", "hub-services.service"]
# Kept by apt, dpkg, the journal and the machine itself, not by the package.
ELSEWHERE = (
    "/var/log/", "/var/cache/", "/var/lib/dpkg/", "/var/lib/apt/", "/var/lib/systemd/", "/root/hubd.deb",
    "/var/lib/private", "/home/", "/etc/ld.so.cache", "/usr/share/polkit-1",
)
# The account stays (Debian policy 9.2): files of it could exist anywhere.
ACCOUNT_FILES = (
    "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/.pwd.lock", "/etc/subuid", "/etc/subgid",
)


@pytest.fixture
def machine(base_layers, deb):
    """A machine that never saw the package, with the .deb in /root."""
    with Container(base_layers, "package") as made:
        shutil.copy(deb, made.root / "root/hubd.deb")
        yield Hub(made)


def files(hub):
    """Every path of the root file system and of /run/hub and /run/systemd, without those of others."""
    text = hub.shell("find / -xdev -print; find /run/hub /run/jupyter* 2>/dev/null || true")
    return {
        line for line in text.splitlines()
        if not line.startswith(ELSEWHERE + ACCOUNT_FILES) and "-polkit.service-" not in line
    }


def apt(hub, *arguments):
    return hub.run(
        ["apt-get", "--yes", "--quiet", *arguments], environment={"DEBIAN_FRONTEND": "noninteractive"}, deadline=300
    ).stdout


def states(hub):
    return {unit: hub.container.active(unit) for unit in OWN_UNITS}


def test_install_starts_hub_socket_only_and_the_first_connection_the_rest(machine):
    hub = machine
    apt(hub, "install", "/root/hubd.deb")
    assert states(hub) == {
        "hub.socket": "active", "hub.service": "inactive", "hub-login.socket": "active", "hub-broker.service": "inactive",
        "hub-services.service": "inactive",
    }
    enabled = hub.run(["systemctl", "list-unit-files", "--plain", "--no-legend", "--state=enabled", "hub*"]).stdout
    assert sorted(line.split()[0] for line in enabled.splitlines()) == ["hub-cull.timer", "hub-services.service", "hub.socket"]
    assert hub.client().get("/hub/login").status == 200
    assert states(hub)["hub.service"] == "active" and states(hub)["hub-broker.service"] == "inactive"
    listening = hub.shell("ss -Hltn")
    assert "*:8000" in listening or "[::]:8000" in listening
    six = hub.client()
    six.host = "::1"
    assert six.request("GET", "/hub/health").status == 200
    assert hub.container.show("hub.service", "Type", "User", "NRestarts") == {
        "Type": "notify", "User": "_hubd", "NRestarts": "0",
    }


def test_reinstall_keeps_the_servers_and_remove_and_purge_leave_nothing(machine):
    hub = machine
    before = files(hub)
    units_before = set(hub.run(["systemctl", "list-unit-files", "--plain", "--no-legend"]).stdout.split("\n"))
    apt(hub, "install", "/root/hubd.deb")
    clients = {name: hub.logged_in(name) for name in ("alice", "bob")}
    labs = {name: hub.start(client, name).enter() for name, client in clients.items()}
    running = hub.running_units()
    assert len(running) == 2

    apt(hub, "install", "--reinstall", "/root/hubd.deb")
    assert hub.running_units() == running, "an upgrade leaves people's servers alone"
    for lab in labs.values():
        assert lab.api("GET", "status").status == 200, "and they are reachable with the same session"

    hub.shell("runuser -u alice -- sh -c 'echo mine > /home/alice/notes.txt'")
    hub.run(["hubctl", "suspend", "bob"])
    told = apt(hub, "remove", "hubd")
    assert "jupyter@alice.service" in told and "jupyter@bob.service" in told
    assert hub.running_units() == {}
    assert set(states(hub).values()) == {"inactive"}
    assert hub.container.live_path("/etc/hub/hub.toml").exists(), "remove keeps the configuration"
    assert hub.container.live_path("/var/lib/hub/hub.sqlite").exists(), "remove keeps the state"

    told = apt(hub, "purge", "hubd")
    assert "stay" in told, "purge says which user data stays"
    assert hub.shell("cat /home/alice/notes.txt").strip() == "mine"
    left = files(hub) - before
    assert left == set(), f"left behind: {sorted(left)}"
    hub.run(["systemctl", "daemon-reload"])
    units_after = set(hub.run(["systemctl", "list-unit-files", "--plain", "--no-legend"]).stdout.split("\n"))
    assert units_after - units_before == set()

    apt(hub, "install", "/root/hubd.deb")
    hub.start(hub.logged_in("alice"), "alice")


def test_the_package_installs_without_a_network_and_is_clean_for_dpkg(fresh):
    """`fresh` has it installed; nothing of it was changed or is missing afterwards."""
    hub = fresh
    hub.start(hub.logged_in("alice"), "alice")
    assert hub.run(["dpkg", "--verify", "hubd"]).stdout == ""
    assert hub.run(["systemctl", "is-system-running"], check=False).stdout.strip() == "running"
