"""What a JupyterLab page does behind its buttons, done by hand through the hub's proxy.

Kernels over WebSocket, the contents API, terminals. Protocols:
https://jupyter-client.readthedocs.io/en/stable/messaging.html and the terminado websocket.
"""
import json
import queue
import re
import threading
import time
import uuid
from urllib.parse import quote

import websocket

START_DEADLINE = 60.0
REPLY_DEADLINE = 30.0
# How soon a reader sees that its WebSocket was closed from this side.
_READER_PAUSE = 1.0
_KEPT = "~@"


def segment(user):
    """A user name as one URL segment, as the hub writes it."""
    return quote(user, safe=_KEPT)


def prefix(user, server=""):
    """The address of a person's server, with the slash at its end."""
    return f"/user/{segment(user)}/" + (f"{segment(server)}/" if server else "")


class Lab:
    """One person's running server, seen through a logged-in `Client`."""

    def __init__(self, client, user, server=""):
        self.client = client
        self.user = user
        self.prefix = prefix(user, server)

    def enter(self):
        """Passes the gate (the hub's authorization and back) and takes Jupyter's XSRF cookie."""
        answer = self.client.get(self.prefix + "lab", follow=True)
        assert answer.status == 200, f"{self.prefix}lab: {answer.status} {answer.text[:800]}"
        return self

    def headers(self):
        """Headers of a request that a page of this server makes."""
        found = [c for (n, w), c in self.client.cookies.items() if n == "_xsrf" and w != "/" and self.prefix.startswith(w)]
        token = max(found, key=lambda cookie: len(cookie.path)).value if found else ""
        return {"X-XSRFToken": token, "Origin": f"http://{self.client.host}:{self.client.port}"}

    def page_config(self):
        """What the page tells JupyterLab's scripts, such as who the person is and where the hub."""
        page = self.page()
        found = re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page.text, re.DOTALL)
        assert found, page.text[:800]
        return json.loads(found.group(1))

    def page(self):
        """The page without going round by the hub: a session is there already."""
        page = self.client.get(self.prefix + "lab")
        assert page.status == 200, f"{self.prefix}lab: {page.status} {page.headers['Location']}"
        return page

    def api(self, method, path, body=None):
        """A call of Jupyter's own REST API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers(), "Content-Type": "application/json"}
        return self.client.request(method, f"{self.prefix}api/{path}", data, headers)

    def websocket(self, path, origin=None):
        """An open WebSocket below the server's address."""
        url = f"ws://{self.client.host}:{self.client.port}{self.prefix}{path}"
        where = self.client.net.connect(self.client.host, self.client.port, self.client.deadline)
        return websocket.create_connection(
            url, socket=where, timeout=self.client.deadline,
            cookie=self.client.cookie_header(self.prefix),
            origin=origin or f"http://{self.client.host}:{self.client.port}",
        )

    def kernel(self):
        """Starts a kernel as a notebook in the root folder does, and connects to it."""
        made = self.api("POST", "kernels", {"name": "python3", "path": ""})
        assert made.status == 201, f"kernel: {made.status} {made.text}"
        return Kernel(self, made.json()["id"])


class Kernel:
    """A kernel with one open WebSocket.

    A page reads its WebSocket all the time, and so does this: Jupyter Server pings every 30 s, and closes a connection
    whose pings are left unanswered for 90 s.
    """

    def __init__(self, lab, identifier):
        self.lab = lab
        self.identifier = identifier
        self.session = uuid.uuid4().hex
        self.connect()

    def connect(self):
        """Opens a WebSocket of the same session."""
        self.socket = self.lab.websocket(f"api/kernels/{self.identifier}/channels?session_id={self.session}")
        self.socket.settimeout(_READER_PAUSE)
        self.messages = queue.SimpleQueue()
        self.reader = threading.Thread(target=_read, args=(self.socket, self.messages), daemon=True)
        self.reader.start()

    def is_open(self):
        """Whether the WebSocket that was opened last still is."""
        return self.reader.is_alive()

    def is_cut(self, deadline=REPLY_DEADLINE):
        """Waits for the other side to close the WebSocket; whether it did."""
        self.reader.join(deadline)
        return not self.is_open()

    def tell(self, code):
        """Sends code to run, and returns the message's id without waiting for an answer."""
        message = uuid.uuid4().hex
        self.socket.send(json.dumps({
            "header": {
                "msg_id": message, "session": self.session, "username": self.lab.user,
                "msg_type": "execute_request", "version": "5.3",
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            },
            "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
            "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
        }))
        return message

    def execute(self, code, deadline=None):
        """Runs code and returns its text: streams and results, in order, until the kernel is idle."""
        deadline = deadline or self.lab.client.deadline
        message = self.tell(code)
        output = []
        end = time.monotonic() + deadline
        while (answer := self.answer(end)) is not None:
            if answer["parent_header"].get("msg_id") != message or answer["channel"] != "iopub":
                continue
            kind, content = answer["msg_type"], answer["content"]
            if kind == "stream":
                output.append(content["text"])
            elif kind == "execute_result":
                output.append(content["data"]["text/plain"])
            elif kind == "error":
                output.append("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(output)
        raise AssertionError(f"no idle message in {deadline} s after {code!r}; so far {output}")

    def answer(self, end):
        """The next message of the server; None when none comes until `end`, a time of the monotonic clock."""
        try:
            answer = self.messages.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            return None
        assert answer is not None, "the WebSocket was closed"
        return answer

    def close(self):
        """Closes the WebSocket and ends the kernel."""
        self.socket.close()
        self.lab.api("DELETE", f"kernels/{self.identifier}")


def _read(socket, messages):
    """Takes everything that comes, pings too, until the WebSocket is closed; then None."""
    try:
        while True:
            try:
                text = socket.recv()
            except websocket.WebSocketTimeoutException:
                continue
            if not text:
                break
            messages.put(json.loads(text))
    except (websocket.WebSocketException, OSError):
        pass
    messages.put(None)


def terminal_output(socket, command, until, deadline=REPLY_DEADLINE):
    """Types a line into a terminal's WebSocket and returns what it printed up to the text `until`."""
    socket.send(json.dumps(["stdin", command + "\r"]))
    text = ""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        kind, *rest = json.loads(socket.recv())
        if kind == "stdout":
            text += rest[0]
            if until in text:
                return text
    raise AssertionError(f"no {until!r} in {deadline} s: {text!r}")
