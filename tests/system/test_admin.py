"""The administration on the real machine: logs of the real journal, live in a real browser; failed logins; figures."""
import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.http import REDIRECTS
from harness.people import PASSWORDS
from harness.wait import wait_for

LIVE_DEADLINE = 60.0
# The broker ends a minute after the last call.
BROKER_DEADLINE = 150.0
WRONG_FIELD = "Typed-1nto-the-wr0ng-field"
SPEAKER = """#!/bin/sh
# A JupyterLab that also says whatever is written into a pipe of its person.
[ -p "$HOME/say" ] || mkfifo "$HOME/say"
(while :; do cat "$HOME/say"; done) &
exec jupyter-lab "$@"
"""


@pytest.fixture(scope="module")
def speaking(module_hub):
    """A machine on which alice's server says what it is told to."""
    module_hub.container.write("/usr/local/bin/speaking-lab", SPEAKER, 0o755)
    module_hub.configure('[server]\ncommand = ["/usr/local/bin/speaking-lab"]\n')
    module_hub.start(module_hub.logged_in("alice"), "alice")
    yield module_hub
    module_hub.stop_all()


def say(hub, line, level=6):
    """Alice's server writes a line with this syslog level."""
    hub.shell(f"printf '<{level}>%s\\n' '{line}' > /home/alice/say")


def journal_of(page):
    return page.driver.find_element(By.ID, "journal").get_attribute("textContent")


def shown(page, text):
    page.wait(f"“{text}” in the log", lambda _: text in journal_of(page), LIVE_DEADLINE)


def boss(browser, hub, languages="en"):
    return browser(hub, languages).login("boss", PASSWORDS["boss"])


@pytest.mark.parametrize("languages, on, title", [
    ("en", "New lines appear here", "Log of alice"), ("zh-CN,zh", "新日志", "alice 的日志"),
])
def test_a_line_that_is_written_now_appears_in_the_open_log(speaking, browser, languages, on, title):
    say(speaking, f"said before {languages}")
    page = boss(browser, speaking, languages).open("/hub/admin/log/alice")
    assert page.find("#title").text == title
    shown(page, f"said before {languages}")
    page.wait("the log to be live", lambda _: on in page.find("#live-state").text, LIVE_DEADLINE)
    say(speaking, f"<b>said now</b> {languages}", level=3)
    shown(page, f"<b>said now</b> {languages}")
    red = page.driver.find_elements(By.CSS_SELECTOR, "#journal .error")
    assert any("said now" in line.text for line in red), "what is bad is marked"
    assert journal_of(page).count(f"said before {languages}") == 1, "no line stands there twice"
    assert [line for line in page.messages() if "Content Security Policy" in line] == []


def test_a_log_that_is_paused_waits_and_misses_nothing(speaking, browser):
    page = boss(browser, speaking).open("/hub/admin/log/alice")
    page.wait("the log to be live", lambda _: "New lines" in page.find("#live-state").text, LIVE_DEADLINE)
    say(speaking, "said while live")
    shown(page, "said while live")
    switch = page.find("#live-switch")
    switch.send_keys(Keys.SPACE)
    assert switch.get_attribute("aria-pressed") == "false" and page.find("#live-state").text == "Paused."
    say(speaking, "said in the pause")
    speaking.shell("journalctl --sync")
    assert "said in the pause" not in journal_of(page)
    switch.send_keys(Keys.SPACE)
    shown(page, "said in the pause")
    assert journal_of(page).count("said while live") == 1


def test_a_log_goes_on_after_the_broker_was_restarted(speaking, browser):
    page = boss(browser, speaking).open("/hub/admin/log/alice")
    page.wait("the log to be live", lambda _: "New lines" in page.find("#live-state").text, LIVE_DEADLINE)
    say(speaking, "before the broker ends")
    shown(page, "before the broker ends")
    speaking.run(["systemctl", "stop", "hub-broker.service"])
    say(speaking, "while there is no broker")
    shown(page, "while there is no broker")
    assert journal_of(page).count("before the broker ends") == 1


def test_a_log_is_filtered_by_level_and_time_with_the_keyboard(speaking, browser):
    say(speaking, "all is well")
    say(speaking, "all is lost", level=3)
    page = boss(browser, speaking).open("/hub/admin/log/alice")
    shown(page, "all is well")
    page.find("#priority").send_keys("Errors")
    page.find("#show").send_keys(Keys.ENTER)
    page.wait("the choice in the address", lambda d: "priority=3" in d.current_url)
    shown(page, "all is lost")
    assert "all is well" not in journal_of(page)
    say(speaking, "still well")
    say(speaking, "still lost", level=2)
    shown(page, "still lost")
    assert "still well" not in journal_of(page), "new lines are filtered as well"
    page.open("/hub/admin/log/alice?span=between&since=2000-01-01T00:00&until=2000-01-02T00:00")
    assert page.find("#no-lines").text == "There are no such lines."
    page.open("/hub/admin/log/alice?span=hour")
    shown(page, "all is well")


