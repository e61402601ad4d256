"""Runs commands inside the virtual machine for the tests outside: one connection, one command.

This file alone is copied into the machine and run there as root. The first line of a connection is a
JSON order {"key", "command", "stdin", "deadline"}; the answer is {"status", "stdout", "stderr"}, and the
connection ends. The key is made anew for each machine, so that nobody else at the host gets in.
"""
import hmac
import json
import os
import socketserver
import subprocess
import sys
from pathlib import Path

KEY = Path(os.environ["CREDENTIALS_DIRECTORY"], "agent.key").read_text(encoding="ascii").strip()
TIMED_OUT = 124


class Order(socketserver.StreamRequestHandler):
    """One order and its answer."""

    def handle(self):
        order = json.loads(self.rfile.readline())
        if not hmac.compare_digest(order["key"], KEY):
            return
        self.wfile.write(json.dumps(carry_out(order)).encode())


def carry_out(order):
    """Runs the command to its end, or kills it at its deadline (seconds)."""
    try:
        done = subprocess.run(
            order["command"], input=order["stdin"].encode(), capture_output=True, timeout=order["deadline"], check=False,
        )
    except subprocess.TimeoutExpired as late:
        return answer(TIMED_OUT, late.stdout or b"", (late.stderr or b"") + b"\nkilled at its deadline\n")
    return answer(done.returncode, done.stdout, done.stderr)


def answer(status, stdout, stderr):
    return {"status": status, "stdout": stdout.decode(errors="replace"), "stderr": stderr.decode(errors="replace")}


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server(("", int(sys.argv[1])), Order).serve_forever()
