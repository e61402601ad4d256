"""What tests do inside a booted machine, whichever way a command gets there.

A machine gives `run`, `write`, `remove`, `net` and `patience`; the rest is the same for a container and
for a virtual machine.
"""
import json

COMMAND_DEADLINE = 120.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CommandFailed(AssertionError):
    """A command inside the machine ended with another status than expected."""

    @classmethod
    def of(cls, arguments, user, status, output):
        """With all that the command printed."""
        return cls(f"{arguments!r} as {user or 'root'} ended with {status}\n{output}")


def in_clean_environment(arguments, user=None, environment=None):
    """The command that runs `arguments` as `user` without a PAM session, with these variables and few others."""
    settings = {"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb", **(environment or {})}
    command = ["env", "-i", *(f"{key}={value}" for key, value in settings.items())]
    if user is not None:
        command += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
    return [*command, *arguments]


class Inside:
    """Commands, units and the journal of a booted machine."""

    # Deadlines of whoever talks to it are multiplied by this.
    patience = 1

    def shell(self, script, **options):
        """Runs a shell script inside and returns its standard output."""
        return self.run(["sh", "-ec", script], **options).stdout

    def json(self, arguments, **options):
        """Runs a command whose output is one JSON text."""
        return json.loads(self.run(arguments, **options).stdout)

    # -- systemd ------------------------------------------------------------------------------

    def has_booted(self):
        """Waits until systemd has nothing left to start."""
        answer = self.run(["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
        return answer in ("running", "degraded")

    def show(self, unit, *properties):
        """Properties of a unit as a dictionary; one property gives just its value."""
        wanted = ",".join(properties)
        text = self.run(["systemctl", "show", "--property", wanted, "--", unit]).stdout
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return values[properties[0]] if len(properties) == 1 else values

    def active(self, unit):
        """The unit's ActiveState, "inactive" for one that does not exist."""
        return self.show(unit, "ActiveState")

    def main_pid(self, unit):
        """The unit's main process inside, 0 when there is none."""
        return int(self.show(unit, "MainPID"))

    def journal(self, *matches, after=None):
        """Journal entries as dictionaries, oldest first; `after` is a cursor of `journal_cursor`."""
        command = ["journalctl", "--output=json", "--all", "--no-pager", "--quiet", *matches]
        if after:
            command.append(f"--after-cursor={after}")
        self.run(["journalctl", "--sync"], check=False)
        return [json.loads(line) for line in self.run(command).stdout.splitlines()]

    def journal_cursor(self):
        """A mark in the journal for `journal(after=...)`."""
        self.run(["journalctl", "--sync"], check=False)
        entry = self.run(["journalctl", "--output=json", "--lines=1", "--no-pager", "--quiet"]).stdout
        return json.loads(entry)["__CURSOR"]
