"""One's own servers on the home page, in a real browser and in both languages: what they use, restart, log, colours,
a choice of profiles, a start that is called off, a start that fails."""
import contextlib
import re

import pytest

from harness.browser import LAB_DEADLINE
from harness.people import PASSWORDS
from harness.wait import wait_for

LANGUAGES = ["en", "zh-CN"]
WORDS = {
    "en": {"of": " of ", "journal": "Last lines", "alone": "no limits", "memory": "8 GB memory, 4 processors"},
    "zh-CN": {"of": " / ", "journal": "日志", "alone": "没有限制", "memory": "8 GB 内存，4 个处理器"},
}
PROFILES = """
[[profile]]
name = "small"
description = { en = "For everyday work.", zh-CN = "日常使用。" }
default = true
limits = { memory_max = "2G", cpu_quota = "100%" }
[[profile]]
name = "big"
description = { en = "For large data.", zh-CN = "处理大数据。" }
limits = { memory_max = "8G", cpu_quota = "400%" }
environment = { HOME_TEST = "big" }
[[profile]]
name = "nobody's"
allow = ["nobody"]
"""
CRASHES = """#!/usr/bin/python3
import no_such_module
"""
WAITS = "#!/bin/sh\nexec tail -f /dev/null\n"
TALKS = """#!/bin/sh
echo "reading the <b>environment</b>"
read -r _ < "$HOME/go-on"
echo "one more line"
exec tail -f /dev/null
"""


@pytest.fixture(params=LANGUAGES)
def person(request, module_hub, browser):
    """A browser of alice's in each language, and what is said in it."""
    page = browser(module_hub, request.param).login("alice", PASSWORDS["alice"])
    yield page, request.param
    module_hub.stop_all()
    module_hub.configure("")


def amount(page, kind, server=""):
    return page.driver.find_element(
        "css selector", f"[data-server='{server}'] [data-figure='{kind}'] .amount"
    ).text


@contextlib.contextmanager
def burner(hub, unit):
    """A process in the unit's control group that uses as much of a processor as it gets."""
    group = hub.container.show(unit, "ControlGroup")
    pid = int(hub.shell(
        "sh -c 'while :; do :; done' >/dev/null 2>&1 & "
        f"echo $! > /sys/fs/cgroup{group}/cgroup.procs; echo $!"
    ))
    try:
        yield
    finally:
        hub.run(["kill", str(pid)])


def running(page, hub):
    """The home page with the person's server running on it."""
    hub.start(hub.logged_in("alice"), "alice")
    page.open("/hub/home")
    page.wait_state("running")


def test_what_a_server_uses_is_on_the_page_and_moves_by_itself(person, module_hub):
    page, language = person
    running(page, module_hub)
    page.driver.execute_script("window.sameDocument = true")
    of = re.escape(WORDS[language]["of"])
    page.wait("a rate", lambda _: re.match(rf"[\d.]+{of}\d+", amount(page, "processors")))
    page.wait("a number of tasks", lambda _: re.match(r"\d+", amount(page, "tasks")))

    def used():
        return float(amount(page, "processors").split(WORDS[language]["of"])[0])

    page.wait("an idle server", lambda _: used() < 0.25, LAB_DEADLINE)
    with burner(module_hub, module_hub.unit("alice")):
        page.wait("a busy server", lambda _: used() > 0.25)
        value = page.driver.find_element("css selector", "[data-figure='processors'] meter").get_attribute("value")
        assert float(value) > 0
    assert page.driver.execute_script("return window.sameDocument"), "the page was not loaded again"


def test_restart_from_the_page_makes_a_new_run_with_the_page_following(person, module_hub):
    page, _ = person
    running(page, module_hub)
    before = module_hub.container.show(module_hub.unit("alice"), "InvocationID")
    page.click("#restart-server")
    wait_for(
        "another run",
        lambda: module_hub.container.show(module_hub.unit("alice"), "InvocationID") not in (before, ""), LAB_DEADLINE,
    )
    page.wait_state("running", LAB_DEADLINE)


def test_the_end_of_the_log_opens_on_the_page_and_all_of_it_on_its_own(person, module_hub):
    page, _ = person
    running(page, module_hub)
    page.click("#server-log summary")
    page.wait("lines of JupyterLab", lambda d: "jupyter" in d.find_element("css selector", "#server-log #journal").text.lower())
    page.click("#whole-log")
    page.wait("the page of the log", lambda _: page.path == "/hub/log/alice")
    assert "jupyter" in page.find("#journal").text.lower()


