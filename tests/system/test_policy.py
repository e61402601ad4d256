"""Who may come: /etc/hub/hub.toml decides, and a mistake in it stops the start with a clear line."""
import pytest

from harness.http import REDIRECTS
from harness.people import PASSWORDS


@pytest.fixture
def hub(module_hub):
    """The file's own machine, back at the default configuration afterwards."""
    yield module_hub
    module_hub.stop_all()
    module_hub.configure("")


def who_gets_in(hub, names):
    """The subset of `names` whose right password lets them in."""
    return {name for name in names if hub.client().try_login(name, PASSWORDS[name]).status in REDIRECTS}


def test_by_default_everybody_with_a_real_login_shell_gets_in(hub):
    assert who_gets_in(hub, ["alice", "bob", "boss", "nologin", "svc", "root"]) == {"alice", "bob", "boss"}


@pytest.mark.parametrize("settings, expected", [
    ('allow = ["bob"]', {"bob", "boss"}),
    ('allow = ["@students"]', {"alice", "boss"}),
    ('allow = ["carol", "@students"]\nadmins = []', {"alice", "carol"}),
    ('block = ["bob"]', {"alice", "boss", "carol"}),
    ('block = ["@students"]', {"bob", "boss", "carol"}),
    ('allow = ["alice", "bob"]\nblock = ["alice"]\nadmins = []', {"bob"}),
    ('block = ["boss"]', {"alice", "bob", "carol"}),
])
def test_lists_of_people_and_groups_decide(hub, settings, expected):
    hub.configure(f"[login]\n{settings}\n")
    assert who_gets_in(hub, ["alice", "bob", "boss", "carol"]) == expected


def test_who_is_turned_away_by_the_hub_is_told_so_only_after_the_right_password(hub):
    hub.configure('[login]\nblock = ["bob"]\n')
    right = hub.client().try_login("bob", PASSWORDS["bob"]).element("login-error")
    wrong = hub.client().try_login("bob", "not the password").element("login-error")
    unknown = hub.client().try_login("nobody-here", "not the password").element("login-error")
    assert wrong == unknown and right != wrong


def test_who_is_blocked_later_loses_the_session_and_cannot_start(hub):
    client = hub.logged_in("bob")
    hub.configure('[login]\nblock = ["bob"]\n')
    answer = hub.request_start(client, "bob")
    assert answer.status in (401, 403), answer.status
    refused = hub.ask_broker("StartServer", "bob", "", "", "", check=False)
    assert refused.returncode != 0 and "blocked from the hub" in refused.stderr and hub.running_units() == {}, refused.stderr


def test_root_gets_in_and_a_working_lab_when_asked_for(hub):
    hub.configure("[login]\nallow_root = true\n")
    client = hub.logged_in("root")
    assert hub.model(client, "root")["admin"] is True
    lab = hub.start(client, "root").enter()
    kernel = lab.kernel()
    assert kernel.execute("import os; print(os.getuid())").strip() == "0"
    kernel.close()
    assert who_gets_in(hub, ["svc"]) == {"svc"}


def test_members_of_sudo_are_administrators_and_others_are_not(hub):
    assert hub.model(hub.logged_in("boss"), "boss")["admin"] is True
    assert hub.model(hub.logged_in("alice"), "alice")["admin"] is False
    hub.configure('[login]\nadmins = ["alice"]\n')
    assert hub.model(hub.logged_in("boss"), "boss")["admin"] is False
    assert hub.model(hub.logged_in("alice"), "alice")["admin"] is True


@pytest.mark.parametrize("place", [
    pytest.param([], id="outside of every unit"),
    pytest.param(["systemd-run", "--quiet", "--pipe", "--wait", "--uid=_hubd"], id="another service"),
    pytest.param(["systemd-run", "--quiet", "--scope", "--uid=_hubd"], id="a scope"),
])
def test_the_account_of_the_web_process_is_not_enough_it_must_be_its_unit(hub, place):
    hub.start(hub.logged_in("alice"), "alice")
    before = hub.running_units()
    for verb in (["StopServer", "ss", "alice", ""], ["FreezeServer", "ss", "alice", ""], ["StartServer", "ssss", "bob", "", "", ""]):
        command = [*place, "busctl", "call", "org.hubd.Broker1", "/org/hubd/Broker1", "org.hubd.Broker1", *verb]
        told = hub.run(command, user=None if place else "_hubd", check=False)
        assert told.returncode != 0 and "polkit does not let you" in told.stderr, (verb, told.stdout + told.stderr)
    assert hub.running_units() == before
    hub.stop(hub.logged_in("alice"), "alice")


