"""What a server's kernels and terminals have is what an ssh login has; and neither ends the other.

Beside Debian's real sshd. What differs on purpose is here as well, and in docs/operation.md.
"""
import re

import pytest

from harness import package, ssh
from harness.container import Container
from harness.hub import Hub
from harness.indoors import Indoors
from harness.jupyter import terminal_output
from harness.people import PASSWORDS
from harness.wait import wait_for

SOON = 20.0
FACTS = "/usr/local/share/facts.sh"
# JupyterLab raises its own number of open files, and so that of its children, up to what they may have.
TELL_FACTS = """
echo "who=$(id)"
echo "umask=$(umask)"
for name in LANG HOME USER LOGNAME SHELL FAVOURITE; do echo "$name=${!name}"; done
echo "folder=$(pwd)"
echo "loginuid=$(cat /proc/self/loginuid)"
echo "priority=$(nice) $(cat /proc/self/oom_score_adj)"
echo "runtime=$(stat -c '%a %U %F' "$XDG_RUNTIME_DIR") $(stat -f -c %T "$XDG_RUNTIME_DIR")"
for limit in c d e f i l m n q r s t u v x; do echo "hard-$limit=$(ulimit -H$limit)"; done
for limit in c d e f i l m q r s t u v x; do echo "soft-$limit=$(ulimit -S$limit)"; done
echo "end=of facts"
"""
# The machine has its own mind about everything that a login goes by.
LOCALE = "LANG=zh_CN.UTF-8\n"
UMASK = "sed -i '/^UMASK/d' /etc/login.defs; echo 'UMASK 027' >> /etc/login.defs"
LIMITS = """
*         hard  nproc   3000
*         soft  nproc   2000
@students hard  nofile  5000
@students soft  core    0
alice     -     memlock 4096
"""
# Of the servers' own environment: what people see of a session of theirs.
NAMES = ("JUPYTERHUB_USER", "XDG_SESSION_ID", "DBUS_SESSION_BUS_ADDRESS")


@pytest.fixture(scope="module")
def machine(deb):
    with Container(package.installed(deb, below=ssh.layers(), label="installed-ssh"), "sessions") as made:
        made.write(FACTS, TELL_FACTS)
        made.write("/etc/default/locale", LOCALE)
        made.write("/etc/environment", "FAVOURITE=blue\n")
        made.write("/etc/security/limits.d/10-test.conf", LIMITS)
        made.write("/etc/systemd/logind.conf.d/test.conf", "[Login]\nKillUserProcesses=yes\n")
        made.run(["localedef", "-i", "zh_CN", "-f", "UTF-8", "zh_CN.UTF-8"])
        made.shell(UMASK)
        made.run(["systemctl", "restart", "systemd-logind.service"])
        hub = Hub(made)
        ssh.let_in(hub, "alice", "bob")
        yield hub


@pytest.fixture
def hub(machine):
    yield machine
    machine.stop_all()


def facts(text):
    """{name: value} of what the script told."""
    found = dict(re.findall(r"^([A-Za-z-]+)=(.*?)\r?$", text, re.MULTILINE))
    assert found.pop("end") == "of facts", text
    return found


def in_a_terminal(lab, line, until):
    made = lab.api("POST", "terminals")
    assert made.status == 200, made.text
    socket = lab.websocket(f"terminals/websocket/{made.json()['name']}")
    text = terminal_output(socket, line, until)
    socket.close()
    return text


def test_a_kernel_has_what_an_ssh_login_has(hub):
    login = facts(ssh.run(hub, "alice", f"bash {FACTS}"))
    alice = Indoors(hub, "alice")
    assert facts(alice.sh(f"bash {FACTS}")) == login
    alice.close()
    # And it is what the machine says, not what everything has by itself.
    assert login["LANG"] == "zh_CN.UTF-8" and login["FAVOURITE"] == "blue"
    assert login["umask"] == "0007", "027, for people with a group of their own"
    assert login["hard-u"] == "3000" and login["soft-u"] == "2000" and login["hard-n"] == "5000"
    assert login["runtime"] == "700 alice directory tmpfs" and login["loginuid"] == hub.shell("id -u alice").strip()


