"""Services of the configuration as the broker runs them: units, variables, secrets, the way to them."""
import json

import pytest

from harness.wait import wait_for

TOKEN = "a0123456789-TOKEN-of-the-service_9"
PROGRAM = "/usr/local/bin/service.py"
UNIT = "hub-service@grades.service"
SOCKET = "hub-service-forward@grades.socket"
CONFIGURATION = f"""
[[service]]
name = "grades"
url = "http://127.0.0.1:9999"
command = ["python3", "{PROGRAM}", "9999"]
environment = {{ DATABASE = 'a "b" $c `d` e\\f', JUPYTERHUB_USER = "mallory" }}
restart = "always"

[[service]]
name = "other"
command = ["python3", "{PROGRAM}", "9998"]

[[service]]
name = "outside"
url = "http://127.0.0.1:9998"

[[service]]
name = "broken"
url = "http://127.0.0.1:9997"
command = ["/nowhere/program"]
"""
TELLS_ITS_ENVIRONMENT = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({**os.environ, "uid": os.getuid(), "path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def ask(hub, name, user="_hubd"):
    """What the service answers at its socket, None when it does not."""
    told = hub.run(
        ["curl", "--silent", "--unix-socket", f"/run/hub/services/{name}/s", f"http://x/services/{name}/"],
        user=user, check=False,
    ).stdout
    return json.loads(told) if told else None


def units(hub):
    """Everything of services that systemd has loaded."""
    listed = hub.container.json(["systemctl", "list-units", "--all", "--output=json", "hub-service*@*"])
    return {unit["unit"] for unit in listed}


@pytest.fixture
def services(module_hub):
    module_hub.container.write(PROGRAM, TELLS_ITS_ENVIRONMENT)
    module_hub.configure(CONFIGURATION)
    yield module_hub
    for name in ("grades", "other", "outside", "broken"):
        module_hub.ask_broker("StopService", name)
    assert units(module_hub) == set()
    assert module_hub.shell("ls -A /run/hub/secrets /run/hub/services").split() == [
        "/run/hub/secrets:", "/run/hub/services:",
    ]


def test_a_service_runs_with_its_contract_and_nobody_sees_its_secrets(services):
    unit, invocation = json.loads(services.ask_broker("StartService", "grades", TOKEN).stdout)["data"]
    assert unit == UNIT
    assert services.container.show(UNIT, "InvocationID") == invocation
    told = wait_for("the service to answer", lambda: ask(services, "grades"), 20)
    assert told["path"] == "/services/grades/"
    assert told["JUPYTERHUB_API_TOKEN"] == told["JPY_API_TOKEN"] == TOKEN
    assert told["JUPYTERHUB_API_URL"] == "http://127.0.0.1:8000/hub/api"
    assert told["JUPYTERHUB_SERVICE_URL"] == "http://127.0.0.1:9999"
    assert told["JUPYTERHUB_SERVICE_PREFIX"] == "/services/grades/"
    assert told["JUPYTERHUB_USER"] == "", "the hub's variables win"
    assert told["DATABASE"] == 'a "b" $c `d` e\\f'
    seen = services.shell(f"systemctl show {UNIT}; systemctl cat {UNIT}; cat /run/systemd/transient/*", user="bob")
    assert TOKEN not in seen and "DATABASE" not in seen
    for path in ("/run/hub/secrets", "/run/hub/services/grades"):
        assert services.run(["ls", path], user="bob", check=False).returncode != 0
    assert ask(services, "grades", user="bob") is None
    again = services.ask_broker("StartService", "grades", TOKEN, check=False)
    assert again.returncode != 0 and "is running" in again.stderr


def test_a_service_that_dies_comes_back_with_its_token(services):
    services.ask_broker("StartService", "grades", TOKEN)
    wait_for("the service to answer", lambda: ask(services, "grades"), 20)
    services.run(["systemctl", "kill", "--signal=KILL", UNIT])
    wait_for("systemd to start it again", lambda: services.container.show(UNIT, "NRestarts") == "1", 20)
    told = wait_for("the service to answer", lambda: ask(services, "grades"), 20)
    assert told["JUPYTERHUB_API_TOKEN"] == TOKEN


def test_two_services_without_an_account_are_two_accounts(services):
    services.ask_broker("StartService", "grades", TOKEN)
    services.ask_broker("StartService", "other", TOKEN)
    accounts = {services.container.show(f"hub-service@{name}.service", "User") for name in ("grades", "other")}
    assert len(accounts) == 2


def test_a_service_that_somebody_else_runs_gets_a_forwarder_to_where_it_is_now(services):
    services.ask_broker("StartService", "grades", TOKEN)
    services.ask_broker("StartService", "other", TOKEN)
    unit, _ = json.loads(services.ask_broker("StartService", "outside", "").stdout)["data"]
    assert unit == "hub-service-forward@outside.socket"
    told = wait_for("the other service", lambda: ask(services, "outside"), 20)
    assert told["JUPYTERHUB_SERVICE_NAME"] == "other"
    assert services.ask_broker("StartService", "outside", "", check=False).returncode != 0
    services.configure(CONFIGURATION.replace("http://127.0.0.1:9998", "http://127.0.0.1:9999").replace(
        'name = "grades"\nurl = "http://127.0.0.1:9999"', 'name = "grades"'))
    services.ask_broker("StartService", "outside", "")
    assert wait_for("the first service", lambda: ask(services, "outside"), 20)["JUPYTERHUB_SERVICE_NAME"] == "grades"


def test_a_program_that_is_not_there_leaves_nothing_behind(services):
    told = services.ask_broker("StartService", "broken", TOKEN, check=False)
    assert told.returncode != 0 and "the program cannot be executed" in told.stderr
    assert units(services) == set()


@pytest.mark.parametrize("name, token, sentence", [
    ("grades", "short", "A token has 16 to 128"),
    ("grades", "", "needs one"),
    ("nothere", TOKEN, "no service nothere"),
    ("../x", TOKEN, "no name the hub takes"),
])
def test_what_cannot_be_started_is_refused_with_a_reason(services, name, token, sentence):
    told = services.ask_broker("StartService", name, token, check=False)
    assert told.returncode != 0 and sentence in told.stderr
    assert units(services) == set()
