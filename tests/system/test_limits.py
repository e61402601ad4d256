"""Limits on the units that systemd has: rules of hub.toml, profiles, administrators' drop-ins, changes of a running server.

That a kernel enforces them is the machine tier's affair; here it is what systemd was told, and what people are told.
"""
import json

import pytest

from harness.rest import Rest
from harness.wait import wait_for

SOON = 20.0

# alice is in the group students, bob is not.
RULES = """
[limits]
memory_max = "3G"
tasks_max = 300
open_files = 5000
runtime_max = "12h"

[limits.group.students]
memory_max = "2G"
cpu_weight = 50
devices = ["/dev/fuse", "char-input r"]

[limits.user.alice]
tasks_max = 400

[limits.per-person]
tasks_max = 900

[limits.user.bob.per-person]
memory_max = "5G"

[limits.all-together]
tasks_max = 5000
cpu_weight = 77

[[profile]]
name = "small"
default = true
limits = { memory_max = "1G" }
environment = { HARVEST = "small" }

[[profile]]
name = "for students"
allow = ["@students"]
limits = { memory_max = "4G", tasks_max = 200 }
environment = { HARVEST = "large" }
"""
DROP_IN = "/etc/systemd/system/jupyter@.service.d/10-site.conf"
SLICE_DROP_IN = "/etc/systemd/system/jupyter.slice.d/10-site.conf"
CHANGED = "3e9b6a1c5f0d4b7f8c21d6e4a97b5803"


@pytest.fixture(scope="module")
def limited(module_hub):
    """A machine of the file's own with these rules."""
    module_hub.configure(RULES)
    return module_hub


@pytest.fixture
def rules(limited):
    """The same, left without servers and drop-ins."""
    yield limited
    limited.stop_all()
    limited.shell(f"rm -f {DROP_IN} {SLICE_DROP_IN}; systemctl daemon-reload")


def start(hub, user, profile=None):
    """Starts by hubctl; an empty choice lasts from former tests, so each test names its own."""
    hub.logged_in(user)
    choice = ["--profile", profile] if profile else []
    hub.run(["hubctl", "start", user, *choice])


def shown(hub, user):
    return json.loads(hub.run(["hubctl", "limits", "show", user, "--json"]).stdout)


def test_the_most_specific_rule_is_on_the_unit(rules):
    start(rules, "alice", "small")
    unit = rules.container.show(
        "jupyter@alice.service", "MemoryMax", "TasksMax", "CPUWeight", "LimitNOFILE", "RuntimeMaxUSec", "DevicePolicy",
        "DeviceAllow", "Environment",
    )
    assert unit["MemoryMax"] == str(1 << 30), "the profile beats the group and everybody"
    assert unit["TasksMax"] == "400", "the person beats everybody"
    assert unit["CPUWeight"] == "50" and unit["LimitNOFILE"] == "5000" and unit["RuntimeMaxUSec"] == "12h"
    assert unit["DevicePolicy"] == "closed" and "/dev/fuse rw" in unit["DeviceAllow"], unit
    assert "HARVEST=small" in unit["Environment"] and "HUBD_PROFILE=small" in unit["Environment"]
    start(rules, "bob", "small")
    unit = rules.container.show("jupyter@bob.service", "MemoryMax", "TasksMax", "CPUWeight")
    assert (unit["MemoryMax"], unit["TasksMax"], unit["CPUWeight"]) == (str(1 << 30), "300", "[not set]")


