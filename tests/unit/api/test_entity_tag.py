"""Whether a client has what an ETag stands for."""

import pytest

from app.api.entity_tag import is_known


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False), ("", False), ('"a-1-0"', True), ('W/"a-1-0"', True), ('"x", W/"a-1-0" ,"y"', True), ("*", True), (" * ", True),
        ('"a-1"', False), ('"x","y"', False), ("a-1-0", False),
    ],
)  # fmt: skip
def test_what_if_none_match_names(header: str | None, known: bool) -> None:
    """A tag, one of a list, one that a proxy made weak, and any: all are compared by what they name."""
    assert is_known(header, '"a-1-0"') is known
    assert is_known(header, 'W/"a-1-0"') is known
