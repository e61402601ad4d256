"""A layer with pam_oath, and the one-time codes that it wants: a second question behind the password.

Kept in the cache like the layer of the clients.
"""
import hashlib
import hmac
import struct

from harness import image, package

# The secret of RFC 4226, appendix D.
SECRET = b"12345678901234567890"
USERS = "/etc/hub-users.oath"
STACK = f"""auth requisite pam_unix.so
auth required pam_oath.so usersfile={USERS} window=5 digits=6
account required pam_unix.so
"""

_INSTALL = """
set -eu
apt-get update --quiet=2
apt-get install --yes --quiet=2 --no-install-recommends libpam-oath
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
"""


def layers():
    """The file tree of a Debian 13 machine with pam_oath: [oath, base]."""
    base = image.base("trixie")
    key = hashlib.sha256("\n".join([base.name, _INSTALL]).encode()).hexdigest()[:16]
    return package.layer("oath", "trixie", [base], key, _make)


def _make(root):
    image.chroot(root, ["sh", "-c", _INSTALL], network=True)


def users(*names):
    """The file of pam_oath for people who never used a code."""
    return "".join(f"HOTP {name} - {SECRET.hex()}\n" for name in names)


def code(counter):
    """The HOTP code of six digits, RFC 4226."""
    digest = hmac.new(SECRET, struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset:offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"
