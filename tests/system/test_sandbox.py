"""The walls around a server, seen from a kernel inside; and that each can be taken down. On both releases of Debian."""
import pytest

from harness import bookworm, package
from harness.container import Container
from harness.hub import Hub
from harness.indoors import Indoors
from harness.wait import wait_for

SHARED = "/home/shared"


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def machine(request, deb):
    tree = bookworm.layers(deb) if request.param == "bookworm" else package.installed(deb)
    with Container(tree, f"walls-{request.param}") as made:
        yield Hub(made)


@pytest.fixture(scope="module")
def walled(machine):
    """A machine with alice's server running, and something of hers to be found everywhere."""
    hub = machine
    hub.configure(f'[sandbox]\nvisible = ["{SHARED}", "/home/is-not-there"]\n')
    hub.shell(
        "chmod 0755 /home/alice; echo open > /home/alice/open.txt; chmod 0644 /home/alice/open.txt;"
        f"install -d -m 1777 {SHARED}; echo ours > {SHARED}/ours.txt"
    )
    alice = Indoors(hub, "alice")
    alice.kernel.execute("import subprocess; kept = subprocess.Popen(['sleep', '31536'])")
    alice.sh("echo secret | tee /tmp/of-alice > /dev/shm/of-alice; chmod 0644 /tmp/of-alice /dev/shm/of-alice; ipcmk -S 1")
    yield hub, alice
    alice.close()
    hub.stop_all()


@pytest.fixture(scope="module")
def bob(walled):
    hub, _ = walled
    inside = Indoors(hub, "bob")
    yield inside
    inside.close()


def test_another_person_sees_neither_processes_nor_homes_nor_tmp(walled, bob):
    hub, _ = walled
    assert bob.lines("ps -eo user= | sort -u") == ["bob"]
    assert "31536" in hub.run(["ps", "-eo", "args"]).stdout and "31536" not in bob.sh("ps -eo args")
    server = hub.container.main_pid("jupyter@alice.service")
    assert bob.sh(f"cat /proc/{server}/cmdline").endswith("1")
    assert sorted(bob.lines("ls /home")) == ["bob", "shared"], "nothing else is there"
    assert "No such file" in bob.sh("cat /home/alice/open.txt")
    assert hub.run(["cat", "/home/alice/open.txt"], user="bob").stdout == "open\n", "without the wall it could be read"
    assert bob.lines("ls -A /tmp /var/tmp /dev/shm | grep -c of-alice") == ["0"]
    assert bob.lines("ipcs -s | grep -c alice") == ["0"]
    assert bob.lines("ls /run/user") == []


def test_the_own_home_and_shared_folders_are_there_to_write(walled, bob):
    hub, alice = walled
    assert bob.sh("echo mine > ~/mine.txt && cat ~/mine.txt") == "mine\n0"
    assert hub.shell("cat /home/bob/mine.txt; stat -c %U /home/bob/mine.txt") == "mine\nbob\n"
    assert bob.sh(f"cat {SHARED}/ours.txt; echo of bob > {SHARED}/bob.txt") == "ours\n0"
    assert alice.sh(f"cat {SHARED}/bob.txt") == "of bob\n0"
    assert bob.sh("touch /home/new").endswith("1"), "the place of the homes itself cannot be written"


def test_the_system_cannot_be_written_and_no_rights_are_gained(walled, bob):
    hub, _ = walled
    hub.shell("chmod 0666 /etc/motd 2>/dev/null || install -m 0666 /dev/null /etc/motd; install -m 0666 /dev/null /usr/local/open")
    assert "Read-only" in bob.sh("echo x > /etc/motd") and "Read-only" in bob.sh("echo x > /usr/local/open")
    assert "NoNewPrivs:\t1" in bob.sh("cat /proc/self/status")
    hub.shell("install -m 4755 /usr/bin/id /usr/local/bin/who-am-i")
    assert bob.lines("/usr/local/bin/who-am-i -u") == [hub.shell("id -u bob").strip()], "setuid does nothing"
    assert bob.lines("/usr/local/bin/who-am-i -u") != ["0"]


def test_the_kernels_settings_and_control_groups_cannot_be_written(walled, bob):
    hub, _ = walled
    shown = hub.container.show(
        "jupyter@bob.service", "ProtectKernelTunables", "ProtectControlGroups", "ProtectClock", "DevicePolicy",
        "ProtectProc", "ProtectKernelLogs", "RestrictRealtime",
    )
    assert shown.pop("DevicePolicy") == "closed"
    assert shown.pop("ProtectProc") == "invisible" and set(shown.values()) == {"yes"}, shown
    mounts = bob.sh("cat /proc/self/mounts")
    for place in ("/proc/sys", "/sys/fs/cgroup"):
        options = [line.split()[3] for line in mounts.splitlines() if len(line.split()) > 3 and line.split()[1] == place]
        assert options and options[-1].split(",")[0] == "ro", (place, options)
    assert "not permitted" in bob.sh("chrt --fifo 1 true")


def test_an_administrator_has_sudo_and_sees_homes(walled):
    hub, _ = walled
    hub.shell("echo 'boss ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/boss; chmod 0440 /etc/sudoers.d/boss")
    boss = Indoors(hub, "boss")
    assert boss.lines("sudo -n id -u") == ["0"]
    assert boss.sh("sudo -n cat /home/alice/open.txt") == "open\n0"
    assert boss.sh("sudo -n touch /etc/by-boss") == "0"
    assert boss.lines("ls -A /tmp | grep -c of-alice") == ["0"], "this wall stands around everybody"
    boss.close()


@pytest.fixture
def relaxed(walled):
    """Puts another [sandbox] in force for carol's next start."""
    hub, _ = walled

    def start(text):
        hub.configure(text)
        return Indoors(hub, "carol")

    yield start
    hub.run(["systemctl", "stop", "jupyter@carol"], check=False)
    wait_for("carol's server to end", lambda: not hub.is_up("carol"), 30)
    hub.configure(f'[sandbox]\nvisible = ["{SHARED}"]\n')


def test_every_wall_can_be_taken_down(relaxed, walled):
    hub, _ = walled
    names = ("private_tmp", "hide_processes", "hide_homes", "read_only_system", "no_new_privileges", "protect_kernel",
             "close_devices")
    carol = relaxed("[sandbox]\n" + "".join(f"{name} = false\n" for name in names))
    assert len(carol.lines("ps -eo user= | sort -u")) > 1
    assert carol.sh("cat /home/alice/open.txt") == "open\n0"
    assert carol.sh("echo x > /usr/local/open") == "0"
    assert "NoNewPrivs:\t0" in carol.sh("cat /proc/self/status")
    assert carol.lines("/usr/local/bin/who-am-i -u") == ["0"]
    assert carol.sh("touch /tmp/of-carol /dev/shm/of-carol; stat -c %U /tmp/of-carol") == "carol\n0"
    assert hub.shell("ls /tmp/of-carol /dev/shm/of-carol").split() == ["/dev/shm/of-carol", "/tmp/of-carol"]
    carol.close()


def test_a_wall_can_be_taken_down_for_one_group(relaxed, walled):
    hub, _ = walled
    hub.shell("groupadd -f readers; gpasswd -a carol readers")
    carol = relaxed('[sandbox.except]\n"@readers" = ["hide_homes"]\n')
    assert carol.sh("cat /home/alice/open.txt") == "open\n0"
    assert "NoNewPrivs:\t1" in carol.sh("cat /proc/self/status"), "the other walls stand"
    carol.close()
