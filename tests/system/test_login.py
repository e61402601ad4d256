"""Logging in with the system password: who gets in, who does not, and what each of them is told."""
import statistics

import pytest

from harness.http import REDIRECTS
from harness.hub import at_once, timed
from harness.people import PASSWORDS
from harness.wait import wait_for

MANY = 200
MANY_DEADLINE = 120.0
USABLE_SECONDS = 5.0
SAME_CLASS = 3.0
HANG_RUNTIME = 3
HANG_DEADLINE = 20.0


def refusal(answer):
    """The sentence of a refused login, which must come with the form and no session."""
    sentence = answer.element("login-error")
    assert sentence, f"{answer.status}: no #login-error in {answer.text[:800]}"
    assert not any("jupyterhub-hub-login" in line for line in answer.headers.get_all("Set-Cookie") or [])
    return sentence


def test_the_right_password_opens_the_home_page(hub):
    client = hub.client()
    answer = client.try_login("alice", PASSWORDS["alice"])
    assert answer.status in REDIRECTS and answer.headers["Location"] == "/hub/home"
    home = client.get("/hub/home")
    assert home.status == 200 and "alice" in home.text


def test_the_login_cookie_is_closed_to_scripts_and_only_for_the_hub(hub):
    answer = hub.client().try_login("alice", PASSWORDS["alice"])
    line = next(line for line in answer.headers.get_all("Set-Cookie") if line.startswith("jupyterhub-hub-login="))
    parts = [part.strip().lower() for part in line.split(";")[1:]]
    assert "httponly" in parts and "path=/hub/" in parts
    assert any(part in ("samesite=lax", "samesite=strict") for part in parts)


@pytest.mark.parametrize("path, target", [
    ("/", "/hub/"), ("/hub/", "/hub/login"), ("/hub/home", "/hub/login?next="), ("/hub/spawn/alice", "/hub/login?next="),
    ("/hub/spawn-pending/alice", "/hub/login?next="), ("/hub/user/alice/", "/hub/login?next="),
    ("/user/alice/lab", "/hub/"), ("/hub/logout", "/hub/login"),
])
def test_strangers_are_sent_on_with_302_as_the_contract_says(hub, path, target):
    """Contract 5.4, 8.1, 8.2 and 8.5."""
    answer = hub.client().get(path)
    assert answer.status == 302, answer.status
    assert answer.headers["Location"].startswith(target)


def test_blanks_around_the_name_do_not_matter_but_in_the_password_they_do(hub):
    assert hub.client().try_login("  alice ", PASSWORDS["alice"]).status in REDIRECTS
    assert hub.client().try_login("alice", PASSWORDS["alice"] + " ").status == 403


def test_the_login_renews_the_xsrf_cookie_at_once(hub):
    """Contract 5.4: a script may call the API right after the login, without loading a page first."""
    client = hub.client()
    before = client.get("/hub/login") and client.cookie("_xsrf")
    client.try_login("alice", PASSWORDS["alice"])
    assert client.cookie("_xsrf") != before
    assert client.api("DELETE", "/users/alice/server").status == 204


def test_a_page_behind_the_login_comes_back_after_it(hub):
    client = hub.client()
    first = client.get("/hub/spawn/alice?x=1")
    assert first.status in REDIRECTS and first.headers["Location"].startswith("/hub/login?next=")
    form = client.get(first.headers["Location"])
    answer = client.post_form("/hub/login", {
        "username": "alice", "password": PASSWORDS["alice"],
        "_xsrf": form.input("_xsrf"), "next": form.input("next", form="login"),
    })
    assert answer.headers["Location"] == "/hub/spawn/alice?x=1"


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example/x", "\\\\evil.example", "/\\evil.example"])
def test_next_never_leads_to_another_host(hub, evil):
    client = hub.client()
    answer = client.try_login("alice", PASSWORDS["alice"], following=evil)
    assert client.local(answer.headers["Location"], "/hub/login").startswith("/")
    assert not answer.headers["Location"].startswith(("//", "/\\", "\\"))


def test_wrong_password_unknown_locked_and_empty_get_the_same_sentence_and_time(hub, figure):
    """Nobody learns from the answer whether an account exists."""
    cases = {
        "wrong password": ("alice", "not the password"),
        "unknown user": ("nobody-here", "not the password"),
        "locked account": ("mallory", PASSWORDS["mallory"]),
        "empty password": ("nopass", ""),
        "name that cannot be": ("no/such/name", "not the password"),
    }
    answers, seconds = {}, {name: [] for name in cases}
    for _ in range(2):
        for name, (answer, took) in zip(
            cases, at_once(lambda case: timed(lambda: hub.client().try_login(*case)), list(cases.values()))
        ):
            answers[name] = answer
            seconds[name].append(took)
    told = {name: (answer.status, refusal(answer)) for name, answer in answers.items()}
    assert len(set(told.values())) == 1, told
    assert answers["wrong password"].status == 403
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    figure("refused login, median seconds", {name: round(value, 2) for name, value in medians.items()})
    assert max(medians.values()) < SAME_CLASS * min(medians.values()), medians


def test_an_expired_account_is_told_so_after_the_right_password_only(hub):
    right = hub.client().try_login("eve", PASSWORDS["eve"])
    wrong = hub.client().try_login("eve", "not the password")
    unknown = hub.client().try_login("nobody-here", "not the password")
    assert right.status == wrong.status == 403
    assert "expired" in refusal(right).lower()
    assert refusal(wrong) == refusal(unknown)