def test_an_idle_server_says_what_becomes_of_it_and_is_left_alone_on_request(person, module_hub):
    page, language = person
    running(page, module_hub)
    page.open("/hub/home")
    assert {"en": "Will be suspended in ", "zh-CN": "休眠"}[language] in page.find("#server-idle").text
    assert {"en": "8 h", "zh-CN": "8 小时"}[language] in page.find("#keep-server").text
    page.click("#keep-server")
    page.find("#keep-server[name=release]")
    until = page.find("#server-kept time")
    assert until.text == until.get_attribute("title") and ":" in until.text, "what lies ahead is told with date and hour"
    page.click("#keep-server[name=release]")
    page.find("#keep-server:not([name])")


def test_colours_are_kept_on_every_page(person, module_hub):
    page, _ = person
    page.appearance(dark=False)
    page.open("/hub/home")
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = page.driver.execute_script(colour)
    page.click("[data-theme='dark']")
    page.wait("dark", lambda d: d.execute_script(colour) != light)
    page.open("/hub/token")
    assert page.driver.execute_script(colour) != light
    page.appearance(dark=True)
    page.click("[data-theme='light']")
    page.wait("light, though the browser prefers dark", lambda d: d.execute_script(colour) == light)
    page.click("[data-theme='auto']")
    page.wait("dark again", lambda d: d.execute_script(colour) != light)


def test_a_start_that_crashes_shows_its_traceback(person, module_hub):
    page, language = person
    module_hub.container.write("/usr/local/bin/home-lab", CRASHES, 0o755)
    module_hub.configure('[server]\ncommand = ["/usr/local/bin/home-lab"]\n')
    page.open("/hub/home").click("#start-server")
    page.find("#spawn-error", LAB_DEADLINE)
    shown = page.find("#journal").text
    assert "Traceback (most recent call last)" in shown and "No module named 'no_such_module'" in shown
    assert WORDS[language]["journal"] in page.find("#journal-title").text


def test_a_start_shows_its_lines_as_they_come(person, module_hub):
    page, _ = person
    module_hub.container.write("/usr/local/bin/home-lab", TALKS, 0o755)
    # The test says when the second line comes.
    module_hub.shell("rm -f /home/alice/go-on; mkfifo /home/alice/go-on; chown alice /home/alice/go-on")
    module_hub.configure('[server]\ncommand = ["/usr/local/bin/home-lab"]\n')
    page.open("/hub/home").click("#start-server")
    page.find("#progress")

    def shown():
        return page.driver.find_element("css selector", "#journal").text

    page.wait("the first line", lambda _: "reading the <b>environment</b>" in shown(), LAB_DEADLINE)
    assert "one more line" not in shown()
    module_hub.shell("echo go > /home/alice/go-on")
    page.wait("what came later", lambda _: "one more line" in shown(), LAB_DEADLINE)
    page.click("#stop-server")
    page.wait("the home page", lambda _: page.path == "/hub/home")
    page.wait_state("stopped", LAB_DEADLINE)


def test_a_start_under_way_can_be_called_off(person, module_hub):
    page, _ = person
    module_hub.container.write("/usr/local/bin/home-lab", WAITS, 0o755)
    module_hub.configure('[server]\ncommand = ["/usr/local/bin/home-lab"]\n')
    page.open("/hub/home").click("#start-server")
    page.find("#progress")
    page.click("#stop-server")
    page.wait("the home page", lambda _: page.path == "/hub/home")
    page.wait_state("stopped", LAB_DEADLINE)
    assert module_hub.running_units() == {}


def test_profiles_are_cards_and_the_choice_is_kept(person, module_hub):
    page, language = person
    module_hub.configure(PROFILES)
    page.open("/hub/home").click("#start-server")
    page.find("#choice")
    cards = page.driver.find_elements("css selector", ".profile")
    assert len(cards) == 2, [card.text for card in cards]
    assert WORDS[language]["memory"] in cards[1].text
    chosen = "return document.querySelector('[name=profile]:checked').value"
    page.click(".profile:has([value='big'])")
    assert page.driver.execute_script(chosen) == "big"
    page.click("#start-server")
    page.wait("JupyterLab", lambda _: page.path.startswith("/user/alice/"), LAB_DEADLINE)
    environment = module_hub.container.show(module_hub.unit("alice"), "Environment")
    assert "HOME_TEST=big" in environment
    client = module_hub.logged_in("alice")
    module_hub.stop(client, "alice")
    page.open("/hub/spawn")
    page.find("#choice")
    assert page.driver.execute_script(chosen) == "big", "as last time"
