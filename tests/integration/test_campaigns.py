"""The promises about accepted Tasks and events, in their short form; `tests/soak` has the long one."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaigns.kills import Follower, KillCampaign
from tests.running_server import RunningServer


@pytest.mark.timeout(420)
def test_25_kills_over_200_tasks(serve: Callable[..., RunningServer], silence: Path) -> None:
    """Whoever saw a 202 gets one result: nothing lost, nothing doubled, no hole in any history, back within seconds."""
    server = serve(lease_seconds=10, max_attempts=100).start()
    verdict = KillCampaign(server, silence, tasks=200, kills=25, seed=20).run(360)
    assert (verdict.acknowledged, verdict.kills) == (200, 25)
    assert verdict.unfinished == []
    assert verdict.doubled == []
    assert verdict.holes == []


@pytest.mark.timeout(300)
def test_8000_events_are_heard_once_each(serve: Callable[..., RunningServer], silence: Path) -> None:
    """A socket, one that resets itself every 0.3 s and an event stream hear every number once and in order, a poller sees
    them rise, while the server is killed and restarted."""
    server = serve(lease_seconds=10).start()
    tasks = [server.submit(silence, initial_prompt="segments=1000 delay=0.002")[0] for _ in range(8)]
    ways = ("socket", "resetting", "stream", "poller")
    followers = {(task_id, way): Follower(server, task_id, way) for task_id in tasks for way in ways}
    for follower in followers.values():
        follower.start()
    for _ in range(3):
        time.sleep(3)
        server.kill()
        server.start(wait=False)
        server.wait_until_it_answers()
    for follower in followers.values():
        follower.join(240)
    heard = 0
    for task_id in tasks:
        newest = server.task(task_id)["seq"]
        for way in ways[:3]:
            assert followers[task_id, way].seqs == list(range(1, newest + 1)), way
        polled = followers[task_id, "poller"].seqs
        assert polled == sorted(set(polled))
        assert polled[-1] == newest
        heard += newest
    assert heard >= 8000
