"""An idle tab of a real browser: its server sleeps on, and the person notices nothing of it.

It takes more than five minutes, most of them waiting, so `tests/run` has it run beside the other tests.
"""
import time

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import bookworm
from harness.browser import LAB_DEADLINE
from harness.container import Container
from harness.hub import Hub
from harness.lab_page import SOCKETS_OPEN, open_lab, open_notebook, run_cell
from harness.wait import wait_for

# Every request that the page makes by itself or for the person: when, how and of what.
WATCH_REQUESTS = """
window.hubdTestRequests = [];
const fetched = window.fetch;
window.fetch = function (input, init) {
  const method = (init && init.method) || input.method || 'GET';
  const entry = {at: Date.now(), method, url: new URL(input.url || input, location).pathname, status: 0};
  window.hubdTestRequests.push(entry);
  return fetched.apply(this, arguments).then(answer => { entry.status = answer.status; return answer; });
};
"""
IDLE_TAB = 300.0
QUIET = 15.0


def requests_since(page, moment):
    """What the page asked for since then, in the browser's own time; `moment` 0 is since it was loaded."""
    return [entry for entry in page.driver.execute_script("return window.hubdTestRequests") if entry["at"] > moment]


def saved(page):
    """Whether the notebook is saved; the first time JupyterLab asks for its name."""
    for button in page.driver.find_elements(By.CSS_SELECTOR, ".jp-Dialog .jp-mod-accept"):
        button.click()
    dirty = page.driver.find_elements(By.CSS_SELECTOR, "#jp-main-dock-panel .jp-mod-dirty")
    return not dirty and any(entry["method"] == "PUT" and entry["url"].endswith(".ipynb")
                             for entry in requests_since(page, 0))


@pytest.fixture(params=["Debian 13", "an environment of Debian 12"])
def machine(request, deb, layers):
    """The distribution's JupyterLab, and the newest one, which `hubctl env create` installs."""
    made = bookworm.layers(deb) if request.param.startswith("an") else layers
    with Container(made, "idle-tab") as booted:
        yield Hub(booted)


def test_an_idle_tab_leaves_its_server_asleep_for_five_minutes_and_works_at_the_next_click(machine, browser, figure, request):
    hub = machine
    page = browser(hub)
    page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_REQUESTS})
    open_lab(page, "alice")
    open_notebook(page)
    run_cell(page, "kept = 6 * 7; print('ready')", "ready")
    # What is not saved is saved by JupyterLab after a while, which is a write like any other.
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("s").key_up(Keys.CONTROL).perform()
    page.wait("a saved notebook", lambda d: saved(page), LAB_DEADLINE)

    def quiet(driver):
        entries = requests_since(page, 0)
        # JupyterLab 4.6 saves its layout every ten seconds, changed or not.
        written = [entry["at"] for entry in entries if entry["method"] != "GET" and "/lab/api/workspaces/" not in entry["url"]]
        return driver.execute_script("return Date.now()") - max(written, default=0) > QUIET * 1000
    page.wait("a page that writes nothing any more", quiet, LAB_DEADLINE)
    sockets = page.driver.execute_script("return window.hubdTestSockets.length")
    wait_for(
        "the server to be suspended", lambda: hub.run(["hubctl", "suspend", "alice"], check=False).returncode == 0, QUIET
    )
    began, started = page.driver.execute_script("return Date.now()"), time.monotonic()
    while time.monotonic() - started < IDLE_TAB:
        state = hub.container.show("jupyter@alice.service", "FreezerState")
        asked = [(entry["method"], entry["url"], entry["status"]) for entry in requests_since(page, began)]
        assert state == "frozen", f"woken after {time.monotonic() - started:.0f} s; the page asked for {asked[-12:]}"
        assert not page.driver.find_elements(By.CSS_SELECTOR, ".jp-Dialog"), "an open tab shows no error"
        page.driver.execute_async_script("setTimeout(arguments[0], 5000)")
    told = requests_since(page, began)
    assert len(told) > 30, "the tab went on asking"
    assert {entry["status"] for entry in told} <= {0, 200, 204, 304}, told
    assert page.driver.execute_script("return window.hubdTestSockets.length") == sockets, "no connection was made anew"
    assert page.driver.execute_script(SOCKETS_OPEN) > 0
    names = sorted({entry["url"].removeprefix("/user/alice/") for entry in told})
    which = request.node.callspec.id
    figure(f"an idle tab of {which}, five minutes asleep", f"{len(told)} requests told from memory: {', '.join(names)}")

    clicked = time.monotonic()
    run_cell(page, "print(kept)", "42")
    figure("the first click after five minutes, to the output of a cell", f"{time.monotonic() - clicked:.1f} s")
    assert hub.container.show("jupyter@alice.service", "FreezerState") == "running"
    assert page.driver.execute_script("return window.hubdTestSockets.length") == sockets
    assert not page.driver.find_elements(By.CSS_SELECTOR, ".jp-Dialog")
