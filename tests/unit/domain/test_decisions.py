"""Of all decisions about a File the latest of each topic counts, and each has a value that can be."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.decisions import MAX_TAGS, Decision, DecisionType, InForce, checked_value, in_force
from app.domain.errors import CesarError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
THEN = datetime(2024, 5, 6, 12, 33, 21, tzinfo=UTC)

decisions = st.one_of(
    st.builds(Decision, st.just(DecisionType.TIMESTAMP_OVERRIDE), st.none() | st.just(THEN), st.just(NOW)),
    st.builds(Decision, st.just(DecisionType.TAG_ASSIGNMENT), st.sampled_from([(), ("a",), ("a", "b")]), st.just(NOW)),
    st.builds(
        Decision,
        st.sampled_from([DecisionType.KEEP_DUPLICATE, DecisionType.DISCARD_DUPLICATE]),
        st.none(),
        st.just(NOW),
    ),
)


def decided(kind: DecisionType, value: object = None) -> Decision:
    """A decision with a value as a person gives it."""
    return Decision(kind, checked_value(kind, value, NOW), NOW)


def test_nothing_decided_is_nothing_in_force() -> None:
    """A File is kept, without tags, with the time that was found out."""
    assert in_force([]) == InForce(None, False, ())


@given(st.lists(decisions), decisions)
def test_topics_do_not_touch_each_other(before: list[Decision], last: Decision) -> None:
    """A decision settles its own topic, whatever came before, and leaves the others as they were."""
    earlier, now = in_force(before), in_force([*before, last])
    alone = in_force([last])
    match last.type:
        case DecisionType.TIMESTAMP_OVERRIDE:
            assert now == InForce(alone.recorded_at, earlier.discarded, earlier.tags)
        case DecisionType.TAG_ASSIGNMENT:
            assert now == InForce(earlier.recorded_at, earlier.discarded, alone.tags)
        case _:
            assert now == InForce(earlier.recorded_at, alone.discarded, earlier.tags)


def test_every_effect_can_be_undone() -> None:
    """null takes a time back, keeping brings a copy back, an empty list removes the tags."""
    done = [
        decided(DecisionType.TIMESTAMP_OVERRIDE, "2024-05-06T14:33:21+02:00"),
        decided(DecisionType.DISCARD_DUPLICATE),
        decided(DecisionType.TAG_ASSIGNMENT, ["talk"]),
    ]
    assert in_force(done) == InForce(THEN, True, ("talk",))
    undone = [
        decided(DecisionType.TIMESTAMP_OVERRIDE),
        decided(DecisionType.KEEP_DUPLICATE),
        decided(DecisionType.TAG_ASSIGNMENT, []),
    ]
    assert in_force([*done, *undone]) == InForce()


def test_tags_are_cleaned() -> None:
    """Blanks at the ends and doubled ones go, the same tag counts once, the order stays."""
    value = checked_value(DecisionType.TAG_ASSIGNMENT, ["  two   words ", "a", "two words", "e\u0301", "\u00e9"], NOW)
    assert value == ("two words", "a", "\u00e9")


def test_a_copy_is_discarded_for_a_reason() -> None:
    """The reason is kept as one line; without one nothing is made up."""
    assert checked_value(DecisionType.DISCARD_DUPLICATE, " the  phone's\ncopy ", NOW) == "the phone's copy"
    assert checked_value(DecisionType.KEEP_DUPLICATE, None, NOW) is None


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("timestamp_override", "2024-05-06T14:33:21", "with its offset"),
        ("timestamp_override", "yesterday", "with its offset"),
        ("timestamp_override", 1715006001, "with its offset"),
        ("timestamp_override", "2026-01-03T00:00:00Z", "future"),
        ("timestamp_override", "0001-01-01T00:00:00+14:00", "with its offset"),
        ("timestamp_override", "9999-12-31T23:59:59-05:00", "with its offset"),
        ("timestamp_override", "0204-05-06T14:33:21+02:00", "before 1857"),
        ("tag_assignment", None, "list of tags"),
        ("tag_assignment", "talk", "list of tags"),
        ("tag_assignment", [1], "list of tags"),
        ("tag_assignment", [""], "visible characters"),
        ("tag_assignment", ["a\u202eb"], "visible characters"),
        ("tag_assignment", ["x" * 51], "visible characters"),
        ("tag_assignment", [str(number) for number in range(MAX_TAGS + 1)], "50 tags"),
        ("keep_duplicate", " ", "or a reason"),
        ("keep_duplicate", "x" * 501, "or a reason"),
        ("discard_duplicate", "a\u0000b", "or a reason"),
        ("discard_duplicate", [], "or a reason"),
    ],
)
def test_other_values_are_refused(kind: str, value: object, told: str) -> None:
    """The refusal says what is allowed."""
    with pytest.raises(CesarError, match=told) as caught:
        checked_value(DecisionType(kind), value, NOW)
    assert caught.value.code == "bad_value"


def test_times_long_ago_are_a_persons_business() -> None:
    """A tape of 1961 may be dated; a moment ahead is a clock of another zone."""
    assert checked_value(DecisionType.TIMESTAMP_OVERRIDE, "1961-01-20T12:00:00-05:00", NOW) is not None
    ahead = (NOW + timedelta(hours=23)).isoformat()
    assert checked_value(DecisionType.TIMESTAMP_OVERRIDE, ahead, NOW) == NOW + timedelta(hours=23)