def test_a_terminal_has_what_an_ssh_login_has_with_a_login_shell(hub):
    login = facts(ssh.run(hub, "alice", f"bash -lc 'bash {FACTS}; echo PATH=$PATH'").replace("end=of facts\n", "") + "end=of facts")
    lab = hub.start(hub.logged_in("alice"), "alice").enter()
    told = in_a_terminal(lab, f"echo; bash {FACTS} | grep -v ^end; echo PATH=$PATH; echo end=of' 'facts", "end=of facts")
    assert facts(told) == login


def test_the_runtime_folder_is_the_servers_own_and_ends_with_it(hub):
    with ssh.Session(hub, "alice") as session:
        outside = session.ask("echo $XDG_RUNTIME_DIR; touch $XDG_RUNTIME_DIR/of-ssh")
        alice = Indoors(hub, "alice")
        assert alice.lines("echo $XDG_RUNTIME_DIR") == ["/run/jupyter-session"] != [outside]
        assert alice.sh("touch $XDG_RUNTIME_DIR/of-the-server") == "0"
        assert alice.sh("ls /run/user") == "0", "the login's own is not there"
        assert session.ask("ls /run/jupyter-session | wc -l") == "0", "nor is the server's outside"
        alice.close()
        hub.stop_all()
        alice = Indoors(hub, "alice")
        assert alice.lines("ls -A $XDG_RUNTIME_DIR") == []
        assert session.ask("ls $XDG_RUNTIME_DIR | grep of-ssh") == "of-ssh"
        alice.close()


def test_a_group_that_came_since_the_last_start_is_there_after_the_next_one(hub):
    bob = Indoors(hub, "bob")
    hub.shell("groupadd -f newcomers; usermod -aG newcomers bob; install -d -m 0750 -g newcomers /srv/newcomers")
    assert "newcomers" in ssh.run(hub, "bob", "id -nG").split()
    assert "newcomers" not in bob.lines("id -nG")[0].split(), "what runs keeps its groups, as an ssh login does"
    bob.close()
    hub.stop(bob.lab.client, "bob")
    bob = Indoors(hub, "bob")
    assert "newcomers" in bob.lines("id -nG")[0].split()
    assert bob.sh("ls /srv/newcomers") == "0"
    bob.close()
    hub.stop(bob.lab.client, "bob")
    hub.shell("gpasswd -d bob newcomers")
    bob = Indoors(hub, "bob")
    assert "newcomers" not in bob.lines("id -nG")[0].split()
    bob.close()


def test_a_home_is_made_at_the_first_start(hub):
    """As pam_mkhomedir does it for ssh where somebody switched it on; here it always is."""
    hub.run(["useradd", "--no-create-home", "--shell", "/bin/bash", "dora"])
    hub.run(["chpasswd"], stdin=f"dora:{PASSWORDS['carol']}\n")
    client = hub.logged_in("dora", PASSWORDS["carol"])
    kernel = hub.start(client, "dora").enter().kernel()
    assert kernel.execute("import os; print(os.getcwd())").strip() == "/home/dora"
    assert hub.shell("stat -c '%a %U' /home/dora; cmp /etc/skel/.bashrc /home/dora/.bashrc").strip() == "700 dora"
    kernel.execute("open('first.txt', 'w').write('mine')")
    assert hub.shell("cat /home/dora/first.txt") == "mine"
    kernel.close()


def test_a_logout_from_ssh_takes_nothing_from_the_server(hub):
    """Not even where logind kills what a session leaves behind, and though it removes people's shared memory."""
    alice = Indoors(hub, "alice")
    keep = ("from multiprocessing import shared_memory\nkept = shared_memory.SharedMemory('kept', create=True, size=4096)\n"
            "kept.buf[0] = 42\n")
    assert alice.kernel.execute(keep) == ""
    assert alice.sh("ipcmk -S 1 >/dev/null") == "0"
    before = hub.container.main_pid("jupyter@alice.service")
    with ssh.Session(hub, "alice") as session:
        assert session.ask("touch /dev/shm/of-ssh; nohup sleep 31537 >/dev/null 2>&1 & echo begun") == "begun"
        assert alice.lines("ls /dev/shm | grep -c of-ssh") == ["0"]
    ssh.wait_until_out(hub, "alice")
    assert hub.shell("ls /dev/shm; pgrep -f 'sleep 3153[7]' || true").strip() == "", "of the session nothing is left"
    assert hub.container.main_pid("jupyter@alice.service") == before
    assert alice.kernel.execute("again = shared_memory.SharedMemory('kept'); print(again.buf[0])").strip() == "42"
    assert alice.lines("ipcs -s | grep -c alice") == ["1"]
    alice.close()


