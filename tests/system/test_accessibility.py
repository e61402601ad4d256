"""Pages by keyboard alone, without JavaScript, and how light and quick they are. What axe-core finds, the pictures tell."""
import statistics

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.browser import LAB_DEADLINE, Browser
from harness.people import PASSWORDS

# Bytes of a page with everything it loads.
WEIGHT_MAX = 60_000
# A page of the hub is painted at most this many times later than a bare text of the same hub.
SLOWER_MAX = 12
LOADS = 7
PAGES = ["/hub/home", "/hub/token", "/hub/admin", "/hub/admin/user/boss", "/hub/admin/groups", "/hub/nothing-here",
         "/user/boss/lab", "/hub/spawn"]

# What the Tab key reaches: every control that is shown and not switched off, in the order of the page.
REACHABLE = """
const controls = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]';
const radios = new Set();
return [...document.querySelectorAll(controls)].filter(e => {
  if (e.tabIndex < 0 || e.disabled || !e.checkVisibility({visibilityProperty: true})) return false;
  if (e.closest('details:not([open])') && !e.matches('summary')) return false;
  if (e.type !== 'radio') return true;
  if (radios.has(e.name)) return false;
  radios.add(e.name);
  return true;
}).length;
"""
FOCUSED = """
const e = document.activeElement;
if (!e || e === document.body) return null;
const style = getComputedStyle(e), box = e.getBoundingClientRect();
const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
const all = [...document.querySelectorAll('*')];
return {at: all.indexOf(e), name: e.id || e.name || e.textContent.trim().slice(0, 40), ring: ring || style.boxShadow !== 'none',
  seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
"""
WEIGHT = """
const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
return entries.filter(e => !e.name.includes('/events')).map(e => [e.name, e.transferSize]);
"""
PAINTED = "const paint = performance.getEntriesByName('first-paint')[0]; return paint ? paint.startTime : null;"


@pytest.fixture(scope="module")
def machine(module_hub):
    module_hub.configure("[login]\ncreate_system_users = true\n[server]\nnamed_limit = 2\n")
    return module_hub


def walk(page, path):
    """Presses Tab from the top of a page to its end; every control is reached once, in order, and shows that it has the focus."""
    page.open(path)
    # Some pages put the focus into their first field.
    page.driver.execute_script("document.querySelector('.skip').focus()")
    expected = page.driver.execute_script(REACHABLE)
    places = []
    for number in range(expected):
        if number > 0:
            ActionChains(page.driver).send_keys(Keys.TAB).perform()
        page.wait("the focus to be seen", lambda d: (d.execute_script(FOCUSED) or {}).get("seen"))
        found = page.driver.execute_script(FOCUSED)
        assert found["ring"], f"{path}: no ring around {found['name']}"
        places.append(found["at"])
    assert places == sorted(set(places)), f"{path}: in another order than on the page"
    return places


def test_every_control_is_reached_by_tab_in_order_and_shows_its_focus(machine, browser):
    page = browser(machine)
    assert len(walk(page, "/hub/login")) >= 7
    page.login("boss", PASSWORDS["boss"])
    for path in ("/hub/home", "/hub/token", "/hub/admin", "/hub/admin/user/boss", "/hub/spawn"):
        assert len(walk(page, path)) >= 8, path


@pytest.mark.parametrize("path", ["/hub/home", "/hub/token", "/hub/admin"])
def test_the_first_tab_offers_to_skip_to_the_content(machine, browser, path):
    page = browser(machine).login("boss", PASSWORDS["boss"]).open(path)
    page.driver.execute_script("document.activeElement.blur()")
    ActionChains(page.driver).send_keys(Keys.TAB).perform()
    page.wait("the link to be seen", lambda d: (d.execute_script(FOCUSED) or {}).get("seen"))
    assert page.driver.switch_to.active_element.get_attribute("class") == "skip"
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.wait("the content to have the focus", lambda d: d.switch_to.active_element.get_attribute("id") == "content")
    ActionChains(page.driver).send_keys(Keys.TAB).perform()
    assert page.driver.execute_script("return document.getElementById('content').contains(document.activeElement)")


