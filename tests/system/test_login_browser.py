"""Logging in as a person sees it, in both languages: codes, new passwords, locked accounts, time that runs out, going back."""
import contextlib
import tomllib
from urllib.parse import quote

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

from harness import oath, package, pam, paths
from harness.browser import ADDRESS, Browser
from harness.container import Container
from harness.hub import Hub
from harness.people import PASSWORDS
from harness.wait import wait_for

NEW = "pw-new-Fh3Wq7Zc"
LANGUAGES = {"en": "en", "zh-CN": "zh-CN,zh"}
# What Linux-PAM says, by its own catalogs.
PAM_SAYS = {
    "en": {"change": "required to change your password", "different": "do not match", "locked": "locked", "left": "10 minutes left to unlock"},
    "zh-CN": {"change": "您必须立即更改密码", "different": "密码不匹配", "locked": "此帐户已锁定", "left": "10 分钟后解锁"},
}
# The hub waits 60 s for an answer.
OVER_DEADLINE = 100.0
both = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def machine(deb):
    with Container(package.installed(deb, below=oath.layers(), label="installed-oath"), "login-browser") as made:
        # PAM speaks the languages whose locales a machine has.
        made.run(["localedef", "--inputfile=zh_CN", "--charmap=UTF-8", "zh_CN.UTF-8"])
        yield Hub(made)


@pytest.fixture
def codes(machine):
    """One-time codes, whose counters begin anew."""
    machine.container.write(oath.USERS, oath.users("alice", "bob", "boss"), 0o600)
    with pam.stack(machine, oath.STACK) as hub:
        yield hub


def words(language):
    """The texts of the login pages in a language."""
    return tomllib.loads((paths.REPOSITORY / f"src/hub/locales/{language}.toml").read_text())["login"]


def sign_in(page, user, password, address="/hub/login"):
    page.open(address)
    page.find("input[name=username]").send_keys(user)
    page.find("input[name=password]").send_keys(password)
    return page.click("#sign-in")


def is_in(page, language):
    page.wait("a page behind the login", lambda _: not page.path.startswith("/hub/login"))
    assert page.driver.current_url.startswith(ADDRESS + "/"), page.driver.current_url
    page.open("/hub/home").find("#sign-out")
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == language


@both
def test_a_code_is_asked_for_and_sending_it_twice_or_going_back_does_no_harm(codes, browser, language):
    page = sign_in(browser(codes, LANGUAGES[language]), "alice", PASSWORDS["alice"], "/hub/login?next=%2Fhub%2Ftoken")
    assert page.find("#answer").get_attribute("autocomplete") == "one-time-code"
    page.wait("the clock", lambda _: words(language)["left"].split("{")[0] in page.find("#login-deadline").text)
    page.driver.back()
    page.find("#sign-in")
    sign_in(page, "alice", PASSWORDS["alice"], "/hub/login?next=%2Fhub%2Ftoken")
    page.find("#answer").send_keys(oath.code(0))
    ActionChains(page.driver).double_click(page.find("#go-on")).perform()
    page.wait("the page that was wanted", lambda _: page.path == "/hub/token")
    page.driver.back()
    is_in(page, language)


@both
def test_a_wrong_code_is_told_and_asks_for_everything_again(codes, browser, language):
    page = sign_in(browser(codes, LANGUAGES[language]), "bob", PASSWORDS["bob"])
    page.find("#answer").send_keys("000000")
    page.click("#go-on")
    assert page.find("#login-error").text == words(language)["refused"]
    assert page.find("input[name=username]").get_attribute("value") == "bob"


@both
def test_an_expired_password_is_changed_on_the_page(machine, browser, language):
    user = f"expired-{language.lower()}"
    machine.run(["useradd", "--create-home", "--shell", "/bin/bash", user])
    machine.run(["chpasswd"], stdin=f"{user}:{PASSWORDS['carol']}\n")
    machine.run(["chage", "--lastday", "0", user])
    page = sign_in(browser(machine, LANGUAGES[language]), user, PASSWORDS["carol"])

    def answer(text, label):
        field = page.find("#answer")
        assert page.find("label[for=answer]").text == label and field.get_attribute("type") == "password"
        field.send_keys(text)
        page.click("#go-on")
        page.wait("the next page", lambda d: not d.find_elements(By.CSS_SELECTOR, "#answer")
                  or d.find_element(By.CSS_SELECTOR, "label[for=answer]").text != label)

    says = PAM_SAYS[language]
    assert says["change"] in page.find(".notice").text
    current, first, second = (words(language)[key] for key in ("current-password", "new-password", "retype-password"))
    answer(NEW, first)
    assert page.find("label[for=answer]").text == second
    answer("something else", second)
    differ = page.find(".notice.error")
    assert differ.get_attribute("role") == "alert" and says["different"] in differ.text, differ.text
    answer(PASSWORDS["carol"], current)
    answer(NEW, first)
    answer(NEW, second)
    is_in(page, language)
    machine.logged_in(user, NEW)


@both
def test_a_locked_account_is_told_for_how_long(machine, browser, language):
    with pam.stack(machine, pam.FAILLOCK) as hub:
        page = browser(hub, LANGUAGES[language])
        for _ in range(2):
            sign_in(page, "eve", "not the password").find("#login-error")
        sign_in(page, "eve", PASSWORDS["eve"]).find("#login-error")
        said = " ".join(notice.text for notice in page.driver.find_elements(By.CSS_SELECTOR, ".said"))
        assert PAM_SAYS[language]["locked"] in said and PAM_SAYS[language]["left"] in said, said
        page.screenshot_of(f"login-locked-{language}")
        hub.run(["faillock", "--user", "eve", "--reset"])


def test_the_end_of_the_time_is_seen_and_a_late_answer_begins_anew(codes):
    with contextlib.ExitStack() as stack_of:
        pages = {code: stack_of.enter_context(Browser(codes.container, wanted)) for code, wanted in LANGUAGES.items()}
        for (code, page), user in zip(pages.items(), ("alice", "bob")):
            sign_in(page, user, PASSWORDS[user]).find("#answer")
        for code, page in pages.items():
            over = page.find("#login-deadline").get_attribute("data-over")
            page.wait("the clock's end", lambda _, p=page, o=over: p.find("#login-deadline").text == o, OVER_DEADLINE)
            page.screenshot_of(f"login-over-{code}")
        # The hub's own clock began a little later than the page's, or earlier.
        running = ["systemctl", "list-units", "--plain", "--no-legend", "hub-login@*"]
        wait_for("the logins to be given up", lambda: not codes.run(running).stdout.strip(), OVER_DEADLINE)
        for page in pages.values():
            page.find("#answer").send_keys(oath.code(0))
            page.click("#go-on").find("#login-error")
            page.find("#sign-in")


@pytest.mark.parametrize("following", ["https://example.org/", "//example.org/", "/\\example.org/", "javascript:alert(1)",
                                       "/hub/../../../example", "/hub/login/../home"])
def test_next_leads_nowhere_but_into_the_hub(machine, browser, following):
    page = sign_in(browser(machine), "alice", PASSWORDS["alice"], f"/hub/login?next={quote(following, safe='')}")
    is_in(page, "en")
