"""Accounts that the hub makes: added in a browser, by people who then log in; and every one the broker refuses to touch."""
import json
import re
import subprocess

import pytest
from selenium.webdriver.common.by import By

from harness import axe, package
from harness.browser import LAB_DEADLINE
from harness.container import Container
from harness.hub import Hub
from harness.people import PASSWORDS
from harness.wait import wait_for

CONFIGURATION = """[login]
create_system_users = true
new_user_groups = ["students"]
"""
OWN = "pw-own-Vb5Tn9Ks"
GENERATED = re.compile(r"^[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}$")
PEOPLE = {"en": ["erin", "gina", "hank"], "zh-CN": ["lily", "chen", "wang"]}
MONITOR_DEADLINE = 20.0


@pytest.fixture(scope="module")
def machine(module_hub):
    module_hub.configure(CONFIGURATION)
    return module_hub


# busctl passes a file descriptor on that it was given as systemd gives sockets to services.
BUSCTL = """exec env LISTEN_PID=$$ LISTEN_FDS=1 busctl call -- \
    org.hubd.Broker1 /org/hubd/Broker1 org.hubd.Accounts1 "$@" 3<&0"""


def asked(hub, method, signature, *arguments, password="", user=None):
    """A call of the broker's interface for accounts by busctl; the password goes in by a pipe."""
    return hub.run(["sh", "-c", BUSCTL, "sh", method, signature, *arguments], check=False, stdin=password, user=user)


def set_password(hub, name, **options):
    return asked(hub, "SetPassword", "shb", name, "3", "false", **options)


def delete(hub, name, home="false"):
    return asked(hub, "DeleteAccount", "sb", name, home)


def create(hub, name, **options):
    return asked(hub, "CreateAccount", "shb", name, "3", "false", **options)


def files(hub):
    """Everything that makes an account."""
    return hub.shell("cat /etc/passwd /etc/shadow /etc/group /etc/gshadow; ls -ln /home")


def account(hub, name):
    """(uid, groups) of an account; None when there is none."""
    found = hub.run(["id", "-u", name], check=False)
    if found.returncode != 0:
        return None
    return int(found.stdout), set(hub.run(["id", "-Gn", name]).stdout.split())


def shown_passwords(page):
    cells = page.driver.find_elements(By.CSS_SELECTOR, "code.secret[data-user]")
    return {cell.get_attribute("data-user"): cell.text for cell in cells}


def accessible(page):
    """Nothing on the page breaks WCAG 2.2 AA, light or dark."""
    for dark in (True, False):
        page.appearance(dark)
        assert axe.violations(page.still().driver) == []


def changed_at_login(page, user, password):
    """Signs in with the first password and chooses an own one where the hub asks for it."""
    page.driver.delete_all_cookies()
    page.open("/hub/login")
    page.find("input[name=username]").send_keys(user)
    page.find("input[name=password]").send_keys(password)
    page.click("#sign-in")
    for _ in range(2):
        question = page.find("#answer")
        before = page.find("label[for=answer]").text
        question.send_keys(OWN)
        page.click("#go-on")
        page.wait(
            "the next question or the end",
            lambda d, asked=before: not page.path.startswith("/hub/login")
            or d.find_element(By.CSS_SELECTOR, "label[for=answer]").text != asked,
        )
    page.wait("a page behind the login", lambda _: not page.path.startswith("/hub/login"))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_an_administrator_adds_three_people_who_log_in_choose_passwords_and_get_jupyterlab(machine, browser, language):
    people = PEOPLE[language]
    page = browser(machine, "zh-CN,zh" if language == "zh-CN" else "en").login("boss", PASSWORDS["boss"])
    page.open("/hub/admin")
    accessible(page)
    page.find("#names").send_keys("\n".join(people))
    assert page.find("input[name=must_change]").is_selected() and page.find("input[value=generate]").is_selected()
    page.click("#add-people")
    page.find("#passwords")
    passwords = shown_passwords(page)
    assert list(passwords) == people and all(GENERATED.match(password) for password in passwords.values()), passwords
    assert len(set(passwords.values())) == 3
    accessible(page)
    page.screenshot_of(f"admin-passwords-{language}")
    if language == "en":
        page.screenshot_for_docs("admin-passwords-en-light")
    page.click("#passwords-noted")
    page.find("#people")
    assert not any(password in page.driver.page_source for password in passwords.values()), "shown once"
    for name in people:
        uid, groups = account(machine, name)
        assert uid >= 1000 and groups == {name, "hub-people", "students"}
        assert machine.run(["stat", "-c", "%a %U", f"/home/{name}"]).stdout.split() == ["700", name]

    for name in people:
        changed_at_login(page, name, passwords[name])
        assert machine.client().try_login(name, passwords[name]).status == 403, "the first password is over"
    page.open("/hub/home")
    page.click("#start-server")
    page.wait("JupyterLab's address", lambda _: page.path.startswith(f"/user/{people[-1]}/lab"), LAB_DEADLINE)
    page.find(".jp-Launcher", LAB_DEADLINE)
    for name in people[:2]:
        machine.start(machine.logged_in(name, OWN), name)
    machine.stop_all()
    journal = "\n".join(str(entry) for entry in machine.container.journal())
    assert not any(password in journal for password in [*passwords.values(), OWN])


