"""hubctl over the control socket: root and polkit-authorised administrators, tables and --json."""
import json

import pytest

from harness.people import PASSWORDS
from harness.wait import wait_for

SOON = 10.0

RULE = """polkit.addRule(function(action, subject) {
    if (action.id == "org.hubd.manage" && subject.user == "boss") return polkit.Result.YES;
});
"""
MANAGE = [["status"], ["users"], ["servers"], ["start", "bob"], ["stop", "bob"], ["logs", "bob"], ["token", "list", "alice"]]


def names_in(value, found=None):
    """All strings of a JSON value."""
    found = [] if found is None else found
    if isinstance(value, dict):
        for inner in value.values():
            names_in(inner, found)
    elif isinstance(value, list):
        for inner in value:
            names_in(inner, found)
    elif isinstance(value, str):
        found.append(value)
    return found


def test_status_tells_the_hubs_figures(hub):
    status = hub.status()
    assert status["pid"] == hub.container.main_pid("hub.service")
    assert status["memory_bytes"] > 1_000_000 and status["version"]
    table = hub.run(["hubctl", "status"]).stdout
    assert status["version"] in table and str(status["pid"]) in table


def test_status_counts_the_servers(hub):
    """As changes, not as numbers: how many servers failed before is another test's affair."""
    hub.logged_in("alice")
    wait_for("the servers of other tests to be gone", lambda: hub.status()["servers"]["running"] == 0, SOON)
    before = hub.status()["servers"]
    hub.run(["hubctl", "stop", "alice"])
    hub.run(["hubctl", "start", "alice"])
    during = hub.status()["servers"]
    assert during["running"] == 1 and during["failed"] <= before["failed"]
    hub.run(["hubctl", "stop", "alice"])
    assert hub.status()["servers"] == {**during, "running": 0}


def test_start_servers_logs_stop(hub):
    hub.logged_in("alice")
    hub.run(["hubctl", "start", "alice"])
    assert hub.is_up("alice")
    listed = hub.container.json(["hubctl", "servers", "--json"])
    assert "alice" in names_in(listed) and "running" in names_in(listed)
    table = hub.run(["hubctl", "servers"]).stdout.splitlines()
    assert len(table) >= 2 and any("alice" in line and "running" in line for line in table)
    logs = hub.run(["hubctl", "logs", "alice"]).stdout
    assert "is running at" in logs or "Started" in logs, logs
    hub.run(["hubctl", "stop", "alice"])
    assert not hub.is_up("alice")
    hub.run(["hubctl", "stop", "alice"])


def test_users_lists_who_was_here(hub):
    hub.logged_in("alice")
    listed = hub.container.json(["hubctl", "users", "--json"])
    assert "alice" in names_in(listed)
    assert "alice" in hub.run(["hubctl", "users"]).stdout


def test_errors_go_to_stderr_with_a_hint_and_a_status(hub):
    told = hub.run(["hubctl", "start", "nobody-here"], check=False)
    assert told.returncode != 0 and told.stdout == "" and "nobody-here" in told.stderr
    wrong = hub.run(["hubctl", "strat", "alice"], check=False)
    assert wrong.returncode == 2 and "strat" in wrong.stderr


@pytest.mark.parametrize("command", MANAGE, ids=" ".join)
@pytest.mark.parametrize("user", ["alice", "boss"])
def test_people_without_authorization_are_refused(hub, user, command):
    """boss may with a password at an agent, which a script does not have; alice may not at all."""
    before = hub.running_units()
    told = hub.run(["hubctl", *command], user=user, check=False)
    assert told.returncode != 0 and told.stdout == "", told.stdout
    assert told.stderr.strip()
    assert hub.running_units() == before


