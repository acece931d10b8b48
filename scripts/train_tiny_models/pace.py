"""Owns how long training goes on and how fast it learns: a time budget, a warm-up, a cosine down."""

import math
import time
from collections.abc import Iterator
from typing import Any, Final

WARM_UP_STEPS: Final = 80
FLOOR: Final = 0.03


def steps(optimizer: Any, seconds: float, rate: float, name: str) -> Iterator[int]:
    """Step numbers until the time is over; sets the learning rate before each."""
    started = time.monotonic()
    number = 0
    while (elapsed := time.monotonic() - started) < seconds:
        warm = min(1.0, (number + 1) / WARM_UP_STEPS)
        cosine = 0.5 * (1 + math.cos(math.pi * elapsed / seconds))
        for group in optimizer.param_groups:
            group["lr"] = rate * warm * (FLOOR + (1 - FLOOR) * cosine)
        yield number
        number += 1
    print(f"{name}: {number} steps", flush=True)


def say(name: str, number: int, loss: Any) -> None:
    """Print the loss of every 20th step."""
    if number % 20 == 0:
        print(f"{name}: step {number}, loss {float(loss):.3f}", flush=True)
