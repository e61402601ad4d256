"""Other rules for the hub's logins than the machine's own, for a while."""
import contextlib

_FILE = "/etc/pam.d/hub"
# Two wrong tries lock an account for ten minutes.
FAILLOCK = """auth required pam_faillock.so preauth deny=2 unlock_time=600
auth sufficient pam_unix.so
auth [default=die] pam_faillock.so authfail deny=2 unlock_time=600
account required pam_faillock.so
account required pam_unix.so
"""


@contextlib.contextmanager
def stack(hub, text):
    """The machine with these rules."""
    file = hub.container.live_path(_FILE)
    before = file.read_text()
    file.write_text(text)
    try:
        yield hub
    finally:
        file.write_text(before)
