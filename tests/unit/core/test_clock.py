"""The clock: the time of day in UTC."""

import time
from datetime import timedelta

from app.core.clock import utc_now


def test_time_is_utc_with_offset() -> None:
    """The present moment knows its offset, which is none."""
    assert utc_now().utcoffset() == timedelta(0)
    assert abs(utc_now().timestamp() - time.time()) < 60
