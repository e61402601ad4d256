"""The way to a person's server: streams, WebSockets, large files, and what is taken off on the way."""
import base64
import hashlib
import json
import os
import urllib.parse
from pathlib import Path

import pytest
import websocket

from harness import paths
from harness.http import REDIRECTS
from harness.hub import timed
from harness.jupyter import terminal_output
from harness.wait import wait_for

MEGABYTE = 1 << 20
LARGE = 200 * MEGABYTE
# What hubd may ever have needed while 200 MB went both ways: bodies are streamed, not kept.
MOST_MEMORY = 96 * MEGABYTE
LARGE_DEADLINE = 180.0
SOON = 10.0


@pytest.fixture(scope="module")
def lab(shared):
    """Alice's real JupyterLab, entered through the gate."""
    found = shared.start(shared.logged_in("alice"), "alice").enter()
    yield found
    shared.stop_all()


@pytest.fixture(scope="module")
def echo(module_hub):
    """A server that shows what reaches it."""
    source = (paths.TESTS / "harness" / "echo_server.py").read_text()
    module_hub.container.write("/usr/local/bin/echo-server", source, 0o755)
    module_hub.configure('[server]\ncommand = ["/usr/local/bin/echo-server"]\n')
    found = module_hub.start(module_hub.logged_in("alice"), "alice").enter()
    yield found
    module_hub.stop_all()


def echoed(lab, headers=None, method="GET"):
    """The headers that reached the server, names in lower case."""
    answer = lab.client.request(method, lab.prefix + "echo?q=%2F", headers=headers)
    assert answer.status == 200, answer.text
    return [(name.lower(), value) for name, value in answer.json()["headers"]], answer


# -- the real JupyterLab ----------------------------------------------------------------------


def test_a_kernel_over_websocket_computes(lab):
    kernel = lab.kernel()
    assert kernel.execute("6*7") == "42"
    assert kernel.execute("import getpass; print(getpass.getuser())").strip() == "alice"
    kernel.close()


def test_much_output_of_a_kernel_arrives_whole(lab):
    kernel = lab.kernel()
    text = kernel.execute("for n in range(2000): print('x' * 1000)", deadline=60)
    assert len(text) == 2000 * 1001
    kernel.close()


def test_a_terminal_over_websocket_runs_commands(lab):
    made = lab.api("POST", "terminals")
    assert made.status in (200, 201), made.text
    socket = lab.websocket(f"terminals/websocket/{made.json()['name']}")
    assert "user is alice" in terminal_output(socket, "echo user is $(id -un)", "user is alice")
    socket.close()


def test_jupyters_own_xsrf_and_origin_checks_stay_on(lab):
    path = lab.prefix + "api/contents"
    json_type = {"Content-Type": "application/json"}
    assert lab.client.request("POST", path, b"{}", json_type).status == 403
    evil = {**lab.headers(), **json_type, "Origin": "https://evil.example"}
    assert lab.client.request("POST", path, b"{}", evil).status in (403, 404)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        kernel = lab.kernel()
        lab.websocket(f"api/kernels/{kernel.identifier}/channels", origin="https://evil.example")
    assert refused.value.status_code == 403
    kernel.close()


