"""A person's server: a systemd unit that tells its story, starts, stops, and fails with a reason."""
import json

import pytest

from harness.hub import at_once, timed
from harness.people import PASSWORDS
from harness.wait import wait_for

SOON = 10.0
NOTICED = 3.0

TRACEBACK = """#!/bin/sh
echo 'Traceback (most recent call last):' >&2
echo 'ImportError: no module named marzipan' >&2
exit 3
"""
NEVER_ANSWERS = "#!/bin/sh\necho 'thinking about it'\nexec tail -f /dev/null\n"


@pytest.fixture
def configured(module_hub):
    """The file's own machine for tests that change the configuration."""
    yield module_hub
    module_hub.stop_all()
    module_hub.configure("")


def test_the_unit_is_the_persons_own_with_limits_and_slice(configured):
    configured.configure('[limits]\nmemory_max = "3G"\ncpu_quota = "150%"\ntasks_max = 300\n')
    configured.start(configured.logged_in("alice"), "alice")
    machine = configured.container
    unit = machine.show(
        "jupyter@alice.service", "User", "Slice", "PAMName", "WorkingDirectory", "MemoryMax", "TasksMax",
        "CPUQuotaPerSecUSec", "ControlGroup", "UnitFileState", "MainPID", "NoNewPrivileges", "LogExtraFields",
    )
    assert unit["User"] == "alice" and unit["Slice"] == "jupyter-alice.slice" and unit["PAMName"] == "hub-server"
    assert unit["WorkingDirectory"] in ("/home/alice", "~", "!/home/alice"), unit["WorkingDirectory"]
    assert unit["ControlGroup"] == "/jupyter.slice/jupyter-alice.slice/jupyter@alice.service"
    assert unit["UnitFileState"] == "transient"
    owner = machine.shell(f"stat -c %U /proc/{unit['MainPID']}; readlink /proc/{unit['MainPID']}/cwd").split()
    assert owner == ["alice", "/home/alice"]
    assert unit["ControlGroup"] in machine.shell(f"cat /proc/{unit['MainPID']}/cgroup")
    limits = [unit, machine.show("jupyter-alice.slice", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec")]
    for name, value in [("MemoryMax", str(3 << 30)), ("TasksMax", "300"), ("CPUQuotaPerSecUSec", "1.500000s")]:
        assert value in [limit[name] for limit in limits], (name, limits)


def test_every_kernel_and_terminal_stays_in_the_unit(hub):
    lab = hub.start(hub.logged_in("alice"), "alice").enter()
    kernel = lab.kernel()
    group = kernel.execute("print(open('/proc/self/cgroup').read())")
    assert "/jupyter.slice/jupyter-alice.slice/jupyter@alice.service" in group
    kernel.close()


def test_status_and_journal_tell_the_story(hub):
    cursor = hub.container.journal_cursor()
    lab = hub.start(hub.logged_in("alice"), "alice").enter()
    status = hub.run(["systemctl", "status", "--no-pager", "jupyter@alice"]).stdout
    assert "active (running)" in status and "alice" in status and "jupyter-alice.slice" in status
    kernel = lab.kernel()
    kernel.execute("import os; os.write(2, b'a line of the kernel\\n')")
    kernel.close()
    lines = hub.run(["journalctl", "--no-pager", "-u", "jupyter@alice"]).stdout
    assert "Started" in lines and "is running at" in lines
    tagged = hub.container.journal("HUB_USER=alice", after=cursor)
    units = {entry.get("_SYSTEMD_UNIT") or entry.get("UNIT") for entry in tagged}
    assert "jupyter@alice.service" in units
    assert any(entry.get("_PID") == "1" and entry.get("UNIT") == "jupyter@alice.service" for entry in tagged), (
        "PID 1's own lines about the unit carry HUB_USER"
    )
    assert "hub.service" in units, "the hub's own lines about alice carry HUB_USER"
    story = " ".join(str(entry["MESSAGE"]) for entry in tagged if entry.get("_SYSTEMD_UNIT") == "hub.service")
    assert "alice" in story


def test_a_stop_behind_the_hubs_back_is_seen_at_once_by_an_open_page(hub, browser, figure):
    client = hub.logged_in("alice")
    hub.start(client, "alice")
    page = browser(hub).login("alice", PASSWORDS["alice"]).open("/hub/home")
    page.wait_state("running")
    page.driver.execute_script("window.notLoadedAgain = true")
    hub.run(["systemctl", "stop", "jupyter@alice"])
    _, seconds = timed(lambda: page.wait_state("stopped", NOTICED))
    figure("home page shows a stop behind the hub's back after", f"{seconds:.2f} s")
    assert page.driver.execute_script("return window.notLoadedAgain") is True
    page.find("#start-server")
    assert hub.model(client, "alice")["servers"] == {}


def test_a_stop_behind_the_hubs_back_leaves_no_folder(hub):
    hub.start(hub.logged_in("carol"), "carol")
    folder = hub.container.live_path("/run/hub/servers/carol")
    assert folder.exists()
    hub.run(["systemctl", "stop", "jupyter@carol"])
    wait_for("carol's folder to be removed", lambda: not folder.exists(), SOON)


def test_start_and_stop_by_the_buttons_of_the_home_page(hub, browser):
    page = browser(hub).login("bob", PASSWORDS["bob"]).open("/hub/home")
    page.wait_state("stopped")
    page.click("#start-server")
    page.wait("the lab", lambda _: page.path.startswith("/user/bob/lab"), deadline=60)
    page.open("/hub/home").wait_state("running")
    page.click("#stop-server")
    page.wait_state("stopped")
    assert not hub.is_up("bob")


def test_two_requests_for_the_same_start_join_and_a_third_says_running(hub):
    client = hub.logged_in("alice")
    answers = at_once(lambda _: hub.request_start(client, "alice"), [1, 2])
    assert {answer.status for answer in answers} <= {201, 202}, [answer.text for answer in answers]
    assert hub.progress(client, "alice")[-1]["ready"] is True
    third = hub.request_start(client, "alice")
    assert third.status == 400 and "already running" in third.json()["message"]
    assert list(hub.running_units()) == ["jupyter@alice.service"]


def test_a_start_can_be_cancelled(configured):
    configured.container.write("/usr/local/bin/never", NEVER_ANSWERS, 0o755)
    configured.configure('[server]\ncommand = ["/usr/local/bin/never"]\n')
    client = configured.logged_in("alice")
    configured.begin(client, "alice")
    wait_for("the unit", lambda: configured.is_up("alice"), SOON)
    configured.stop(client, "alice")
    assert configured.model(client, "alice")["servers"] == {}


@pytest.mark.parametrize("script, settings, sentence", [
    (TRACEBACK, "", "marzipan"),
    (NEVER_ANSWERS, 'start_timeout = "3s"\n', "thinking about it"),
], ids=["ends with a traceback", "never answers"])
def test_a_start_that_fails_shows_the_units_last_journal_lines(configured, browser, script, settings, sentence):
    configured.container.write("/usr/local/bin/bad-lab", script, 0o755)
    configured.configure(f'[server]\ncommand = ["/usr/local/bin/bad-lab"]\n{settings}')
    page = browser(configured).login("alice", PASSWORDS["alice"]).open("/hub/home")
    page.click("#start-server")
    assert page.find("#spawn-error", deadline=30).text
    assert sentence in page.find("#journal").text
    assert page.find("#retry").is_displayed()
    assert not configured.is_up("alice")
    client = configured.logged_in("alice")
    log = client.api("GET", "/users/alice/server/log?lines=20").json()
    assert any(sentence in json.dumps(line) for line in log["lines"]), log
    assert configured.progress(client, "alice")[-1]["failed"] is True


def test_after_a_failed_start_the_next_one_works(configured):
    configured.container.write("/usr/local/bin/bad-lab", TRACEBACK, 0o755)
    configured.configure('[server]\ncommand = ["/usr/local/bin/bad-lab"]\n')
    client = configured.logged_in("alice")
    failed = configured.request_start(client, "alice")
    assert failed.status == 500 and failed.json()["status"] == 500 and failed.json()["message"]
    assert configured.progress(client, "alice")[-1]["failed"] is True
    configured.configure("")
    configured.start(client, "alice")


def test_without_a_jupyterlab_the_page_and_doctor_say_what_to_install(configured, browser):
    hidden = configured.container.live_path("/usr/bin/jupyter-lab")
    away = hidden.with_name("jupyter-lab.away")
    hidden.rename(away)
    try:
        configured.restart()
        page = browser(configured).login("alice", PASSWORDS["alice"]).open("/hub/home")
        page.click("#start-server")
        told = page.find("#spawn-error", deadline=30)
        text = page.driver.find_element("tag name", "main").text
        assert told.text and ("hubctl env create" in text or "jupyterlab" in text.lower()), text
        doctor = configured.run(["hubctl", "doctor"], check=False)
        assert doctor.returncode != 0
        assert "hubctl env create" in doctor.stdout + doctor.stderr
        assert "apt" in doctor.stdout + doctor.stderr
    finally:
        away.rename(hidden)


def test_a_server_that_dies_later_is_shown_as_failed_with_its_reason(hub, browser):
    hub.start(hub.logged_in("alice"), "alice")
    page = browser(hub).login("alice", PASSWORDS["alice"]).open("/hub/home")
    page.wait_state("running")
    hub.expect_warning("The server of alice failed: signal (11)")
    hub.run(["systemctl", "kill", "--signal=SEGV", "--kill-whom=main", "jupyter@alice"])
    page.wait_state("failed", SOON)


def test_configured_environment_directory_and_start_page_reach_the_server(configured):
    configured.shell("install -d -o alice -g alice /home/alice/work")
    configured.configure(
        '[server]\ndirectory = "~/work"\ndefault_url = "/tree"\nenvironment = { COURSE = "physics 1", PCT = "50%" }\n'
    )
    client = configured.logged_in("alice")
    lab = configured.start(client, "alice")
    lab.enter()
    start_page = client.get("/user/alice/", follow=False).headers["Location"].split("?")[0]
    assert start_page.rstrip("/").endswith("/tree")
    kernel = lab.kernel()
    assert kernel.execute("import os; print(os.environ['COURSE'], os.environ['PCT'], os.getcwd())").strip() == (
        "physics 1 50% /home/alice/work"
    )
    kernel.close()
