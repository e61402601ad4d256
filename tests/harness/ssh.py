"""A layer with Debian's own sshd, and people's logins by it.

They come with a key, over loopback, and PAM's account and session rules are Debian's own. Kept in the cache like the
layer of the clients.
"""
import hashlib
import subprocess

from harness import image, package
from harness.wait import wait_for

END_DEADLINE = 20.0
_KEY = "/root/.ssh/id_ed25519"
_OPTIONS = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR")

_INSTALL = """
set -eu
apt-get update --quiet=2
apt-get install --yes --quiet=2 --no-install-recommends openssh-server
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
"""
_LET_IN = f"""
test -e {_KEY} || ssh-keygen -q -t ed25519 -N "" -f {_KEY}
for user; do
    install -d -m 0700 -o "$user" -g "$user" /home/"$user"/.ssh
    install -m 0600 -o "$user" -g "$user" {_KEY}.pub /home/"$user"/.ssh/authorized_keys
done
"""


def layers():
    """The file tree of a Debian 13 machine with sshd: [ssh, base]."""
    base = image.base("trixie")
    key = hashlib.sha256("\n".join([base.name, _INSTALL]).encode()).hexdigest()[:16]
    return package.layer("ssh", "trixie", [base], key, _make)


def _make(root):
    image.chroot(root, ["sh", "-c", _INSTALL], network=True)


def let_in(hub, *users):
    """Root of this machine may log in as these people."""
    hub.run(["install", "-d", "-m", "0700", "/root/.ssh"])
    hub.run(["sh", "-ec", _LET_IN, "sh", *users])


def _command(user, *line):
    return ["ssh", *_OPTIONS, f"{user}@127.0.0.1", *line]


def run(hub, user, line, check=True):
    """What a shell line prints in a login of its own."""
    return hub.run(_command(user, line), check=check).stdout


class Session:
    """A login that goes on: a shell that answers each line with one line. Use it as a context manager."""

    def __init__(self, hub, user):
        self._hub = hub
        self._process = subprocess.Popen(
            hub.container.command(_command(user, "sh")), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.number = self.ask("echo $XDG_SESSION_ID")

    def ask(self, line):
        """The one line that a shell line prints; empty when the session is over."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(END_DEADLINE)
        self._process.stdout.close()


def wait_until_out(hub, user):
    """Until systemd-logind has cleaned up behind a person's last session, which it does some seconds later."""
    known = ["loginctl", "show-user", user]
    wait_for(f"{user} to be logged out", lambda: hub.run(known, check=False).returncode != 0, END_DEADLINE)