def test_two_hundred_megabytes_go_up_and_down_intact_and_are_not_kept_in_memory(lab, shared, figure):
    """Up as JupyterLab's file browser does it (chunks) and in one request, down as a download."""
    lab.client.deadline = LARGE_DEADLINE
    content = os.urandom(MEGABYTE) * 200
    wanted = hashlib.sha256(content).hexdigest()

    def chunks():
        for number in range(200):
            part = content[number * MEGABYTE:(number + 1) * MEGABYTE]
            answer = lab.api("PUT", "contents/chunks.bin", {
                "type": "file", "format": "base64", "content": base64.b64encode(part).decode(),
                "chunk": -1 if number == 199 else number + 1,
            })
            assert answer.status in (200, 201), answer.text

    def one_request():
        body = b'{"type":"file","format":"base64","content":"' + base64.b64encode(content) + b'"}'
        headers = {**lab.headers(), "Content-Type": "application/json"}
        answer = lab.client.request("PUT", lab.prefix + "api/contents/whole.bin", body, headers)
        assert answer.status in (200, 201), answer.text[:500]

    def download(name):
        connection, response = lab.client.open("GET", f"{lab.prefix}files/{name}", headers=lab.headers())
        digest, length = hashlib.sha256(), 0
        while part := response.read(MEGABYTE):
            digest.update(part)
            length += len(part)
        connection.close()
        return response.status, length, digest.hexdigest()

    _, up_chunks = timed(chunks)
    _, up_whole = timed(one_request)
    on_disk = shared.run(["sha256sum", "/home/alice/chunks.bin", "/home/alice/whole.bin"]).stdout
    assert [line.split()[0] for line in on_disk.splitlines()] == [wanted, wanted]
    for name in ("chunks.bin", "whole.bin"):
        (answer, down) = timed(lambda name=name: download(name))
        assert answer == (200, LARGE, wanted)
    pid = shared.container.main_pid("hub.service")
    status = shared.run(["cat", f"/proc/{pid}/status"]).stdout
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    figure("200 MB through the proxy", f"up {up_chunks:.1f} s in chunks, {up_whole:.1f} s in one request; "
           f"down {down:.1f} s ({200 / down:.0f} MB/s); hubd's peak memory {peak / 1024:.0f} MiB")
    assert peak * 1024 < MOST_MEMORY
    shared.run(["rm", "/home/alice/chunks.bin", "/home/alice/whole.bin"])


def test_a_websocket_ends_when_the_server_does(hub):
    lab = hub.start(hub.logged_in("bob"), "bob").enter()
    kernel = lab.kernel()
    hub.run(["systemctl", "stop", "jupyter@bob"])
    assert kernel.is_cut(SOON)


def test_a_websocket_ends_when_its_person_logs_out(hub):
    client = hub.logged_in("bob")
    kernel = hub.start(client, "bob").enter().kernel()
    assert kernel.execute("1+1") == "2"
    assert client.get("/hub/logout").status in REDIRECTS
    assert kernel.is_cut(SOON)


def test_old_cookies_are_worth_nothing_after_log_out(hub):
    client = hub.logged_in("bob")
    lab = hub.start(client, "bob").enter()
    kept = dict(client.cookies)
    assert lab.api("GET", "status").status == 200
    client.get("/hub/logout")
    client.cookies = kept
    assert lab.api("GET", "status").status == 403
    assert client.get("/hub/home").status in REDIRECTS
    assert client.api("GET", "/user").status == 403


# -- a stopped server -------------------------------------------------------------------------


def test_api_calls_of_an_open_tab_get_424_as_json_when_the_server_is_stopped(hub):
    client = hub.logged_in("carol")
    lab = hub.start(client, "carol").enter()
    hub.stop(client, "carol")
    for method, path in [("GET", "contents"), ("POST", "kernels"), ("PUT", "contents/a.ipynb"), ("DELETE", "kernels/1")]:
        answer = lab.api(method, path, {} if method in ("POST", "PUT") else None)
        if answer.status in REDIRECTS:
            where = client.local(answer.headers["Location"], answer.path)
            answer = client.get(where, headers={"Accept": "application/json"})
        assert answer.status == 424, f"{method} {path}: {answer.status} {answer.text[:300]}"
        assert "/hub/spawn/carol" in answer.json()["message"]
    assert client.get("/hub/user/carol/api/kernels", headers={"Accept": "application/json"}).status == 424


def test_a_page_of_a_stopped_server_is_424_and_never_starts_it(hub):
    client = hub.logged_in("carol")
    answer = client.get("/user/carol/lab?x=1", follow=True)
    assert answer.status == 424 and 'id="start-server"' in answer.text
    assert not hub.is_up("carol")


def test_strangers_are_led_to_the_login_or_refused(hub):
    client = hub.client()
    page = client.get("/user/alice/lab")
    assert page.status in REDIRECTS and client.get("/user/alice/lab", follow=True).path.startswith("/hub/login")
    # What cannot follow a redirect is told at once that nothing runs there, whoever asks and whatever the name.
    for name in ("alice", "nobody-of-that-name"):
        assert client.request("POST", f"/user/{name}/api/kernels", b"{}").status == 424
    reading = client.get("/user/alice/api/status", headers={"Accept": "application/json"}, follow=True)
    assert reading.path.startswith("/hub/login")


