"""The protocol document and the code say the same."""

import re
from pathlib import Path
from typing import get_args

from app.schemas.socket import Command, Heartbeat, Ok, Pong, Problem, Subscribed, Unsubscribed

PROTOCOL = (Path(__file__).parents[4] / "docs" / "protocol.md").read_text()


def test_every_command_is_documented_with_its_fields() -> None:
    """A row for each command; every field of its own is named there."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", PROTOCOL, re.MULTILINE))
    for command in get_args(Command):
        (name,) = get_args(command.model_fields["type"].annotation)
        missing = [field for field in set(command.model_fields) - {"type", "id"} if field not in rows[name]]
        assert missing == [], name


def test_every_answer_is_documented() -> None:
    """Each type of message a server sends beside events, and each field beyond those of an event."""
    for answer in (Subscribed, Unsubscribed, Ok, Pong, Heartbeat, Problem):
        assert re.search(rf"[`\"]{answer.model_fields['type'].default}[`\"]", PROTOCOL)
    for field in (set(Subscribed.model_fields) | Problem.optional) - {"type"}:
        assert re.search(rf"[`\"]{field}[`\"]", PROTOCOL), field