# The form's answer never comes; what would be sent is counted.
HELD = """
window.sent = 0;
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) window.sent += 1;
  event.preventDefault();
});
"""


@pytest.mark.parametrize("language, told", [("en", "Adding people: 3."), ("zh-CN", "正在添加 3 人")])
def test_while_people_are_added_the_page_says_how_many_and_the_form_is_sent_once(machine, browser, language, told):
    page = browser(machine, "zh-CN,zh" if language == "zh-CN" else "en").login("boss", PASSWORDS["boss"])
    page.open("/hub/admin")
    page.driver.execute_script(HELD)
    page.find("#names").send_keys("una\nulla, ute\nuna")
    page.click("#add-people")
    page.wait("the number of people", lambda driver: driver.find_element(By.ID, "adding").text.startswith(told))
    accessible(page)
    page.click("#add-people")
    assert page.driver.execute_script("return window.sent") == 1
    assert page.find("#add-people").get_attribute("aria-busy") == "true"


def test_a_chosen_password_counts_at_once_where_it_need_not_be_changed(machine, browser):
    page = browser(machine).login("boss", PASSWORDS["boss"])
    page.open("/hub/admin")
    page.find("#names").send_keys("ivan")
    page.click("input[value=choose]")
    page.find("#new-password").send_keys(OWN)
    page.click("input[name=must_change]").click("#add-people").find("#passwords")
    machine.logged_in("ivan", OWN)
    page.open("/hub/admin/user/ivan")
    accessible(page)
    page.click("#set")
    page.find("#passwords")
    again = shown_passwords(page)["ivan"]
    assert GENERATED.match(again) and machine.client().try_login("ivan", OWN).status == 403
    changed_at_login(page, "ivan", again)


@pytest.mark.parametrize(
    "name, because",
    [
        ("root", "is the superuser"),
        ("daemon", "is an account of the system"),
        ("svc", "is an account of the system"),
        ("nobody", "is an account of the system"),
        ("boss", "is in the group sudo"),
        ("alice", "did not make the account"),
        ("eve", "did not make the account"),
        ("nobody-at-all", "There is no account"),
    ],
)
def test_accounts_that_the_hub_did_not_make_are_left_alone(machine, name, because):
    before = files(machine)
    for answer in (set_password(machine, name, password=OWN), delete(machine, name), delete(machine, name, "true")):
        assert answer.returncode != 0 and because in answer.stderr, answer.stderr
    assert files(machine) == before


@pytest.mark.parametrize("group", ["sudo", "adm", "disk", "shadow", "systemd-journal"])
def test_who_was_put_into_a_group_of_administrators_is_no_longer_the_hubs_to_touch(machine, group):
    if account(machine, "jane") is None:
        assert create(machine, "jane", password=OWN).returncode == 0
    machine.run(["usermod", "--append", "--groups", group, "jane"])
    before = files(machine)
    try:
        for answer in (set_password(machine, "jane", password=OWN), delete(machine, "jane", "true")):
            assert answer.returncode != 0 and ("group" in answer.stderr or "administrator" in answer.stderr), answer.stderr
        assert files(machine) == before
    finally:
        machine.run(["gpasswd", "--delete", "jane", group])
    assert set_password(machine, "jane", password=OWN).returncode == 0


def test_sudoers_and_hub_toml_name_people_whom_the_hub_neither_makes_nor_touches(machine):
    assert account(machine, "kate") is not None or create(machine, "kate", password=OWN).returncode == 0
    machine.container.write("/etc/sudoers.d/test", "kate ALL=(ALL) ALL\nlater ALL=(ALL) ALL\n", 0o440)
    try:
        for answer in (set_password(machine, "kate", password=OWN), create(machine, "later", password=OWN)):
            assert answer.returncode != 0 and "may use sudo" in answer.stderr, answer.stderr
    finally:
        machine.run(["rm", "/etc/sudoers.d/test"])
    machine.configure(CONFIGURATION + 'admins = ["root", "boss", "kate", "later"]\n')
    try:
        for answer in (set_password(machine, "kate", password=OWN), create(machine, "later", password=OWN)):
            assert answer.returncode != 0 and "administrator of the hub" in answer.stderr, answer.stderr
    finally:
        machine.configure(CONFIGURATION)
    assert account(machine, "later") is None