@pytest.mark.parametrize("access", [False, True])
def test_administrators_reach_other_peoples_servers_only_with_admin_access(hub, access):
    hub.configure(f"[login]\nadmin_access = {str(access).lower()}\n")
    hub.start(hub.logged_in("alice"), "alice")
    boss = hub.logged_in("boss")
    answer = boss.get("/user/alice/lab", follow=True)
    assert answer.status == (200 if access else 403)


# (the file, what the message must say beside file and line)
MISTAKES = [
    ('[login]\nalow = "all"\n', 2, ["login.alow", "login.allow"]),
    ('[logn]\nallow = "all"\n', 1, ["logn", "login"]),
    ('[login]\nallow = 5\n', 2, ["login.allow"]),
    ('[login]\nallow = "some"\n', 2, ["login.allow", "all"]),
    ('[login]\nblock = ["@"]\n', 2, ["login.block"]),
    ('[login]\nadmins = "root"\n', 2, ["login.admins"]),
    ('[login]\nallow_root = "yes"\n', 2, ["login.allow_root", "true"]),
    ('[server]\nstart_timeout = 5.5\n', 2, ["server.start_timeout", "5.5"]),
    ('[server]\nstart_timeout = "soon"\n', 2, ["server.start_timeout", "soon"]),
    ('[server]\ncommand = "jupyter-lab"\n', 2, ["server.command"]),
    ('[server]\nenvironment = { A = 1 }\n', 2, ["server.environment"]),
    ('[server]\ndefault_url = "lab"\n', 2, ["server.default_url"]),
    ('[limits]\nmemory_max = "2 apples"\n', 2, ["limits.memory_max", "2 apples"]),
    ('[limits]\ncpu_quota = "150"\n', 2, ["limits.cpu_quota", "%"]),
    ('[limits]\ntasks_max = 0\n', 2, ["limits.tasks_max"]),
    ('[hub]\nbase_url = "hub"\n', 2, ["hub.base_url"]),
    ('[hub\n', 1, []),
]


@pytest.mark.parametrize("text, line, words", MISTAKES, ids=[text.replace("\n", " ").strip() for text, _, _ in MISTAKES])
def test_a_mistake_in_the_configuration_stops_the_start_with_file_and_line(hub, text, line, words):
    where = "/etc/hub/hub.toml.d/50-test.toml"
    hub.restart()
    hub.container.write(where, text)
    cursor = hub.container.journal_cursor()
    assert hub.run(["systemctl", "start", "hub.service"], check=False).returncode != 0
    assert hub.container.show("hub.service", "ExecMainStatus") == "78"
    said = "\n".join(str(entry.get("MESSAGE")) for entry in hub.container.journal("-u", "hub.service", after=cursor))
    checked = hub.run(["hubctl", "config", "check"], check=False)
    assert checked.returncode != 0
    for output in (said, checked.stderr + checked.stdout):
        assert f"{where}:{line}" in output, output
        for word in words:
            assert word in output, output


def test_all_mistakes_are_told_at_once(hub):
    hub.container.write("/etc/hub/hub.toml.d/50-test.toml", "[login]\nalow = 1\nblok = 2\n[limits]\ntasks_max = -1\n")
    checked = hub.run(["hubctl", "config", "check"], check=False)
    output = checked.stderr + checked.stdout
    assert checked.returncode != 0
    assert "login.alow" in output and "login.blok" in output and "limits.tasks_max" in output


def test_without_systemd_hubd_says_what_it_needs(hub):
    told = hub.run(["/usr/libexec/hubd/hubd"], check=False)
    assert told.returncode not in (0, 101)
    assert "systemctl start hub.socket" in told.stderr, told.stderr
