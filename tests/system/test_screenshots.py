"""Pictures of every page in both languages, light and dark, wide and narrow, for people to look at.

Each picture also proves what a machine can judge: the page is in the language asked for, fits the
width without sideways scrolling, has no text key left where a sentence should be, and breaks no rule
of WCAG 2.2 AA that axe-core knows.
"""
import contextlib
import re

import pytest

from harness import axe
from harness.browser import Browser
from harness.people import PASSWORDS
from harness.paths import SCREENSHOTS

LANGUAGES = {"en": "en-US,en", "zh-CN": "zh-CN,zh"}
WIDTHS = (1100, 360)
# The pictures of docs/pages.md: name, language, dark.
DOCS = {
    ("login", "en", False), ("login-new-password", "zh-CN", False), ("home-running", "en", False),
    ("spawn-pending", "zh-CN", True), ("tokens", "en", True), ("admin", "en", False), ("admin-user", "zh-CN", False),
}
FAILING = "#!/bin/sh\necho 'Traceback (most recent call last):'\necho 'ModuleNotFoundError: jupyterlab'\nexit 3\n"
PROFILES = """
[[profile]]
name = "usual"
description = { en = "For every day", zh-CN = "日常使用" }
limits = { memory_max = "2G", cpu_quota = "100%" }

[[profile]]
name = "big"
description = { en = "For training models", zh-CN = "用于训练模型" }
limits = { memory_max = "8G", cpu_quota = "400%", tasks_max = 4096 }
"""
CLASSROOM = """
[server]
named_limit = 2

[[service]]
name = "reports"
command = ["/usr/bin/tail", "-f", "/dev/null"]
"""
NEVER = "#!/bin/sh\nexec tail -f /dev/null\n"
OVERFLOW = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter(e => {
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  if (box.width === 0 || e.closest('pre, details:not([open])') || e.closest('.skip, .unseen, .table')) return false;
  return style.position !== 'fixed' && box.right > wide + 1;
}).map(e => e.tagName + '#' + e.id + '.' + e.className).slice(0, 5);
"""


@pytest.fixture(scope="module")
def pages(module_hub):
    """One browser for each language, both logged out; on a machine where PAM can speak both, too."""
    module_hub.run(["localedef", "--inputfile=zh_CN", "--charmap=UTF-8", "zh_CN.UTF-8"])
    with contextlib.ExitStack() as stack:
        yield {code: stack.enter_context(Browser(module_hub.container, wanted)) for code, wanted in LANGUAGES.items()}


def picture(pages, name, path=None, shows=None):
    """Takes the eight pictures of a page; without a path, of what the browsers show now. `shows`: what comes later."""
    for code, page in pages.items():
        if path is not None:
            page.open(path)
        if shows is not None:
            page.find(shows)
        for width in WIDTHS:
            for dark in (False, True):
                page.appearance(dark, width)
                assert page.driver.execute_script("return document.documentElement.lang") == code
                assert page.driver.execute_script(OVERFLOW) == [], f"{name} {code} is wider than {width}"
                text = page.driver.find_element("tag name", "body").text
                assert not re.search(r"\b(login|home|state|progress|failure|error|frame|admin|logs|logins|live|held|connections|bulk|services)\.[a-z-]{3,}\b", text), text
                broken = axe.violations(page.still().driver)
                assert broken == [], f"{name} {code} {'dark' if dark else 'light'} {width}: " + "\n".join(broken)
                if width == WIDTHS[0] and (name, code, dark) in DOCS:
                    page.screenshot_for_docs(f"{name}-{code}-{'dark' if dark else 'light'}")
                page.screenshot(SCREENSHOTS / f"{name}-{code}-{'dark' if dark else 'light'}-{width}.png")
        page.appearance()


def login(pages, user):
    for page in pages.values():
        page.driver.delete_all_cookies()
        page.login(user, PASSWORDS[user])


def everywhere(pages, work):
    for page in pages.values():
        work(page)


def program(hub, text):
    hub.container.write("/usr/local/bin/picture-lab", text, 0o755)
    hub.configure('[server]\ncommand = ["/usr/local/bin/picture-lab"]\n')


def test_login_pages(pages, module_hub):
    picture(pages, "login", "/hub/login")

    def wrong(page):
        page.open("/hub/login")
        page.find("input[name=username]").send_keys("alice")
        page.find("input[name=password]").send_keys("wrong")
        page.click("#sign-in").find("#login-error")

    everywhere(pages, wrong)
    picture(pages, "login-refused")

    def expired(page):
        page.open("/hub/login")
        page.find("input[name=username]").send_keys("frank")
        page.find("input[name=password]").send_keys(PASSWORDS["frank"])
        page.click("#sign-in").find("#answer")

    everywhere(pages, expired)
    picture(pages, "login-new-password")

    def out(page):
        page.login("alice", PASSWORDS["alice"]).open("/hub/home")
        page.click("#sign-out")
        page.wait("the login page", lambda _: page.path.startswith("/hub/login"))

    everywhere(pages, out)
    picture(pages, "logged-out")


def test_home_and_stopped_pages(pages, module_hub):
    module_hub.configure("")
    login(pages, "boss")
    picture(pages, "home-stopped", "/hub/home")
    picture(pages, "stopped", "/user/boss/lab")
    module_hub.start(module_hub.logged_in("boss"), "boss")
    picture(pages, "home-running", "/hub/home")
    picture(pages, "log", "/hub/log/boss")
    module_hub.run(["hubctl", "suspend", "boss"])
    picture(pages, "home-suspended", "/hub/home")
    module_hub.stop_all()


def test_profiles_to_choose_from(pages, module_hub):
    module_hub.configure(PROFILES)
    login(pages, "alice")
    picture(pages, "spawn", "/hub/spawn/alice")
    module_hub.configure("")


def test_starting_and_failed_pages(pages, module_hub):
    program(module_hub, NEVER)
    login(pages, "alice")
    client = module_hub.logged_in("alice")
    module_hub.begin(client, "alice")
    picture(pages, "spawn-pending", "/hub/spawn-pending/alice", shows="#journal")
    picture(pages, "home-starting", "/hub/home")
    module_hub.stop(client, "alice")
    program(module_hub, FAILING)
    module_hub.request_start(client, "alice")
    assert module_hub.progress(client, "alice")[-1]["failed"] is True
    picture(pages, "spawn-failed", "/hub/spawn-pending/alice")
    picture(pages, "home-failed", "/hub/home")
    module_hub.configure("")


def test_named_servers_tokens_and_consent(pages, module_hub):
    module_hub.configure("[login]\nadmin_access = true\n[server]\nnamed_limit = 3\n")
    module_hub.run(["hubctl", "start", "boss:gpu"])
    module_hub.run(["hubctl", "token", "create", "boss", "--note", "backup script", "--expires", "30d"])
    login(pages, "boss")
    picture(pages, "home-named", "/hub/home")
    picture(pages, "tokens", "/hub/token")

    def make(page):
        page.open("/hub/token")
        page.find("#note").send_keys("notebook")
        page.click("#make-token").find("#token-secret")

    everywhere(pages, make)
    picture(pages, "token-made")
    module_hub.start(module_hub.logged_in("alice"), "alice")
    picture(pages, "consent", "/user/alice/lab")
    for page in pages.values():
        assert "/user/alice/" in page.find("#oauth-client").text
    module_hub.stop_all()
    module_hub.configure("")


def test_error_pages(pages, module_hub):
    login(pages, "alice")
    picture(pages, "error-404", "/hub/nothing-here")
    module_hub.start(module_hub.logged_in("bob"), "bob")
    picture(pages, "error-403", "/user/bob/lab")
    for page in pages.values():
        assert page.find("#error-status").text == "403" and page.find("#incident").text
    module_hub.stop_all()


def test_admin_pages(pages, module_hub):
    module_hub.configure(CLASSROOM)
    login(pages, "boss")
    client = module_hub.logged_in("boss")
    module_hub.start(client, "boss")
    module_hub.start(module_hub.logged_in("bob"), "bob")
    module_hub.run(["hubctl", "suspend", "bob"])
    assert client.api("POST", "/groups/students", {"users": ["alice", "bob"]}).status == 201
    assert client.api("PUT", "/groups/students/properties", {"room": "B 12", "course": "ML"}).status == 200
    picture(pages, "admin", "/hub/admin")
    picture(pages, "admin-user", "/hub/admin/user/boss")
    picture(pages, "admin-log", "/hub/admin/log/boss")
    picture(pages, "admin-groups", "/hub/admin/groups")
    picture(pages, "admin-group", "/hub/admin/group?name=students")
    picture(pages, "admin-services", "/hub/admin/services")
    picture(pages, "admin-delete", "/hub/admin/user/bob/delete")
    picture(pages, "admin-sessions", "/hub/admin/sessions")
    module_hub.client().try_login("alice", "wrong")
    module_hub.client().try_login("typed-in-the-wrong-field", "x")
    picture(pages, "admin-logins", "/hub/admin/logins")
    picture(pages, "admin-hub-log", "/hub/admin/hub-log")
    picture(pages, "admin-limits", "/hub/admin/limits/boss")
    picture(pages, "admin-start-all", "/hub/admin/start-all")
    picture(pages, "admin-stop-all", "/hub/admin/stop-all")
    picture(pages, "admin-shutdown", "/hub/admin/shutdown")

    def wrong(page):
        page.open("/hub/admin")
        page.find("#names").send_keys("nobody-is-called-so\n-x")
        page.click("#add-people").find("#admin-error")

    everywhere(pages, wrong)
    picture(pages, "admin-refused")
    module_hub.stop_all()
    module_hub.configure("")