def test_names_and_homes_that_are_taken_or_odd_are_refused(machine):
    machine.shell("mkdir -p /home/left; ln -sfn /root /home/linked; groupadd --force teamers")
    before = files(machine)
    for name, because in [
        ("root", "There is an account"),
        ("alice", "There is an account"),
        ("teamers", "There is a group"),
        ("left", "exists already"),
        ("linked", "exists already"),
        ("Upper", "cannot be called"),
        ("first.last", "cannot be called"),
        ("../root", "no name the hub takes"),
        ("-x", "no name the hub takes"),
        ("a b", "no name the hub takes"),
        ("x" * 33, "cannot be called"),
    ]:
        answer = create(machine, name, password=OWN)
        assert answer.returncode != 0 and because in answer.stderr, (name, answer.stderr)
    for bad in ("short", "two\nlines of it"):
        answer = create(machine, "mona", password=bad)
        assert answer.returncode != 0 and "The password" in answer.stderr, answer.stderr
    assert files(machine) == before


def test_nobody_but_the_hub_and_root_reaches_it_and_only_where_it_is_switched_on(machine):
    before = files(machine)
    for user in ("alice", "boss"):
        assert create(machine, "mona", password=OWN, user=user).returncode != 0, user
    # The account of the web process is not enough: it must be the hub's own unit.
    elsewhere = ["systemd-run", "--quiet", "--pipe", "--wait", "--uid=_hubd", "sh", "-c", BUSCTL, "sh"]
    answer = machine.run([*elsewhere, "CreateAccount", "shb", "mona", "3", "false"], stdin=OWN, check=False)
    assert answer.returncode != 0 and "polkit does not let you" in answer.stderr, answer.stderr
    machine.configure("")
    try:
        for answer in (create(machine, "mona", password=OWN), set_password(machine, "erin", password=OWN)):
            assert answer.returncode != 0 and "create_system_users is false" in answer.stderr, answer.stderr
        answer = machine.run(["hubctl", "user", "add", "mona", "--create-account"], check=False)
        assert answer.returncode != 0 and "no account of this name" in answer.stderr, answer.stderr
    finally:
        machine.configure(CONFIGURATION)
    assert files(machine) == before


def test_an_account_that_was_made_by_half_is_taken_away(machine):
    rules = machine.container.live_path("/etc/pam.d/chpasswd")
    kept = rules.read_text()
    before = files(machine)
    rules.write_text("password required pam_deny.so\n")
    try:
        answer = create(machine, "nora", password=OWN)
        assert answer.returncode != 0 and "chpasswd" in answer.stderr, answer.stderr
    finally:
        rules.write_text(kept)
    assert files(machine) == before
    assert machine.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout.strip() == ""


def test_deleting_leaves_account_and_home_unless_asked_and_asked_again(machine, browser):
    machine.run(["hubctl", "user", "add", "otto", "paul", "--create-account", "--keep-password"])
    machine.shell("echo mine > /home/otto/notes; chown otto /home/otto/notes")
    page = browser(machine).login("boss", PASSWORDS["boss"])
    page.open("/hub/admin/user/otto/delete")
    accessible(page)
    page.click("#agree").find("#people")
    assert account(machine, "otto") is not None, "the hub has forgotten otto, the machine has not"
    misspelt = machine.run(["hubctl", "user", "add", "ottto"], check=False)
    assert misspelt.returncode == 1 and "no account of this name" in misspelt.stderr
    assert account(machine, "ottto") is None, "accounts are made for who asks for them"
    machine.run(["hubctl", "user", "add", "otto"])
    uid, _ = account(machine, "otto")

    page.open("/hub/admin/user/otto/delete")
    page.click("input[name=account]").click("#agree").find("#people")
    assert account(machine, "otto") is None
    assert machine.run(["stat", "-c", "%a %u", "/home/otto"]).stdout.split() == ["700", "0"], "sealed"
    assert machine.shell("cat /home/otto/notes").strip() == "mine"
    # Whoever gets the number next does not get the files.
    machine.run(["useradd", "--uid", str(uid), "heir"])
    assert machine.run(["cat", "/home/otto/notes"], user="heir", check=False).returncode != 0
    again = machine.run(["hubctl", "user", "add", "otto", "--create-account"], check=False)
    assert again.returncode != 0 and "/home/otto exists already" in again.stderr

    page.open("/hub/admin/user/paul/delete")
    page.click("input[name=account]").click("input[name=home]").click("#agree").find("#people")
    assert account(machine, "paul") is None
    assert machine.run(["test", "-e", "/home/paul"], check=False).returncode != 0


