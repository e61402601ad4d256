"""Fixtures of the system tier: the shared machine, fresh machines, browsers."""
import contextlib
import os

import pytest

from harness import clients, container, image, package, paths
from harness.browser import Browser
from harness.hub import Hub


def pytest_collection_modifyitems(items):
    """The journal gate judges what all other tests left behind, so it goes last."""
    items.sort(key=lambda item: "test_journal_gate" in item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def _ready():
    assert os.geteuid() == 0, "the system tier needs root: sudo tests/run system"
    container.remove_leftovers()
    paths.OUT.mkdir(exist_ok=True)


@pytest.fixture(scope="session")
def layers(deb):
    """The file tree of a Debian 13 machine with the package installed."""
    return package.installed(deb)


@pytest.fixture(scope="session")
def base_layers():
    """The file tree of a Debian 13 machine that never saw the package."""
    return [image.base("trixie")]


@pytest.fixture(scope="session")
def shared(layers):
    """The machine that tests share; they leave configuration and servers as they found them."""
    with container.Container(layers, "shared") as machine:
        yield Hub(machine)


@pytest.fixture
def hub(shared):
    """The shared machine with no server running; a test that fails tells where to look."""
    yield shared
    shared.stop_all()


@pytest.fixture
def fresh(layers):
    """A machine of the test's own, to be broken at will."""
    with container.Container(layers, "fresh") as machine:
        yield Hub(machine)


@pytest.fixture(scope="module")
def module_hub(layers):
    """A machine for one test file, for tests that change the configuration."""
    with container.Container(layers, "module") as machine:
        yield Hub(machine)


@pytest.fixture(scope="session")
def client_layers(deb):
    """The file tree of a Debian 13 machine with JupyterHub's own programs and the package."""
    return package.installed(deb, below=clients.layers())


@pytest.fixture(scope="module")
def clients_hub(client_layers):
    """A machine for one test file, with JupyterHub's own programs."""
    with container.Container(client_layers, "clients") as machine:
        made = Hub(machine)
        yield made
        complaints = [entry["MESSAGE"] for entry in machine.journal("--priority=err", "-u", "hub.service", "-u", "hub-broker.service")]
        assert complaints == [], complaints


@pytest.fixture
def browser(request):
    """Opens browsers on a hub's machine: browser(hub, languages="zh-CN,zh")."""
    with contextlib.ExitStack() as stack:
        def opened(hub, languages="en"):
            made = stack.enter_context(Browser(hub.container, languages))
            request.node.browser = made
            return made

        yield opened


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed browser test leaves a picture of what the person saw."""
    outcome = yield
    report = outcome.get_result()
    made = getattr(item, "browser", None)
    if report.when == "call" and report.failed and made is not None and made.driver is not None:
        target = paths.OUT / "failed" / f"{item.name}.png"
        with contextlib.suppress(Exception):
            made.screenshot(target)
            report.sections.append(("browser", f"{made.driver.current_url}\npicture: {target}"))
