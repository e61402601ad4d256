"""What the tiers share: the package under test, and the figures that are told at the end."""
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from harness import package, paths  # noqa: E402

_figures = []

# Whoever ends a run has its machines taken down, as with Ctrl-C.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter):
    """The measured figures, in one place."""
    if _figures:
        terminalreporter.section("figures")
        for line in _figures:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def deb():
    """The package under test."""
    return package.build()


@pytest.fixture(scope="session")
def figure(request):
    """figure("cold request", "31 ms"): a line for the end of the run and for tests/out/figures-<report>.txt.

    The report is what `--junitxml` names, else the tier.
    """
    paths.OUT.mkdir(exist_ok=True)
    report = request.config.option.xmlpath
    name = Path(report).stem if report else request.session.items[0].path.parent.name
    file = paths.OUT / f"figures-{name}.txt"
    file.unlink(missing_ok=True)

    def tell(name, value):
        line = f"{name}: {value}"
        _figures.append(line)
        print(line, flush=True)
        with open(file, "a", encoding="utf-8") as out:
            out.write(line + "\n")

    return tell