def test_slices_hold_what_is_said_of_many_servers_and_lose_it_with_its_rule(rules):
    start(rules, "alice", "small")
    start(rules, "bob", "small")
    together = rules.container.show("jupyter.slice", "TasksMax", "CPUWeight")
    assert (together["TasksMax"], together["CPUWeight"]) == ("5000", "77")
    alice = rules.container.show("jupyter-alice.slice", "TasksMax", "MemoryMax")
    assert (alice["TasksMax"], alice["MemoryMax"]) == ("900", "infinity")
    bob = rules.container.show("jupyter-bob.slice", "TasksMax", "MemoryMax")
    assert (bob["TasksMax"], bob["MemoryMax"]) == ("900", str(5 << 30))
    try:
        rules.configure(RULES.replace("cpu_weight = 77", "").replace('memory_max = "5G"', ""))
        rules.stop_all()
        start(rules, "bob", "small")
        together = rules.container.show("jupyter.slice", "TasksMax", "CPUWeight")
        assert (together["TasksMax"], together["CPUWeight"]) == ("5000", "[not set]")
        bob = rules.container.show("jupyter-bob.slice", "TasksMax", "MemoryMax")
        assert (bob["TasksMax"], bob["MemoryMax"]) == ("900", "infinity")
    finally:
        rules.configure(RULES)


def test_an_administrators_drop_in_wins_and_is_shown(rules):
    rules.container.write(DROP_IN, "[Service]\nMemoryMax=1800M\nIOWeight=33\n")
    rules.container.write(SLICE_DROP_IN, "[Slice]\nTasksMax=4000\n")
    rules.run(["systemctl", "daemon-reload"])
    start(rules, "alice", "small")
    unit = rules.container.show("jupyter@alice.service", "MemoryMax", "IOWeight")
    assert (unit["MemoryMax"], unit["IOWeight"]) == (str(1800 << 20), "33")
    assert rules.container.show("jupyter.slice", "TasksMax") == "4000"
    model = shown(rules, "alice")
    memory = model["limits"]["memory_max"]
    assert memory["amount"] == "1800M"
    assert memory["said"] == [{"by": "hub.toml", "rule": "profile[small].limits"}, {"by": DROP_IN}]
    assert model["limits"]["io_weight"] == {"amount": "33", "live": True, "said": [{"by": DROP_IN}]}
    assert model["limits"]["tasks_max"]["said"] == [{"by": "hub.toml", "rule": "limits.user.alice"}]
    assert model["all"]["limits"]["tasks_max"]["said"][-1] == {"by": SLICE_DROP_IN}
    table = rules.run(["hubctl", "limits", "show", "alice"]).stdout
    assert any(line.split()[:3] == ["jupyter@alice.service", "memory_max", "1800M"] for line in table.splitlines()), table
    assert f"{DROP_IN} < hub.toml: profile[small].limits" in table