def test_who_still_has_a_process_is_not_deleted(machine):
    machine.run(["hubctl", "user", "add", "quin", "--create-account", "--keep-password"])
    sleeper = subprocess.Popen(machine.container.command(["sleep", "1000"], user="quin"))
    try:
        wait_for("quin's process", lambda: machine.run(["pgrep", "-u", "quin"], check=False).returncode == 0, 20)
        answer = machine.run(["hubctl", "user", "remove", "quin", "--delete-account"], check=False)
        assert answer.returncode != 0 and "still has a process" in answer.stderr, answer.stderr
        assert account(machine, "quin") is not None
    finally:
        machine.run(["pkill", "-u", "quin"])
        sleeper.wait(20)
    wait_for("quin's process to end", lambda: machine.run(["pgrep", "-u", "quin"], check=False).returncode != 0, 20)
    machine.run(["hubctl", "user", "remove", "quin", "--delete-account", "--delete-home"])
    assert account(machine, "quin") is None


def test_hubctl_prints_a_password_once_and_takes_one_by_standard_input(machine):
    added = machine.run(["hubctl", "user", "add", "rosa", "--create-account", "--keep-password"])
    name, password = added.stdout.split()
    assert name == "rosa" and GENERATED.match(password) and password not in added.stderr
    machine.logged_in("rosa", password)
    chosen = machine.run(["hubctl", "user", "password", "rosa", "--password-stdin", "--keep-password"], stdin=OWN + "\n")
    assert chosen.stdout.strip() == OWN
    machine.logged_in("rosa", OWN)
    for who in ("root", "alice"):
        refused = machine.run(["hubctl", "user", "password", who], check=False)
        assert refused.returncode != 0 and refused.stdout == "", refused.stdout
    model = json.loads(machine.run(["hubctl", "user", "password", "rosa", "--json"]).stdout)
    assert model["must_change"] is True and GENERATED.match(model["password"])


def test_no_password_is_seen_on_the_bus_in_units_or_in_the_journal(machine):
    seen = machine.container.live_path("/root/bus.log")
    with open(seen, "wb") as log:
        monitor = subprocess.Popen(
            machine.container.command(["busctl", "monitor", "--json=short"]), stdout=log, stderr=subprocess.STDOUT,
        )
        try:
            def heard():
                machine.run(["busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId"])
                return "GetId" in seen.read_text(errors="replace")

            wait_for("the monitor", heard, MONITOR_DEADLINE)
            generated = machine.run(["hubctl", "user", "add", "sven", "--create-account"]).stdout.split()[1]
            machine.run(["hubctl", "user", "password", "sven", "--password-stdin"], stdin=OWN + "\n")
            wait_for("the last call", lambda: "SetPassword" in seen.read_text(errors="replace"), MONITOR_DEADLINE)
        finally:
            monitor.terminate()
            monitor.wait(20)
    bus = seen.read_text(errors="replace")
    assert "CreateAccount" in bus and "hub-account@sven.service" in bus, "the monitor saw the calls"
    journal = "\n".join(str(entry) for entry in machine.container.journal())
    assert "Made the account sven" in journal
    state = machine.shell("strings -a /var/lib/hub/* 2>/dev/null || cat /var/lib/hub/*")
    for secret in (generated, OWN):
        assert secret not in bus and secret not in journal and secret not in state


def test_the_unit_that_changes_accounts_has_walls(machine):
    drop_in = "/run/systemd/system/hub-account@.service.d/10-test.conf"
    machine.container.write(drop_in, "[Service]\nExecStartPost=/bin/systemctl show hub-account@tess.service\n")
    try:
        machine.run(["systemctl", "daemon-reload"])
        assert create(machine, "tess", password=OWN).returncode == 0
        shown = "\n".join(str(e["MESSAGE"]) for e in machine.container.journal("-u", "hub-account@tess.service"))
    finally:
        machine.run(["rm", drop_in])
        machine.run(["systemctl", "daemon-reload"])
    for line in ("PrivateNetwork=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "PrivateDevices=yes"):
        assert line in shown, line
    assert OWN not in shown


def test_debian_12_makes_and_deletes_accounts_as_well(deb):
    with Container(package.installed(deb, "bookworm"), "accounts-12") as made:
        hub = Hub(made)
        hub.configure("[login]\ncreate_system_users = true\n")
        password = hub.run(["hubctl", "user", "add", "erin", "--create-account", "--keep-password"]).stdout.split()[1]
        hub.logged_in("erin", password)
        assert hub.run(["stat", "-c", "%a %U", "/home/erin"]).stdout.split() == ["700", "erin"]
        assert hub.run(["hubctl", "user", "password", "alice"], check=False).returncode != 0
        hub.run(["hubctl", "user", "remove", "erin", "--delete-account", "--delete-home"])
        assert account(hub, "erin") is None and hub.run(["test", "-e", "/home/erin"], check=False).returncode != 0
        assert made.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout.strip() == ""