def test_a_token_is_made_and_revoked_with_the_keyboard_alone(machine, browser):
    page = browser(machine).login("alice", PASSWORDS["alice"]).open("/hub/token")

    def tab_to(selector):
        wanted = page.driver.find_element(By.CSS_SELECTOR, selector)
        for _ in range(60):
            ActionChains(page.driver).send_keys(Keys.TAB).perform()
            if page.driver.switch_to.active_element == wanted:
                return
        raise AssertionError(f"Tab never comes to {selector}")

    tab_to("#note")
    ActionChains(page.driver).send_keys("by keyboard").perform()
    tab_to("#make-token")
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.find("#token-secret")
    tab_to("#tokens button.danger")
    ActionChains(page.driver).send_keys(Keys.SPACE).perform()
    page.find("#token-success")


@pytest.fixture
def scriptless(machine):
    """A browser that runs no script."""
    with Browser(machine.container, script=False) as made:
        yield made


def test_everything_works_without_javascript(machine, scriptless):
    page = scriptless
    address = page.address
    page.open("/hub/login")
    page.find("input[name=username]").send_keys("carol")
    page.find("input[name=password]").send_keys(PASSWORDS["carol"])
    page.click("#sign-in")
    page.wait("a page behind the login", lambda _: not address().startswith("/hub/login"))
    page.open("/hub/home").click("[data-language='zh-CN']")
    page.wait("Chinese", lambda d: d.find_element(By.TAG_NAME, "html").get_attribute("lang") == "zh-CN")
    page.click("[data-language='en']")
    page.open("/hub/token")
    page.find("#note").send_keys("without a script")
    page.click("#make-token").find("#token-secret")
    page.open("/hub/home").click("#start-server")
    page.wait("the server, by pages that load themselves again", lambda _: address().startswith("/user/carol/"), LAB_DEADLINE)
    page.open("/hub/home").click("#stop-server")
    page.wait("the stopped server", lambda _: page.open("/hub/home").server_state() == "stopped", LAB_DEADLINE)
    page.click("#sign-out")
    page.wait("the login page", lambda _: address().startswith("/hub/login"))


def test_the_administration_works_without_javascript(machine, scriptless):
    page = scriptless
    page.open("/hub/login")
    page.find("input[name=username]").send_keys("boss")
    page.find("input[name=password]").send_keys(PASSWORDS["boss"])
    page.click("#sign-in")
    page.wait("a page behind the login", lambda _: not page.address().startswith("/hub/login"))
    page.open("/hub/admin")
    page.find("#names").send_keys("noscript")
    page.click("#add-people").find("#passwords")
    page.open("/hub/admin/user/noscript/delete")
    page.click("input[name=account]").click("input[name=home]").click("#agree").find("#people")
    assert machine.run(["id", "noscript"], check=False).returncode != 0


def test_every_page_with_all_it_loads_is_light(machine, browser, figure):
    page = browser(machine)
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})

    def weight(path):
        page.open(path)
        page.wait("the page to be complete", lambda d: d.execute_script("return document.readyState") == "complete")
        parts = page.driver.execute_script(WEIGHT)
        total = sum(size for _, size in parts)
        assert 0 < total < WEIGHT_MAX, f"{path}: {total} bytes: {parts}"
        return total

    weights = {"/hub/login": weight("/hub/login")}
    page.login("boss", PASSWORDS["boss"])
    weights.update({path: weight(path) for path in PAGES})
    heaviest = max(weights, key=weights.get)
    figure("heaviest page with all it loads", f"{weights[heaviest] / 1000:.1f} kB ({heaviest})")


def test_pages_are_painted_about_as_soon_as_a_bare_text(machine, browser, figure):
    page = browser(machine).login("boss", PASSWORDS["boss"])

    def painted(path):
        times = []
        for _ in range(LOADS):
            page.open(path)
            page.wait("the first paint", lambda d: d.execute_script(PAINTED) is not None)
            times.append(page.driver.execute_script(PAINTED))
        return statistics.median(times)

    bare = painted("/robots.txt")
    for path in ("/hub/home", "/hub/token", "/hub/admin"):
        median = painted(path)
        figure(f"first paint of {path}", f"{median:.0f} ms (a bare text: {bare:.0f} ms)")
        assert median < max(bare, 10) * SLOWER_MAX, f"{path}: {median} ms, a bare text {bare} ms"
