"""Debian 12 (systemd 252): the same package installs, a person logs in, JupyterLab starts."""
import pytest

from harness.bookworm import ENVIRONMENT, layers
from harness.container import Container
from harness.hub import STOP_DEADLINE, Hub
from harness.jupyter import terminal_output
from harness.wait import wait_for


@pytest.fixture(scope="module")
def bookworm(deb):
    with Container(layers(deb), "bookworm") as made:
        yield Hub(made)


def test_it_is_systemd_252_and_the_socket_is_up(bookworm):
    assert bookworm.run(["systemctl", "--version"]).stdout.startswith("systemd 252")
    assert bookworm.container.active("hub.socket") == "active"
    assert bookworm.container.active("hub.service") == "inactive"


def test_a_person_works_in_a_lab_of_the_environment(bookworm):
    client = bookworm.logged_in("alice")
    lab = bookworm.start(client, "alice").enter()
    kernel = lab.kernel()
    assert kernel.execute("6*7") == "42"
    assert kernel.execute("import sys; print(sys.prefix)").strip().startswith(ENVIRONMENT)
    kernel.close()
    made = lab.api("POST", "terminals")
    socket = lab.websocket(f"terminals/websocket/{made.json()['name']}")
    assert "user is alice" in terminal_output(socket, "echo user is $(id -un)", "user is alice")
    socket.close()
    assert bookworm.container.show("jupyter@alice.service", "User") == "alice"
    bookworm.run(["systemctl", "stop", "jupyter@alice"])
    wait_for("the hub to see the end", lambda: bookworm.model(client, "alice")["servers"] == {}, STOP_DEADLINE)
    bookworm.stop(bookworm.start(client, "alice").client, "alice")


def test_wrong_password_and_strangers_are_refused_here_too(bookworm):
    assert bookworm.client().try_login("alice", "wrong").status == 403
    assert bookworm.client().try_login("nopass", "").status == 403
    bob = bookworm.logged_in("bob")
    # Of a server that does not run, strangers learn nothing.
    assert bob.get("/user/alice/lab", follow=True).status == 404


def test_doctor_is_content_and_the_chinese_language_pack_is_there(bookworm):
    assert bookworm.run(["hubctl", "doctor"], check=False).returncode == 0
    bookworm.shell(f"test -d {ENVIRONMENT}/lib/python3*/site-packages/jupyterlab_language_pack_zh_CN")


def test_a_suspended_server_wakes_as_it_was_and_is_stopped_like_any_other(bookworm):
    client = bookworm.logged_in("carol")
    kernel = bookworm.start(client, "carol").enter().kernel()
    kernel.execute("kept = 42")
    bookworm.run(["hubctl", "suspend", "carol"])
    assert bookworm.container.show("jupyter@carol.service", "FreezerState") == "frozen"
    assert kernel.execute("kept") == "42"
    assert bookworm.container.show("jupyter@carol.service", "FreezerState") == "running"
    bookworm.run(["hubctl", "suspend", "carol"])
    bookworm.stop(client, "carol")


def test_killing_the_hub_loses_no_server(bookworm):
    client = bookworm.logged_in("bob")
    bookworm.start(client, "bob")
    before = bookworm.running_units()
    bookworm.run(["kill", "-KILL", str(bookworm.container.main_pid("hub.service"))])
    assert client.get("/hub/home").status == 200
    assert bookworm.running_units() == before
    bookworm.stop(client, "bob")


def test_jupyterlab_speaks_the_machines_language_unless_told_otherwise(bookworm):
    """Debian's sshd gives LANG of the same file; JupyterLab goes by it where it has the language's pack."""
    bookworm.run(["localedef", "-i", "zh_CN", "-f", "UTF-8", "zh_CN.UTF-8"])
    bookworm.container.write("/etc/default/locale", "LANG=zh_CN.UTF-8\n")
    client = bookworm.logged_in("alice")
    lab = bookworm.start(client, "alice").enter()
    told = lab.client.request("GET", f"{lab.prefix}lab/api/translations/default", headers=lab.headers()).json()
    assert told["data"]["jupyterlab"][""]["language"].replace("-", "_") == "zh_CN", str(told)[:500]
    bookworm.stop(client, "alice")
