"""Waiting for an event of the loop."""

import asyncio
import time

import pytest

from app.core.waiting import is_set_within


async def test_an_event_is_waited_for() -> None:
    """It tells whether the event came, and waits no longer than it may."""
    event = asyncio.Event()
    begun = time.monotonic()
    assert not await is_set_within(event, 0.05)
    assert time.monotonic() - begun >= 0.04
    asyncio.get_running_loop().call_later(0.05, event.set)
    assert await is_set_within(event, 30)


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_is_never_lost(turns: int) -> None:
    """Cancelled just when the event is set, so many turns of the loop later: who waits again and again ends."""
    event = asyncio.Event()

    async def wait_for_ever() -> None:
        while True:
            event.clear()
            await is_set_within(event, 30)

    waiter = asyncio.create_task(wait_for_ever())
    await asyncio.sleep(0.01)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    waiter.cancel()
    done, _ = await asyncio.wait([waiter], timeout=2)
    assert done == {waiter}
    assert waiter.cancelled()