# -- a server that shows what reaches it ------------------------------------------------------


def test_the_hubs_cookies_and_tokens_are_taken_off_and_the_servers_own_stay(echo):
    headers, _ = echoed(echo, {
        "Cookie": echo.client.cookie_header(echo.prefix + "echo") + "; mine=1; jupyterhub-hub-login=x",
        "Authorization": "token abc",
    })
    cookies = "; ".join(value for name, value in headers if name == "cookie")
    assert "mine=1" in cookies
    assert "jupyterhub-" not in cookies
    assert not any(name == "authorization" and "abc" in value for name, value in headers)


def test_forwarded_headers_of_a_client_are_not_believed(echo):
    headers, _ = echoed(echo, {
        "X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "evil.example", "Forwarded": "for=203.0.113.9",
    })
    text = json.dumps(headers)
    assert "203.0.113.9" not in text and "gopher" not in text and "evil.example" not in text
    assert dict(headers)["x-forwarded-for"].endswith("127.0.0.1")
    assert dict(headers)["x-forwarded-proto"] == "http"
    assert dict(headers)["host"] == "127.0.0.1:8000"


def test_hop_by_hop_headers_are_dropped_and_the_path_is_kept_as_sent(echo):
    headers, answer = echoed(echo, {
        "Connection": "keep-alive, X-Private", "X-Private": "1", "Keep-Alive": "timeout=5", "TE": "trailers",
        "Proxy-Authorization": "Basic x", "X-Public": "1",
    })
    names = {name for name, _ in headers}
    assert names.isdisjoint({"x-private", "keep-alive", "proxy-authorization"}) and "x-public" in names
    assert answer.json()["path"] == "/user/alice/echo?q=%2F"
    assert answer.headers["X-From-Server"] == "yes"


def test_head_has_no_body_and_keeps_its_length(echo):
    answer = echo.client.request("HEAD", echo.prefix + "echo")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["Content-Length"]) > 0


def test_server_sent_events_pass_one_by_one(echo):
    connection, response = echo.client.open("GET", echo.prefix + "events", headers={"Accept": "text/event-stream"})
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.readline() == b"data: 1\n", "the first event comes while the second is not yet made"
    assert echo.client.get(echo.prefix + "go").status == 200
    response.readline()
    assert response.readline() == b"data: 2\n"
    connection.close()


def test_a_request_body_passes_while_it_is_still_being_sent(echo):
    connection = echo.client.connection()
    connection.putrequest("POST", echo.prefix + "upload")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Cookie", echo.client.cookie_header(echo.prefix))
    connection.endheaders()
    part = b"x" * 100_000
    connection.send(b"%x\r\n%s\r\n" % (len(part), part))
    wait_for(
        "the first part to reach the server",
        lambda: echo.client.get(echo.prefix + "seen").json()["bytes"] >= len(part), SOON,
    )
    connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(part), part))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer == {"length": 2 * len(part), "sha256": hashlib.sha256(part * 2).hexdigest()}


def test_paths_cannot_climb_out_of_a_persons_address(echo):
    for path in ("/user/alice/../bob/echo", "/user/alice/%2e%2e/bob/echo", "/user/alice/..%2Fbob/echo", "/user//alice/echo"):
        answer = echo.client.get(path, headers={})
        assert answer.status in (*REDIRECTS, 400, 403, 404) or urllib.parse.unquote(
            answer.json()["path"]
        ).startswith("/user/alice/"), (path, answer.status)


def test_the_socket_is_where_the_design_says(echo, module_hub):
    told = module_hub.shell("stat -c '%A %U %G' /run/hub/servers /run/hub/servers/alice /run/hub/servers/alice/s")
    assert told.split("\n")[:3] == ["drwx--x--- root _hubd", "drwx--s--- alice _hubd", "srw-rw---- alice _hubd"]
    assert not Path("/run/hub/servers").exists(), "nothing of this touches the host"
