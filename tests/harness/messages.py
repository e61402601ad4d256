"""The journal's messages as docs/journal.md promises them: who writes them, with which id and at which level."""
import re
from dataclasses import dataclass

from harness import paths

LEVELS = {"error": "3", "warning": "4", "notice": "5", "info": "6"}


@dataclass(frozen=True)
class Message:
    """One row of docs/journal.md."""

    identifier: str
    level: str
    program: str
    # All its words.
    meaning: str


def documented():
    """Every row."""
    text = (paths.REPOSITORY / "docs/journal.md").read_text()
    rows = []
    for part in re.split(r"^From (?=`)", text, flags=re.MULTILINE)[1:]:
        program = part[1:].split("`")[0]
        for identifier, level, meaning in re.findall(r"^\| `([0-9a-f]{32})` \| (\w+) \| (.*?) \|", part, re.MULTILINE):
            rows.append(Message(identifier, level, program, meaning))
    assert len(rows) > 30, rows
    return rows


def message(meaning):
    """The one row that says this, or says this and more after a full stop."""
    found = [row for row in documented() if row.meaning == meaning or row.meaning.startswith(f"{meaning}. ")]
    assert len(found) == 1, f"docs/journal.md has no row, or more than one, that says {meaning!r}"
    return found[0]


def entries_of(entries, meaning):
    """Those that carry the id of these words; each is written by whom and as loudly as it is written down."""
    row = message(meaning)
    fitting = [entry for entry in entries if entry.get("MESSAGE_ID") == row.identifier]
    for entry in fitting:
        assert (entry["SYSLOG_IDENTIFIER"], entry["PRIORITY"]) == (row.program, LEVELS[row.level]), entry
    return fitting


def entry_of(entries, meaning):
    """The first of them."""
    fitting = entries_of(entries, meaning)
    assert fitting, f"{meaning}: no entry with {message(meaning).identifier}"
    return fitting[0]


def whose(entry):
    """(person, server, unit) of an entry about a server."""
    return entry.get("HUB_USER"), entry.get("HUB_SERVER"), entry.get("HUB_UNIT")
