"""Logging in where PAM wants more than a password: one-time codes, new passwords, and what PAM has to say."""
import pytest

from harness import oath, package, pam
from harness.container import Container
from harness.http import REDIRECTS
from harness.hub import Hub
from harness.people import PASSWORDS
from harness.wait import wait_for

NEW = "pw-new-Gk4Zt8mQ"
FIELDS = ("_xsrf", "next", "conversation", "step")
GONE_DEADLINE = 20.0


@pytest.fixture(scope="module")
def machine(deb):
    with Container(package.installed(deb, below=oath.layers(), label="installed-oath"), "oath") as made:
        made.write(oath.USERS, oath.users("alice", "bob", "boss"), 0o600)
        yield Hub(made)


@pytest.fixture
def codes(machine):
    with pam.stack(machine, oath.STACK) as hub:
        yield hub


def reply(client, page, answer):
    """Sends the form of a question."""
    assert page.status == 200, f"{page.status}: {page.element('login-error') or page.text[:800]}"
    fields = {name: page.input(name, form="login-step") for name in FIELDS}
    return client.post_form("/hub/login", {**fields, "answer": answer})


def is_in(answer):
    assert answer.status in REDIRECTS, f"{answer.status}: {answer.element('login-error') or answer.text[:1500]}"
    assert any("jupyterhub-hub-login" in line for line in answer.headers.get_all("Set-Cookie"))


def processes(hub):
    return hub.run(["systemctl", "list-units", "--plain", "--no-legend", "hub-login@*"]).stdout.strip()


def test_a_one_time_code_is_asked_for_after_the_password(codes):
    client = codes.client()
    page = client.try_login("bob", PASSWORDS["bob"])
    assert "One-time password (OATH)" in page.text and 'autocomplete="one-time-code"' in page.text
    assert "UTC" in page.element("login-deadline")
    assert client.get("/hub/home").status in REDIRECTS, "not in yet"
    is_in(reply(client, page, oath.code(0)))
    assert client.get("/hub/home").status == 200


def test_a_code_that_was_used_or_is_wrong_lets_nobody_in(codes):
    client = codes.client()
    is_in(reply(client, client.try_login("alice", PASSWORDS["alice"]), oath.code(0)))
    for bad in (oath.code(0), "000000", ""):
        client = codes.client()
        answer = reply(client, client.try_login("alice", PASSWORDS["alice"]), bad)
        assert answer.status == 403 and answer.element("login-error"), bad
        assert not client.cookie("jupyterhub-hub-login")


def test_a_wrong_password_is_not_asked_for_a_code(codes):
    answer = codes.client().try_login("bob", "not the password")
    assert answer.status == 403 and answer.element("login-error")


def test_the_api_takes_password_and_code_at_once(codes):
    auth = {"username": "boss", "password": PASSWORDS["boss"]}
    assert codes.client().api("POST", "/users/boss/tokens", {"auth": auth}).status == 403
    answer = codes.client().api("POST", "/users/boss/tokens", {"auth": {**auth, "otp": oath.code(0)}})
    assert answer.status == 201, answer.text


def test_a_login_that_is_left_frees_its_process_when_the_browser_starts_again(codes):
    client = codes.client()
    first = client.try_login("bob", PASSWORDS["bob"])
    assert len(processes(codes).splitlines()) == 1
    second = client.try_login("bob", PASSWORDS["bob"])
    wait_for("the first login's process to be gone", lambda: len(processes(codes).splitlines()) == 1, GONE_DEADLINE)
    late = reply(client, first, oath.code(1))
    assert late.status == 403 and late.element("login-error")
    is_in(reply(client, second, oath.code(1)))
    wait_for("the second login's process to be gone", lambda: not processes(codes), GONE_DEADLINE)


def test_the_question_has_the_focus_and_the_time_that_is_left_is_counted_down(codes, browser):
    page = browser(codes).open("/hub/login")
    page.find("input[name=username]").send_keys("bob")
    page.find("input[name=password]").send_keys(PASSWORDS["bob"])
    page.click("#sign-in")
    page.wait("the question to have the focus", lambda d: d.switch_to.active_element.get_attribute("id") == "answer")
    page.wait("the clock to run", lambda _: page.find("#login-deadline").text.startswith("Time left: 0:5"))
    page.click("[data-language='zh-CN']")
    page.wait("the same question in Chinese", lambda d: d.find_element("tag name", "html").get_attribute("lang") == "zh-CN")
    page.find("#answer").send_keys(oath.code(2))
    page.click("#go-on")
    page.wait("a page behind the login", lambda _: not page.path.startswith("/hub/login"))
    assert [line for line in page.messages() if "Content Security Policy" in line] == []


def test_an_expired_password_is_changed_on_the_spot_and_the_new_one_counts(machine):
    machine.run(["chage", "--lastday", "0", "carol"])
    client = machine.client()
    page = client.try_login("carol", PASSWORDS["carol"])
    assert "expired" in page.text and "New password" in page.text, page.text
    for bad in ("x", PASSWORDS["carol"]):
        page = reply(client, reply(client, page, bad), bad)
        assert ">New password<" in page.text and 'role="alert"' in page.text, page.text
    page = reply(client, page, NEW)
    assert ">Retype new password<" in page.text, page.text
    is_in(reply(client, page, NEW))
    assert client.get("/hub/home").status == 200
    is_in(machine.client().try_login("carol", NEW))
    assert machine.client().try_login("carol", PASSWORDS["carol"]).status == 403
    journal = "\n".join(str(entry) for entry in machine.container.journal())
    assert NEW not in journal and PASSWORDS["carol"] not in journal


def test_an_expired_password_is_not_changed_by_who_does_not_know_it(machine):
    answer = machine.client().try_login("frank", "not the password")
    assert answer.status == 403 and answer.element("login-error")


def test_faillock_says_how_long_an_account_stays_locked(machine):
    with pam.stack(machine, pam.FAILLOCK) as hub:
        for _ in range(2):
            assert hub.client().try_login("alice", "not the password").status == 403
        answer = hub.client().try_login("alice", PASSWORDS["alice"])
        assert answer.status == 403
        assert "locked due to 2 failed logins" in answer.text and "10 minutes left to unlock" in answer.text, answer.text
        hub.run(["faillock", "--user", "alice", "--reset"])
        is_in(hub.client().try_login("alice", PASSWORDS["alice"]))
