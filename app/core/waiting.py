"""Owns waiting for an event of the loop for a limited time."""

import asyncio


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, at most `seconds`; whether it was. Always ends when it is cancelled.

    `asyncio.wait_for` of Python 3.11 keeps a cancellation to itself when the event is set in the same moment
    (python/cpython#86296, mended in 3.12): whoever was cancelled would go on for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
