"""The API against its own description: a fuzzer that reads it finds no 5xx and no answer that is not described."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import paths

API = "http://127.0.0.1:8000/hub/api"
# Seconds of the whole run; the examples are found by a fixed seed.
BUDGET = 900
EXAMPLES = 15
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_the_document_is_served_to_everybody_and_names_every_operation(hub):
    document = json.loads(hub.client().get("/hub/api/openapi.json").text)
    assert document["openapi"].startswith("3.")
    operations = sum(len(path) for path in document["paths"].values())
    assert operations > 60, operations


# Names that exist, so that calls get past "no such person"; without them every name is the fuzzer's own.
KNOWN = """
[parameters]
"path.user" = "alice"
"path.owner" = "alice"
"path.group" = "students"
"path.server" = "gpu"
"""


@pytest.mark.parametrize("names", ["", KNOWN], ids=["strange names", "names that exist"])
def test_a_fuzzer_finds_no_server_error_and_no_undocumented_answer(module_hub, names, tmp_path):
    hub = module_hub
    hub.configure("[login]\nadmins = [\"boss\"]\nadmin_access = true\n[server]\nnamed_limit = 3\n")
    hub.logged_in("boss")
    hub.logged_in("alice")
    token = hub.run(["hubctl", "token", "create", "boss"]).stdout.strip()
    hub.run(["hubctl", "group", "create", "students"], check=False)
    hub.run(["hubctl", "start", "alice:gpu"], check=False)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(names)
    report = paths.OUT / f"schemathesis-{'known' if names else 'strange'}.xml"
    fuzzer = Path(sys.executable).parent / "schemathesis"
    # What ends the hub, and the stream of a start, are tested elsewhere.
    left_out = ["--exclude-path", "/shutdown", "--exclude-path-regex", "/progress$"]
    if names:
        # The person and the group have to stay.
        left_out += ["--exclude-path", "/users/{user}", "--exclude-path", "/groups/{group}"]
    done = subprocess.run(
        [
            "nsenter", "--target", str(hub.container.pid), "--net", str(fuzzer), "--config-file", str(configuration),
            "run", f"{API}/openapi.json", "--header", f"Authorization: token {token}", "--checks", CHECKS, "--seed", "1",
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--generation-database", "none",
            *left_out, "--continue-on-failure", "--no-color", "--report", "junit", "--report-junit-path", str(report),
            "--warnings", "off", "--request-timeout", "30",
        ],
        capture_output=True, text=True, timeout=BUDGET, check=False,
    )
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-2000:]
    assert int(re.search(r"(\d+) generated", done.stdout).group(1)) > 1000, done.stdout[-2000:]
    # The hub is none the worse for it.
    assert hub.client().get("/hub/api/").status == 200
    assert hub.run(["systemctl", "is-active", "hub.service"]).stdout.strip() == "active"