def test_limits_of_a_running_server_change_at_once_and_end_with_it(rules):
    start(rules, "alice", "small")
    before = rules.container.main_pid("jupyter@alice.service")
    cursor = rules.container.journal_cursor()
    rules.run(["hubctl", "limits", "set", "alice", "memory_max=1536M", "cpu_quota=150%", "tasks_max=333"])
    unit = rules.container.show("jupyter@alice.service", "MemoryMax", "CPUQuotaPerSecUSec", "TasksMax", "MainPID")
    assert (unit["MemoryMax"], unit["CPUQuotaPerSecUSec"], unit["TasksMax"]) == (str(1536 << 20), "1.500000s", "333")
    assert int(unit["MainPID"]) == before, "nothing was restarted"
    model = shown(rules, "alice")
    assert model["limits"]["memory_max"]["amount"] == "1536M"
    assert model["limits"]["memory_max"]["said"][-1] == {"by": "live"}
    told = rules.container.journal(f"--after-cursor={cursor}", f"MESSAGE_ID={CHANGED}")
    assert [entry["HUB_USER"] for entry in told] == ["alice"] and "memory_max=1536M" in told[0]["MESSAGE"]
    refused = rules.run(["hubctl", "limits", "set", "alice", "memory_max=1536"], check=False)
    assert refused.returncode == 2 and "expected a size" in refused.stderr, refused
    rules.run(["hubctl", "stop", "alice"])
    rules.run(["hubctl", "start", "alice"])
    unit = rules.container.show("jupyter@alice.service", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec")
    assert (unit["MemoryMax"], unit["TasksMax"], unit["CPUQuotaPerSecUSec"]) == (str(1 << 30), "400", "infinity")


def test_limits_change_on_a_frozen_server_too(rules):
    start(rules, "alice", "small")
    rules.run(["systemctl", "freeze", "jupyter@alice.service"])
    rules.run(["hubctl", "limits", "set", "alice", "memory_max=700M"])
    unit = rules.container.show("jupyter@alice.service", "MemoryMax", "FreezerState")
    assert (unit["MemoryMax"], unit["FreezerState"]) == (str(700 << 20), "frozen")
    rules.run(["systemctl", "thaw", "jupyter@alice.service"])


def test_a_profile_is_for_those_it_names_and_its_variables_reach_the_kernel(rules):
    lab_client = rules.logged_in("alice")
    alice = Rest(rules.client(), rules.token("alice"))
    bob = Rest(rules.client(), rules.token("bob"))
    refused = bob.call("POST", "/users/bob/server", {"user_options": {"profile": "for students"}})
    assert refused.status == 400, refused.text
    assert refused.json()["message"] == 'There is no profile "for students" here. Possible: small.'
    assert not rules.is_up("bob")
    answer = alice.call("POST", "/users/alice/server", {"user_options": {"profile": "for students"}})
    assert answer.status in (201, 202), answer.text
    assert rules.progress(lab_client, "alice")[-1].get("ready")
    unit = rules.container.show("jupyter@alice.service", "MemoryMax", "TasksMax")
    assert (unit["MemoryMax"], unit["TasksMax"]) == (str(4 << 30), "400")
    assert shown(rules, "alice")["profile"] == "for students"
    rules.stop(lab_client, "alice")
    lab = rules.start(lab_client, "alice").enter()
    kernel = lab.kernel()
    assert "large" in kernel.execute("import os; print(os.environ['HARVEST'])"), "the choice of the last time"
    kernel.close()


def test_the_broker_itself_refuses_a_profile_that_is_not_for_the_person(rules):
    """The broker reads root's files itself, whatever the caller believes."""
    asked = rules.ask_broker("StartServer", "bob", "", "", "for students", check=False)
    assert asked.returncode != 0 and "There is no profile" in asked.stderr, asked
    assert not rules.is_up("bob")


def test_a_profile_that_vanished_gives_way_to_the_usual_one(rules):
    start(rules, "alice", "for students")
    rules.run(["hubctl", "stop", "alice"])
    try:
        # Only the broker knows of it yet: the hub reads its configuration when it starts.
        without = RULES.split('[[profile]]\nname = "for students"')[0]
        rules.container.write("/etc/hub/hub.toml.d/50-test.toml", without)
        rules.expect_warning(
            'There is no profile "for students" here. Possible: small. The server of alice starts without it, ignoring'
        )
        rules.run(["hubctl", "start", "alice"])
        unit = rules.container.show("jupyter@alice.service", "MemoryMax", "Environment")
        assert unit["MemoryMax"] == str(1 << 30) and "HUBD_PROFILE=small" in unit["Environment"]
    finally:
        rules.configure(RULES)


def test_the_web_process_may_not_be_asked_for_limits_beyond_those_of_running_units(rules):
    for limit, amount in [("open_files", "4096"), ("Environment", "A=1"), ("memory_max", "1")]:
        asked = rules.run(
            ["busctl", "call", "org.hubd.Broker1", "/org/hubd/Broker1", "org.hubd.Broker1", "SetLimits", "ssa{ss}",
             "alice", "", "1", limit, amount], check=False)
        assert asked.returncode != 0, (limit, asked)
    wait_for("nothing to run", lambda: not rules.is_up("alice"), SOON)


def test_the_drop_ins_of_slices_go_with_the_package(fresh):
    fresh.configure("[limits.all-together]\ntasks_max = 5000\n[limits.per-person]\ntasks_max = 900\n")
    start(fresh, "alice")
    files = "ls /run/systemd/system | grep '^jupyter.*slice.d$' || true"
    assert fresh.shell(files).split() == ["jupyter-.slice.d", "jupyter.slice.d"]
    fresh.run(["dpkg", "--remove", "hubd"], deadline=120)
    assert fresh.shell(files) == ""
