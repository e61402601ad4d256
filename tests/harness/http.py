"""A small HTTP/1.1 client whose sockets live in the container: cookies, forms, the hub's login.

Nothing is retried and no redirect is followed unless asked for, so that a test sees each answer.
"""
import html
import http.client
import json
import re
import urllib.parse
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

DEADLINE = 30.0
MOST_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)
# What a browser sends when a person opens a page.
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


@dataclass
class Answer:
    """One answer, its body read to the end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    path: str

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def input(self, name, form=None):
        """The value of an <input> of the page, by its name; of the form with that id when one is given."""
        text = self.text
        if form is not None:
            found = re.search(rf'<form\b[^>]*\bid="{re.escape(form)}".*?</form>', text, re.DOTALL)
            assert found, f"no form {form!r} in the page of {self.path}"
            text = found.group(0)
        for tag in re.findall(r"<input\b[^>]*>", text):
            if re.search(rf'\bname="{re.escape(name)}"', tag):
                value = re.search(r'\bvalue="([^"]*)"', tag)
                return html.unescape(value.group(1)) if value else ""
        raise AssertionError(f"no input {name!r} in the page of {self.path}: {self.text[:2000]}")

    def element(self, identifier):
        """The text inside the element with this id, tags dropped; None when there is none."""
        found = re.search(rf'<(\w+)\b[^>]*\bid="{re.escape(identifier)}"[^>]*>(.*?)</\1>', self.text, re.DOTALL)
        return html.unescape(re.sub(r"<[^>]*>", "", found.group(2))).strip() if found else None


@dataclass
class Cookie:
    value: str
    path: str


@dataclass
class Client:
    """A browser-like caller: it keeps cookies by path, and sends what its own page would send."""

    net: object
    host: str = "127.0.0.1"
    port: int = 8000
    cookies: dict = field(default_factory=dict)
    deadline: float = DEADLINE

    # -- plumbing -----------------------------------------------------------------------------

    def connection(self):
        """A fresh connection; the caller closes it."""
        made = http.client.HTTPConnection(self.host, self.port, timeout=self.deadline)
        made.sock = self.net.connect(self.host, self.port, self.deadline)
        return made

    def cookie_header(self, path):
        """The Cookie header for a path, longest cookie path first (RFC 6265 section 5.4)."""
        fitting = [
            (name, cookie)
            for (name, where), cookie in self.cookies.items()
            if path == where or path.startswith(where if where.endswith("/") else where + "/")
        ]
        fitting.sort(key=lambda pair: -len(pair[1].path))
        return "; ".join(f"{name}={cookie.value}" for name, cookie in fitting)

    def cookie(self, name):
        """The value of a cookie by name, of the longest path; None when it is not set."""
        found = [cookie for (key, _), cookie in self.cookies.items() if key == name]
        return max(found, key=lambda cookie: len(cookie.path)).value if found else None

    def _remember(self, headers, path):
        for line in headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                where = morsel["path"] or path.rsplit("/", 1)[0] or "/"
                gone = morsel["max-age"] == "0" or "1970" in morsel["expires"] or morsel.value == ""
                if gone:
                    self.cookies.pop((name, where), None)
                else:
                    self.cookies[(name, where)] = Cookie(morsel.value, where)

    def open(self, method, path, body=None, headers=None):
        """Sends a request and returns (connection, response) with the body not yet read."""
        connection = self.connection()
        sent = dict(headers or {})
        cookie = self.cookie_header(path.split("?")[0])
        if cookie and "Cookie" not in sent:
            sent["Cookie"] = cookie
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        self._remember(response.headers, path)
        return connection, response

    def request(self, method, path, body=None, headers=None):
        """One request, one whole answer."""
        connection, response = self.open(method, path, body, headers)
        try:
            return Answer(response.status, response.headers, response.read(), path)
        finally:
            connection.close()

    def get(self, path, follow=False, headers=None):
        """GET of a page, as a browser asks; with `follow` the redirects on this host are followed."""
        headers = NAVIGATION if headers is None else headers
        for _ in range(MOST_REDIRECTS):
            answer = self.request("GET", path, headers=headers)
            if not follow or answer.status not in REDIRECTS:
                return answer
            path = self.local(answer.headers["Location"], path)
        raise AssertionError(f"more than {MOST_REDIRECTS} redirects, last to {path}")

    def local(self, location, base):
        """A Location as a path of this host; a redirect to another host fails the test."""
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://{self.host}:{self.port}{base}", location))
        assert parts.netloc == f"{self.host}:{self.port}", f"redirected away: {location}"
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def post_form(self, path, fields, headers=None):
        """POST of an HTML form. Values are text, or bytes to send them as they are."""
        body = urllib.parse.urlencode(fields)
        return self.request(
            "POST", path, body.encode(),
            {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
        )

    # -- the hub ------------------------------------------------------------------------------

    def try_login(self, user, password, following="/hub/home"):
        """Loads the form and sends it; returns the answer, whatever it is."""
        form = self.get("/hub/login")
        assert form.status == 200, f"login form: {form.status} {form.text[:500]}"
        fields = {"username": user, "password": password, "_xsrf": form.input("_xsrf"), "next": following}
        return self.post_form("/hub/login", fields)

    def login(self, user, password):
        """Logs in and fails the test when that does not work."""
        answer = self.try_login(user, password)
        assert answer.status in REDIRECTS, (
            f"login of {user} answered {answer.status}: {answer.element('login-error') or answer.text[:800]}"
        )
        self.get(self.local(answer.headers["Location"], "/hub/login"), follow=True)
        return self

    def hub_form(self, path, page="/hub/home", fields=None):
        """POST of a form that stands on one of the hub's own pages, with that page's XSRF value."""
        source = self.get(page, follow=True)
        return self.post_form(path, {"_xsrf": source.input("_xsrf"), **(fields or {})})

    def agree(self, page):
        """Sends the hub's consent page as it stands, and follows the way back to who asked."""
        form = next((form for form in re.findall(r"<form\b.*?</form>", page.text, re.DOTALL) if 'name="scopes"' in form), None)
        assert page.status == 200 and form, f"no consent page at {page.path}: {page.status} {page.text[:800]}"
        fields = []
        for tag in re.findall(r"<input\b[^>]*>", form):
            name, value = (re.search(rf'\b{key}="([^"]*)"', tag) for key in ("name", "value"))
            if name and name.group(1) in ("_xsrf", "scopes"):
                fields.append((name.group(1), html.unescape(value.group(1))))
        answer = self.post_form(page.path, fields)
        assert answer.status in REDIRECTS, f"consent: {answer.status} {answer.text[:800]}"
        return self.get(self.local(answer.headers["Location"], page.path), follow=True)

    def api(self, method, path, body=None):
        """A call of the hub's REST API with the login cookie and the XSRF header."""
        headers = {"Accept": "application/json"}
        xsrf = next((c.value for (n, w), c in self.cookies.items() if n == "_xsrf" and w.endswith("/hub/")), None)
        if xsrf:
            headers["X-XSRFToken"] = xsrf
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        return self.request(method, f"/hub/api{path}", data, headers)

    def events(self, path, headers=None):
        """The JSON texts of a server-sent event stream, one by one, until it ends or the deadline."""
        connection, response = self.open("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        try:
            assert response.status == 200, f"{path}: {response.status} {response.read()[:500]!r}"
            assert response.headers["Content-Type"].startswith("text/event-stream")
            for line in response:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])
        finally:
            connection.close()
