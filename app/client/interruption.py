"""Owns what a Ctrl-C means: on a server the Tasks go on and the person learns how to stop them; without one they are cancelled."""

import sys
import time
from collections.abc import Sequence
from typing import Final

from app.client.display import Display
from app.client.service import Service, Unreachable
from app.client.story import Story
from app.domain.errors import CesarError

SECOND_THOUGHT_SECONDS: Final = 3.0


def interrupted(service: Service, stories: Sequence[Story], display: Display) -> None:
    """Tell, offer, and where nothing would go on by itself, cancel."""
    running = [story for story in stories if story.task_id is not None and not story.is_finished]
    if not running:
        display.problem("Interrupted.")
    elif service.outlives_us:
        _let_go_on(service, running, display)
    else:
        _cancel(service, running, display)


def _let_go_on(service: Service, running: Sequence[Story], display: Display) -> None:
    going_on = ", ".join(f"task {story.task_id} ({story.name})" for story in running)
    commands = (f"To cancel it: {service.how_to_cancel(job_id)}" for job_id in _jobs(running))
    display.problem(f"Interrupted; {service.place} goes on with {going_on}.", *commands)
    if not sys.stderr.isatty():
        return
    display.problem(f"Press Ctrl-C once more within {SECOND_THOUGHT_SECONDS:.0f} s to cancel now.")
    try:
        time.sleep(SECOND_THOUGHT_SECONDS)
    except KeyboardInterrupt:
        _cancel(service, running, display)


def _cancel(service: Service, running: Sequence[Story], display: Display) -> None:
    for job_id in _jobs(running):
        try:
            service.cancel(job_id)
        except (CesarError, Unreachable) as problem:
            display.problem(f"Job {job_id} could not be cancelled: {problem}.")
            return
    cancelled = ", ".join(f"task {story.task_id} ({story.name})" for story in running)
    display.problem(f"Cancelled {cancelled}; the recording stays in the library.")


def _jobs(running: Sequence[Story]) -> list[str]:
    return list(dict.fromkeys(story.job_id for story in running if story.job_id is not None))