def test_people_use_their_own_servers_and_read_their_own_log_without_being_root(hub):
    assert hub.run(["hubctl", "start", "alice"], user="alice").stdout.strip() == "/user/alice/"
    assert hub.is_up("alice")
    log = hub.run(["hubctl", "logs", "alice"], user="alice").stdout
    assert "is running at" in log and "Started" in log, log
    lines = json.loads(hub.run(["hubctl", "logs", "alice", "--json"], user="alice").stdout)["lines"]
    assert any("is running at" in line["message"] for line in lines)
    refused = hub.run(["hubctl", "logs", "alice"], user="bob", check=False)
    assert refused.returncode == 3 and refused.stdout == "" and "is running at" not in refused.stderr
    hub.run(["hubctl", "stop", "alice"], user="alice")
    assert not hub.is_up("alice")


def test_people_read_their_own_log_with_journalctl_and_nobody_elses(hub):
    hub.run(["hubctl", "start", "alice"])
    read = ["journalctl", "--no-pager", "--quiet", "-u", "jupyter@alice"]
    wait_for("alice's journal", lambda: "is running at" in hub.run(read, user="alice", check=False).stdout, SOON)
    assert hub.run(read, user="bob", check=False).stdout == ""
    assert hub.run(["journalctl", "--no-pager", "--quiet", "HUB_USER=alice"], user="bob", check=False).stdout == ""


def reads(hub, user, owner, name=""):
    """By which ways somebody reads the log of a server."""
    client = hub.logged_in(user, PASSWORDS["bob"] if user == "bob-a" else None)
    server = f"{owner}:{name}" if name else owner
    texts = {
        "hubctl": hub.run(["hubctl", "logs", "-n", "1000", server], user=user, check=False).stdout,
        "API": client.api("GET", f"/users/{owner}/servers/{name}/log?lines=1000").text,
        "page": client.get(f"/hub/log/{owner}/{name}?lines=1000" if name else f"/hub/log/{owner}?lines=1000").text,
    }
    return {way for way, text in texts.items() if "is running at" in text}


def test_people_read_the_log_of_each_of_their_servers_also_of_one_that_ended_and_nobody_elses(module_hub):
    """The name of bob-a only begins like bob's, and so do the names of the units."""
    hub = module_hub
    hub.configure("[server]\nnamed_limit = 1\n")
    hub.shell("useradd --create-home --shell /bin/bash bob-a")
    hub.run(["chpasswd"], stdin=f"bob-a:{PASSWORDS['bob']}\n")
    try:
        for server in ("bob", "bob:a", "bob-a"):
            hub.run(["hubctl", "start", server], user=server.partition(":")[0])
        every = {"hubctl", "API", "page"}
        for _ in ("while they run", "when they are over"):
            assert reads(hub, "bob", "bob") == reads(hub, "bob", "bob", "a") == reads(hub, "bob-a", "bob-a") == every
            assert not reads(hub, "bob", "bob-a") | reads(hub, "bob-a", "bob") | reads(hub, "bob-a", "bob", "a")
            assert not reads(hub, "alice", "bob") | reads(hub, "alice", "bob", "a")
            of_bob = hub.run(["hubctl", "logs", "-n", "1000", "bob"], user="bob").stdout
            assert "/user/bob/lab" in of_bob and "/user/bob/a/" not in of_bob and "/user/bob-a/" not in of_bob
            hub.stop_all()
        gone = hub.run(["hubctl", "logs", "bob"], user="bob-a", check=False)
        unknown = hub.run(["hubctl", "logs", "nobody-here"], user="bob-a", check=False)
        assert gone.returncode == unknown.returncode == 3
        assert gone.stderr.replace("bob", "nobody-here") == unknown.stderr, "nor is it told who has a server"
    finally:
        hub.stop_all()
        hub.configure("")


def test_who_is_blocked_uses_nothing_by_the_control_socket(module_hub):
    module_hub.configure('[login]\nblock = ["alice"]\n')
    try:
        for verb in ("start", "logs"):
            told = module_hub.run(["hubctl", verb, "alice"], user="alice", check=False)
            assert told.returncode == 3 and told.stdout == "", told.stdout + told.stderr
        assert not module_hub.is_up("alice")
    finally:
        module_hub.configure("")