def test_an_expired_password_is_told_so_and_does_not_let_in(hub):
    """How it is changed: test_login_conversation.py."""
    client = hub.client()
    answer = client.try_login("frank", PASSWORDS["frank"])
    assert answer.status == 200 and "expired" in answer.text
    assert not client.cookie("jupyterhub-hub-login")


@pytest.mark.parametrize("name", ["root", "svc", "nologin", "daemon", "_hubd"])
def test_system_accounts_do_not_get_in(hub, name):
    answer = hub.client().try_login(name, PASSWORDS.get(name, "anything"))
    assert answer.status == 403
    refusal(answer)


def test_a_login_without_the_forms_xsrf_value_is_refused(hub):
    fields = {"username": "alice", "password": PASSWORDS["alice"]}
    client = hub.client()
    client.get("/hub/login")
    for broken in [fields, {**fields, "_xsrf": ""}, {**fields, "_xsrf": "x" * 40}]:
        assert client.post_form("/hub/login", broken).status == 403
    other = hub.client()
    stolen = other.get("/hub/login").input("_xsrf")
    assert client.post_form("/hub/login", {**fields, "_xsrf": stolen}).status == 403
    assert hub.client().post_form("/hub/login", {**fields, "_xsrf": stolen}).status == 403


@pytest.mark.parametrize("path", ["/hub/spawn/alice", "/hub/stop/alice"])
def test_forms_of_the_hub_need_the_xsrf_value(hub, path):
    client = hub.logged_in("alice")
    assert client.post_form(path, {}).status == 403
    assert client.post_form(path, {"_xsrf": "x" * 40}).status == 403
    assert hub.running_units() == {}


@pytest.mark.parametrize("name", [b"al\0ice", b"alice\nbob", b"../alice", b"%61lice", b"\xff\xfe", b"a" * 5000, b""])
def test_names_that_cannot_be_are_refused_like_unknown_ones(hub, name):
    client = hub.client()
    form = client.get("/hub/login")
    answer = client.post_form(
        "/hub/login", {"username": name, "password": PASSWORDS["alice"], "_xsrf": form.input("_xsrf"), "next": ""}
    )
    assert answer.status in (400, 403), answer.text[:500]
    assert not client.cookie("jupyterhub-hub-login")


def test_pam_is_told_where_the_person_sits(hub):
    cursor = hub.container.journal_cursor()
    hub.client().try_login("bob", "not the password")
    lines = [e["MESSAGE"] for e in hub.container.journal("SYSLOG_IDENTIFIER=hub-login", after=cursor)]
    lines += [e["MESSAGE"] for e in hub.container.journal("_COMM=hub-login", after=cursor)]
    assert any("rhost=127.0.0.1" in str(line) for line in lines), lines


def test_a_hanging_pam_module_is_killed_at_the_deadline(fresh):
    fresh.container.write("/usr/local/bin/hang", "#!/bin/sh\nexec tail -f /dev/null\n", 0o755)
    pam = fresh.container.live_path("/etc/pam.d/hub")
    pam.write_text("auth required pam_exec.so quiet /usr/local/bin/hang\n" + pam.read_text())
    fresh.container.write(
        "/etc/systemd/system/hub-login@.service.d/50-test.conf", f"[Service]\nRuntimeMaxSec={HANG_RUNTIME}\n"
    )
    fresh.run(["systemctl", "daemon-reload"])
    answer, seconds = timed(lambda: fresh.client().try_login("alice", PASSWORDS["alice"]))
    assert HANG_RUNTIME * 0.8 < seconds < HANG_DEADLINE
    assert answer.status in (403, 500, 503), answer.status
    refusal(answer)
    wait_for(
        "the login process to be gone",
        lambda: fresh.run(["pgrep", "-f", "usr/local/bin/hang|libexec/hubd/hub-login"], check=False).returncode == 1,
        HANG_DEADLINE,
    )
    assert fresh.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout.strip() == ""


def test_two_hundred_logins_at_once_are_bounded_and_each_gets_a_verdict(fresh, figure):
    """Right passwords; each is let in, or told to come back; the machine stays usable meanwhile."""
    fresh.client().get("/hub/login")
    forms = []
    for _ in range(MANY):
        client = fresh.client()
        client.deadline = MANY_DEADLINE
        forms.append((client, client.get("/hub/login").input("_xsrf")))
    most = []

    def send(pair):
        client, xsrf = pair
        return client.post_form("/hub/login", {
            "username": "alice", "password": PASSWORDS["alice"], "_xsrf": xsrf, "next": "",
        })

    def watch(_):
        health, seconds = timed(lambda: fresh.client().get("/hub/health"))
        assert health.status == 200
        running = fresh.run(["systemctl", "list-units", "--plain", "--no-legend", "hub-login@*"]).stdout
        most.append((len(running.splitlines()), seconds))

    (answers, _), seconds = timed(lambda: at_once(
        lambda job: job(), [lambda: at_once(send, forms), lambda: [watch(n) for n in range(10)]]
    ))
    verdicts = [answer.status for answer in answers]
    figure("200 logins at once", f"{seconds:.1f} s, {verdicts.count(503)} told to come back, "
           f"at most {max(n for n, _ in most)} login processes seen, "
           f"slowest other answer {max(s for _, s in most):.2f} s")
    assert set(verdicts) <= {*REDIRECTS, 503}, verdicts
    assert any(status in REDIRECTS for status in verdicts)
    for answer in answers:
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
    assert max(count for count, _ in most) <= 64
    assert max(seconds for _, seconds in most) < USABLE_SECONDS
    assert fresh.logged_in("bob").get("/hub/home").status == 200
    assert fresh.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout.strip() == ""
