"""The journal is part of what an administrator gets: nothing unexpected may stand in it.

Runs last and reads what all tests left on the shared machine. A test that makes the hub warn says so
with `hub.expect_warning`, and that allows the one line and no second one.
"""
import re

WARNING = "4"
OWN = re.compile(r"^(hub|hub-login|hub-broker|hub-login@.*)\.(service|socket)$")
# (pattern, why it is expected any number of times on a machine that these tests have been at)
EXPECTED = [
    (r"pam_unix\(hub:auth\): (authentication failure|check pass; user unknown)", "wrong passwords were tried"),
    (r"pam_unix\(hub:account\): (account|password for user|expired password)", "expired accounts were tried"),
    (r"pam_unix\(hub:auth\): (conversation failed|auth could not identify password)", "empty passwords were tried"),
    (r"pam_unix\(hub:chauthtok\): conversation failed", "people left while they were asked for a new password"),
]


def test_no_unexpected_warning_or_error_of_our_units(shared):
    entries = shared.container.journal(f"--priority={WARNING}")
    surprising, announced = [], list(shared.expected_warnings)
    for entry in entries:
        unit = str(entry.get("_SYSTEMD_UNIT", "")) + " " + str(entry.get("UNIT", ""))
        if not any(OWN.match(name) for name in unit.split()):
            continue
        message = str(entry.get("MESSAGE"))
        if message in announced:
            announced.remove(message)
        elif not any(re.search(pattern, message) for pattern, _ in EXPECTED):
            surprising.append(f"{entry['PRIORITY']} {unit.strip()}: {message}")
    assert surprising == [], "\n".join(sorted(set(surprising)))


def test_every_line_of_the_hub_is_one_line_and_says_who_speaks(shared):
    entries = shared.container.journal("-u", "hub.service", "_COMM=hubd")
    assert entries, "hubd wrote to the journal"
    for entry in entries:
        assert isinstance(entry["MESSAGE"], str) and "\n" not in entry["MESSAGE"], entry["MESSAGE"]
        assert not re.search(r"panicked at|\bunwrap\b|RUST_BACKTRACE", entry["MESSAGE"]), entry["MESSAGE"]


def test_no_unit_is_left_failed(shared):
    assert shared.run(["systemctl", "--failed", "--plain", "--no-legend"]).stdout.strip() == ""
