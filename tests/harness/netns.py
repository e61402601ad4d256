"""Sockets inside a container's network namespace, made by a process outside of it.

A socket belongs to the namespace it was made in for its whole life, so only the making needs to
be inside: the calling thread enters, makes the socket, and comes back.
"""
import contextlib
import ctypes
import os
import socket

CLONE_NEWNET = 0x40000000
CONNECT_DEADLINE = 10.0

_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


class NetworkNamespace:
    """The network namespace of a process; stays valid when the process ends."""

    def __init__(self, pid):
        self._fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is inside while the `with` block runs."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(self._fd)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(home)

    def connect(self, host="127.0.0.1", port=8000, deadline=CONNECT_DEADLINE):
        """A connected TCP socket with a time limit of `deadline` seconds on every call."""
        with self.entered():
            return socket.create_connection((host, port), timeout=deadline)

    def close(self):
        os.close(self._fd)