def test_a_rule_can_take_the_own_servers_from_people(hub):
    rule = "/etc/polkit-1/rules.d/40-test.rules"
    text = RULE.replace("org.hubd.manage", "org.hubd.use-own-servers").replace('"boss"', '"bob"').replace(".YES", ".NO")
    hub.container.write(rule, text)
    try:
        hub.run(["systemctl", "restart", "polkit.service"])
        assert hub.run(["hubctl", "logs", "bob"], user="bob", check=False).returncode == 3
        assert hub.run(["hubctl", "logs", "alice"], user="alice").returncode == 0
    finally:
        hub.container.live_path(rule).unlink()
        hub.run(["systemctl", "restart", "polkit.service"])


def test_an_administrator_with_a_polkit_rule_manages(hub):
    rule = "/etc/polkit-1/rules.d/50-test.rules"
    hub.container.write(rule, RULE)
    try:
        hub.run(["systemctl", "restart", "polkit.service"])
        listed = json.loads(hub.run(["hubctl", "status", "--json"], user="boss").stdout)
        assert listed["version"]
        hub.run(["hubctl", "start", "bob"], user="boss")
        assert hub.is_up("bob")
        hub.run(["hubctl", "stop", "bob"], user="boss")
        assert hub.run(["hubctl", "status"], user="alice", check=False).returncode != 0
    finally:
        hub.container.live_path(rule).unlink()
        hub.run(["systemctl", "restart", "polkit.service"])


def test_config_show_tells_every_value_and_its_place(hub):
    shown = hub.run(["hubctl", "config", "show"]).stdout
    for key in ("hub.base_url", "login.allow", "login.admins", "server.start_timeout", "limits.memory_max"):
        assert key in shown
    values = hub.container.json(["hubctl", "config", "show", "--json"])
    assert "login.allow" in json.dumps(values)
    where = "/etc/hub/hub.toml.d/60-test.toml"
    hub.container.write(where, '\n[limits]\nmemory_max = "1G"\n')
    try:
        line = next(line for line in hub.run(["hubctl", "config", "show"]).stdout.splitlines() if "limits.memory_max" in line)
        assert f"{where}:3" in line and "1G" in line, line
        hub.run(["hubctl", "config", "check"])
    finally:
        hub.container.live_path(where).unlink()


def test_doctor_finds_a_healthy_machine_healthy(hub):
    told = hub.run(["hubctl", "doctor"], check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    report = hub.container.json(["hubctl", "doctor", "--json"])
    assert report


def test_everybody_may_read_the_help(hub):
    told = hub.run(["hubctl", "--help"], user="bob").stdout
    for verb in ("status", "users", "servers", "start", "stop", "logs", "config", "doctor", "env"):
        assert verb in told


def test_the_control_socket_answers_http_to_root_only(hub):
    asked = ["curl", "--silent", "--max-time", "10", "--unix-socket", "/run/hub/control.sock", "--write-out",
             "\n%{http_code}", "http://hub/hub/api/status"]
    assert hub.run(asked).stdout.endswith("\n200")
    assert hub.run(asked, user="alice").stdout.endswith("\n403")


def test_the_manual_pages_are_there(hub):
    for page in ("man1/hubctl.1", "man8/hubctl.8", "man8/hubd.8", "man5/hub.toml.5"):
        found = list(hub.container.live_path("/usr/share/man").glob(f"{page}*"))
        if page.startswith(("man1/hubctl", "man8/hubctl")):
            continue
        assert found, page
    assert list(hub.container.live_path("/usr/share/man").glob("man*/hubctl.*"))


def test_a_password_is_never_asked_on_a_command_line(hub):
    assert PASSWORDS["alice"] not in hub.run(["hubctl", "--help"]).stdout