def test_stopping_the_server_leaves_the_ssh_session(hub):
    client = hub.logged_in("alice")
    hub.start(client, "alice")
    with ssh.Session(hub, "alice") as session:
        assert session.ask("sleep 31538 >/dev/null 2>&1 & echo begun") == "begun"
        hub.stop(client, "alice")
        assert session.ask("kill -0 $! && echo alive") == "alive"
        assert hub.run(["loginctl", "show-session", session.number, "--property=State", "--value"]).stdout.strip() == "active"


def test_a_server_is_no_login_session(hub):
    """So there is no user manager and no session bus: what they start would be outside of the server's limits."""
    wait_for("earlier logins to be over", lambda: hub.run(["loginctl", "show-user", "alice"], check=False).returncode, SOON)
    alice = Indoors(hub, "alice")
    assert hub.run(["loginctl", "show-user", "alice"], check=False).returncode != 0
    assert hub.container.active(f"user@{hub.shell('id -u alice').strip()}.service") == "inactive"
    told = dict(line.split("=", 1) for line in alice.lines("env") if "=" in line)
    assert {name: told.get(name) for name in NAMES} == {"JUPYTERHUB_USER": "alice", "XDG_SESSION_ID": None,
                                                       "DBUS_SESSION_BUS_ADDRESS": None}
    assert alice.sh("systemctl --user is-system-running").splitlines()[-1] != "0"
    assert ssh.run(hub, "alice", "systemctl --user is-system-running --wait").strip() == "running"
    alice.close()


NO_SPACE = """#!/bin/sh
# What some site does before JupyterLab: it writes into the home.
set -e
head -c 100000 /dev/zero > ~/site.log
exec jupyter-lab "$@"
"""


@pytest.fixture
def full(hub):
    """The machine with a home of carol's that has no space left."""
    hub.shell("mount -t tmpfs -o size=64k,mode=0700,uid=$(id -u carol),gid=$(id -g carol) tmpfs /home/carol")
    hub.run(["sh", "-c", "head -c 100000 /dev/zero > /home/carol/full 2>/dev/null"], user="carol", check=False)
    yield hub
    hub.stop_all()
    hub.run(["umount", "/home/carol"])


def test_jupyterlab_starts_with_a_full_home_and_only_cannot_save(full):
    lab = full.start(full.logged_in("carol"), "carol").enter()
    answer = lab.api("PUT", "contents/new.txt", {"type": "file", "format": "text", "content": "x" * 100000})
    assert answer.status == 500 and "Unexpected error while saving file" in answer.text, answer.text
    kernel = lab.kernel()
    assert kernel.execute("import os; os.remove('full')") == "", "there the person can make room"
    kernel.close()
    answer = lab.api("PUT", "contents/new.txt", {"type": "file", "format": "text", "content": "x"})
    assert answer.status in (200, 201), answer.text


def test_a_start_that_fails_for_want_of_space_says_so_in_words(full):
    full.container.write("/usr/local/bin/site-lab", NO_SPACE, 0o755)
    full.configure('[server]\ncommand = ["/usr/local/bin/site-lab"]\n')
    client = full.logged_in("carol")
    full.begin(client, "carol")
    assert full.progress(client, "carol")[-1]["failed"]
    for language, words in (("en", "no space left to write"), ("zh-CN", "主目录或磁盘已满")):
        page = client.get("/hub/home", headers={"Accept": "text/html", "Accept-Language": language})
        assert words in page.text, page.text
    page = client.get("/hub/spawn-pending/carol", follow=True)
    assert "no space left to write" in page.text, page.text
    full.configure("")
