"""Progress: stages, anchors, the meter."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.progress import (
    ANCHORS,
    STALLED_FACTOR,
    STALLED_GRACE_SECONDS,
    ProgressMeter,
    StageEstimate,
    TaskProgressStage,
    percentage_of,
)

RUNNING = [TaskProgressStage.DOWNLOADING, TaskProgressStage.TRANSCRIBING, TaskProgressStage.FORMATTING]


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_stages_are_those_of_the_domain() -> None:
    """The server's stages begin at queued and end at complete; uploading is the client's own."""
    assert [stage.value for stage in TaskProgressStage] == [
        "queued", "downloading", "transcribing", "aligning", "diarizing", "formatting", "complete",
    ]  # fmt: skip


def test_anchors_follow_each_other() -> None:
    """A stage begins where the one before ends."""
    bounds = [ANCHORS[stage] for stage in list(TaskProgressStage)[1:-1]]
    assert [last for _, last in bounds[:-1]] == [first for first, _ in bounds[1:]]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == 99


def test_percentage_moves_continuously_between_anchors() -> None:
    """Half of transcribing is half-way from 10 to 40."""
    assert percentage_of(TaskProgressStage.TRANSCRIBING, 0.0) == 10
    assert percentage_of(TaskProgressStage.TRANSCRIBING, 0.5) == 25
    assert percentage_of(TaskProgressStage.TRANSCRIBING, 1.0) == 40
    assert percentage_of(TaskProgressStage.COMPLETE, 1.0) == 100


@given(st.lists(st.tuples(st.sampled_from(RUNNING), st.floats(-1, 2), st.floats(0, 5)), max_size=60))
def test_percentages_never_fall(reports: list[tuple[TaskProgressStage, float, float]]) -> None:
    """Whatever is reported, in whatever order, the percentage never falls and stays within 0..100."""
    clock = Clock()
    meter = ProgressMeter(clock=clock)
    shown = [0]
    for stage, fraction, pause in reports:
        clock.now += pause
        progress = meter.advance(stage, fraction)
        if progress is not None:
            assert 0 <= progress.stage_percentage <= 100
            shown.append(progress.percentage)
    assert shown == sorted(shown)
    assert shown[-1] <= 100


def test_a_stage_change_is_told_at_once() -> None:
    """The first report of a stage does not wait for the interval."""
    clock = Clock()
    meter = ProgressMeter(clock=clock)
    assert meter.advance(TaskProgressStage.DOWNLOADING, 0.0) is not None
    assert meter.advance(TaskProgressStage.TRANSCRIBING, 0.0) is not None


def test_within_the_interval_reports_wait() -> None:
    """At most ten values a second go out for a Task."""
    clock = Clock()
    meter = ProgressMeter(clock=clock)
    meter.advance(TaskProgressStage.TRANSCRIBING, 0.0)
    told = []
    for step in range(1, 101):
        clock.now = step / 100
        told.append(meter.advance(TaskProgressStage.TRANSCRIBING, step / 101))
    assert 8 <= sum(progress is not None for progress in told) <= 10


def test_the_end_of_a_stage_is_told_at_once() -> None:
    """A stage that reaches its end is shown at 100 %."""
    clock = Clock()
    meter = ProgressMeter(clock=clock)
    meter.advance(TaskProgressStage.TRANSCRIBING, 0.0)
    done = meter.advance(TaskProgressStage.TRANSCRIBING, 1.0)
    assert done is not None
    assert (done.percentage, done.stage_percentage) == (40, 100)


def test_eta_begins_with_the_plan_and_follows_the_pace() -> None:
    """The estimate is the plan at first; a run twice as slow shows in it as it goes on."""
    clock = Clock()
    meter = ProgressMeter((StageEstimate(TaskProgressStage.TRANSCRIBING, 100.0),), clock=clock)
    first = meter.advance(TaskProgressStage.TRANSCRIBING, 0.0)
    assert first is not None
    assert first.eta_seconds == 100.0
    clock.now = 100.0
    middle = meter.advance(TaskProgressStage.TRANSCRIBING, 0.5)
    assert middle is not None
    assert middle.eta_seconds is not None
    assert 50.0 < middle.eta_seconds <= 100.0


def test_without_a_plan_the_pace_alone_decides() -> None:
    """A quarter done in 10 s leaves 30 s."""
    clock = Clock()
    meter = ProgressMeter(clock=clock)
    meter.advance(TaskProgressStage.TRANSCRIBING, 0.0)
    clock.now = 10.0
    quarter = meter.advance(TaskProgressStage.TRANSCRIBING, 0.25)
    assert quarter is not None
    assert quarter.eta_seconds == 30.0


def test_a_stage_over_its_estimate_is_stalled() -> None:
    """Nothing moves: the sign appears once the stage took twice its plan and some grace, not before."""
    clock = Clock()
    meter = ProgressMeter((StageEstimate(TaskProgressStage.TRANSCRIBING, 10.0),), clock=clock)
    meter.advance(TaskProgressStage.TRANSCRIBING, 0.5)
    clock.now = 10.0 * STALLED_FACTOR + STALLED_GRACE_SECONDS - 1
    before = meter.check()
    assert before is not None
    assert not before.stalled
    clock.now += 2
    after = meter.check()
    assert after is not None
    assert after.stalled


def test_a_meter_begins_where_the_attempt_stands() -> None:
    """After a download the percentage goes on from there, and before the first report nothing is said."""
    clock = Clock()
    meter = ProgressMeter(clock=clock, floor=10)
    clock.now = 5.0
    assert meter.check() is None
    first = meter.advance(TaskProgressStage.DOWNLOADING, 0.1)
    assert first is not None
    assert first.percentage == 10
