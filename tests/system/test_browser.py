"""The main job, by a real browser: log in, JupyterLab, a cell, a terminal, log out."""
import hashlib

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.browser import LAB_DEADLINE
from harness.lab_page import OUTPUT_DEADLINE, SOCKETS_OPEN, launch, open_lab, open_notebook
from harness.people import PASSWORDS
from harness.wait import wait_for

TRANSFER_DEADLINE = 120.0

# Chunks of a megabyte by the contents API, as JupyterLab's uploader sends a large file; then the file as one download.
TRANSFER = """
const [base, name, megabytes, done] = arguments;
const hex = async bytes => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))]
  .map(byte => byte.toString(16).padStart(2, '0')).join('');
const base64 = chunk => new Promise(resolve => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.split(',')[1]);
  reader.readAsDataURL(new Blob([chunk]));
});
(async () => {
  const all = new Uint8Array(megabytes << 20), xsrf = document.cookie.match(/_xsrf=([^;]+)/)[1];
  for (let at = 0; at < all.length; at += 65536) crypto.getRandomValues(all.subarray(at, at + 65536));
  for (let number = 1; number <= megabytes; number++) {
    const content = await base64(all.subarray((number - 1) << 20, number << 20));
    const body = {type: 'file', format: 'base64', name, path: name, content, chunk: number < megabytes ? number : -1};
    const answer = await fetch(base + 'api/contents/' + name, {
      method: 'PUT', body: JSON.stringify(body), headers: {'X-XSRFToken': xsrf, 'Content-Type': 'application/json'},
    });
    if (!answer.ok) throw new Error('chunk ' + number + ': ' + answer.status);
  }
  const back = await (await fetch(base + 'files/' + name)).arrayBuffer();
  done([await hex(all), await hex(back)]);
})().catch(error => done([String(error), '']));
"""

def test_alice_logs_in_computes_in_a_cell_and_opens_a_terminal(hub, browser):
    page = open_lab(browser(hub), "alice")
    open_notebook(page)
    page.click(".jp-NotebookPanel .jp-Cell .cm-content")
    ActionChains(page.driver).send_keys("6*7").key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
    page.wait(
        "42 below the cell",
        lambda d: d.find_element(By.CSS_SELECTOR, ".jp-OutputArea-output pre").text.strip() == "42",
        OUTPUT_DEADLINE,
    )
    page.screenshot_of("lab-notebook")

    ActionChains(page.driver).key_down(Keys.CONTROL).key_down(Keys.SHIFT).send_keys("l").key_up(Keys.SHIFT).key_up(
        Keys.CONTROL
    ).perform()
    launch(page, "Start a new terminal session")
    page.click(".jp-Terminal .xterm-screen, .jp-Terminal canvas")
    ActionChains(page.driver).send_keys("id -un > ~/from-the-terminal; hostname >> ~/from-the-terminal\n").perform()
    written = hub.container.live_path("/home/alice/from-the-terminal")
    wait_for("the terminal's command", lambda: written.exists() and "hubd-test" in written.read_text(), OUTPUT_DEADLINE)
    assert written.read_text().split() == ["alice", "hubd-test"]
    page.screenshot_of("lab-terminal")


def test_200_megabytes_go_up_from_the_browser_as_jupyterlab_sends_them_and_down_intact(hub, browser):
    page = open_lab(browser(hub), "alice")
    page.driver.set_script_timeout(TRANSFER_DEADLINE)
    sent, received = page.driver.execute_async_script(TRANSFER, "/user/alice/", "large.bin", 200)
    arrived = hub.container.live_path("/home/alice/large.bin")
    assert arrived.stat().st_size == 200 << 20
    assert hashlib.sha256(arrived.read_bytes()).hexdigest() == sent == received
    arrived.unlink()


def test_logging_out_closes_access_for_every_open_tab(hub, browser):
    page = open_lab(browser(hub), "carol")
    launch(page, "Notebook")
    page.wait("open WebSockets", lambda d: d.execute_script(SOCKETS_OPEN) > 0, LAB_DEADLINE)
    lab_tab = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.open("/hub/home")
    page.click("#sign-out")
    page.wait("the login page", lambda _: page.path.startswith("/hub/login"))

    page.driver.switch_to.window(lab_tab)
    page.wait("every WebSocket of the lab to end", lambda d: d.execute_script(SOCKETS_OPEN) == 0, OUTPUT_DEADLINE)
    status = page.driver.execute_async_script(
        "const done = arguments[0]; fetch('/user/carol/api/contents').then(r => done(r.status), e => done(String(e)));"
    )
    assert status in (401, 403), status
    page.open("/user/carol/lab")
    page.wait("the login page", lambda _: page.path.startswith("/hub/login"))
    assert hub.is_up("carol"), "logging out leaves the server running"


def test_opening_a_stopped_server_offers_to_start_it_and_leads_there(hub, browser):
    page = browser(hub).login("alice", PASSWORDS["alice"])
    page.open("/user/alice/lab/tree/nothing.txt?x=1")
    page.click("#start-server")
    page.wait("the wanted page", lambda _: page.path == "/user/alice/lab/tree/nothing.txt", LAB_DEADLINE)


@pytest.mark.parametrize("languages, sign_in", [("zh-CN,zh", "登录"), ("en", "Sign in"), ("fr,en;q=0.5", "Sign in")])
def test_the_language_follows_the_browser(hub, browser, languages, sign_in):
    page = browser(hub, languages).open("/hub/login")
    assert page.find("#sign-in").text == sign_in


def test_the_language_switch_wins_over_the_browser_and_is_remembered(hub, browser):
    page = browser(hub, "en").open("/hub/login")
    page.click("[data-language='zh-CN']")
    page.wait("Chinese", lambda _: page.find("#sign-in").text == "登录")
    page.login("alice", PASSWORDS["alice"]).open("/hub/home")
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "zh-CN"
    page.click("[data-language='en']")
    page.wait("English", lambda d: d.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en")


def test_the_login_works_with_the_keyboard_alone(hub, browser):
    page = browser(hub).open("/hub/login")
    page.wait("the name field to have the focus", lambda d: d.switch_to.active_element.get_attribute("name") == "username")
    ActionChains(page.driver).send_keys("alice", Keys.TAB, PASSWORDS["alice"], Keys.ENTER).perform()
    page.wait("a page behind the login", lambda _: not page.path.startswith("/hub/login"))


def test_a_wrong_password_is_announced_and_keeps_the_name(hub, browser):
    page = browser(hub).open("/hub/login")
    page.find("input[name=username]").send_keys("alice")
    page.find("input[name=password]").send_keys("wrong")
    page.click("#sign-in")
    error = page.find("#login-error")
    assert error.get_attribute("role") == "alert" and error.text
    assert page.find("input[name=username]").get_attribute("value") == "alice"
    assert page.find("input[name=password]").get_attribute("value") == ""


def test_the_pages_break_no_content_security_policy(hub, browser):
    page = browser(hub).open("/hub/login")
    page.login("alice", PASSWORDS["alice"])
    for path in ("/hub/home", "/hub/nothing-here", "/user/alice/"):
        page.open(path)
    assert [line for line in page.messages() if "Content Security Policy" in line] == []