def test_the_hubs_own_log_has_no_line_of_another_unit_whatever_that_says_of_itself(speaking, browser):
    forged = "forged: login of root was accepted"
    for name in ("hub-login", "hubd", "hub-broker"):
        speaking.run(["logger", "--tag", name, forged])
        speaking.shell(
            f"printf 'MESSAGE={forged}\\nSYSLOG_IDENTIFIER={name}\\nHUB_OUTCOME=refused\\nUNIT=hub.service\\n"
            "MESSAGE_ID=0157170db77441feab17b2901fb75686\\n' | logger --journald", user="mallory",
        )
    say(speaking, forged)
    speaking.shell("journalctl --sync")
    assert forged in speaking.run(["journalctl", "--no-pager", "-t", "hub-login"]).stdout, "it is in the journal"
    speaking.client().try_login("alice", "wrong")
    client = speaking.logged_in("boss")
    for part in ("", "hub", "broker", "login"):
        page = client.get(f"/hub/admin/hub-log?part={part}")
        assert page.status == 200 and forged not in page.text, part
    assert "Started the server of alice" in client.get("/hub/admin/hub-log?part=broker").text
    logins = client.get("/hub/admin/hub-log?part=login").text
    assert "Login of alice to the hub was refused" in logins and "Started the server" not in logins
    assert forged not in client.get("/hub/admin/logins?span=all").text
    assert client.get("/hub/admin/hub-log?part=ssh").status == 400


def test_failed_logins_survive_a_restart_and_never_tell_what_was_no_account(speaking):
    for name, password, said in (
        ("bob", "wrong", "Invalid username"), (WRONG_FIELD, "x", "Invalid username"), ("eve", PASSWORDS["eve"], "account"),
    ):
        refused = speaking.client().try_login(name, password)
        assert refused.status not in REDIRECTS and said in refused.text, (name, refused.status, refused.text)
    speaking.shell("journalctl --sync")
    speaking.restart()
    client = speaking.logged_in("boss")
    page = client.get("/hub/admin/logins").text
    table = page.split('id="logins"')[1]
    rows = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in table.split("<tr>")[2:]]
    for account, why in (("eve", "The account may not be used"), ("bob", "Wrong name or password"), ("not an account", "Wrong")):
        assert any(account in row and why in row and "127.0.0.1" in row for row in rows), (account, rows)
    for path in ("/logins?span=all", "/hub-log", "/hub-log?part=login"):
        assert WRONG_FIELD not in client.get(f"/hub/admin{path}").text
    assert WRONG_FIELD not in speaking.run(["journalctl", "--no-pager", "--output=export"]).stdout


def test_a_log_that_is_followed_keeps_the_broker_and_lets_go_of_it(speaking):
    client = speaking.logged_in("boss")

    def followers():
        return speaking.run(["pgrep", "--count", "--full", "journalctl.*--follow"], check=False).stdout.strip()

    events = client.events("/hub/admin/tail/hub/?since=1")
    assert next(events), "the log from its beginning"
    assert followers() == "1"
    assert speaking.container.active("hub-broker.service") == "active"
    events.close()
    wait_for("journalctl to be gone with its reader", lambda: followers() == "0", LIVE_DEADLINE)
    wait_for("the broker to end", lambda: speaking.container.active("hub-broker.service") == "inactive", BROKER_DEADLINE)


def test_figures_and_states_move_without_a_reload(speaking, browser):
    page = boss(browser, speaking).open("/hub/admin")
    page.driver.execute_script("window.sameDocument = true")
    page.find("#names").send_keys("half a na")

    def state(user):
        return page.driver.find_element(By.CSS_SELECTOR, f"tr[data-server='{user}']").find_element(By.CLASS_NAME, "pill").get_attribute("data-tone")

    def machine(kind):
        return page.driver.find_element(By.CSS_SELECTOR, f"#machine [data-figure='{kind}'] .amount").text

    page.wait("the machine's processors to be told", lambda _: " of " in machine("processors"), LIVE_DEADLINE)
    told = machine("processors")
    # A machine with nothing to do tells the same figure for ever.
    speaking.run(["systemd-run", "--quiet", "--unit=test-busy", "sh", "-c", "while :; do :; done"])
    try:
        page.wait("the processors to be told anew", lambda _: machine("processors") not in ("", told), LIVE_DEADLINE)
    finally:
        speaking.run(["systemctl", "stop", "test-busy.service"])
    uses = page.driver.find_element(By.CSS_SELECTOR, "tr[data-server='alice'] .uses span + span")
    page.wait("what alice's server uses", lambda _: "CPU" in uses.text and "in a moment" not in uses.text, LIVE_DEADLINE)
    assert state("alice") == "running"
    idle = "tr[data-server='alice'] .idle"
    page.wait(
        "what becomes of alice's idle server",
        lambda d: any("asleep in " in found.text for found in d.find_elements(By.CSS_SELECTOR, idle)), LIVE_DEADLINE,
    )
    speaking.run(["systemctl", "stop", "jupyter@alice.service"])
    page.wait("alice's server to be stopped on the page", lambda _: state("alice") == "stopped", LIVE_DEADLINE)
    page.wait("the button that starts it", lambda d: d.find_elements(By.CSS_SELECTOR, "[formaction='/hub/admin/start/alice']"))
    assert page.driver.find_element(By.CSS_SELECTOR, "tr[data-server='alice'] .uses").text.strip() == ""
    assert [found.text for found in page.driver.find_elements(By.CSS_SELECTOR, idle) if found.text] == []
    assert page.driver.execute_script("return window.sameDocument") is True
    assert page.find("#names").get_attribute("value") == "half a na", "what was being typed is still there"
