"""Owns what is warm: loaded models by key, each lent to one run at a time, and let go when nobody wants them."""

import contextlib
import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from app.core.logging import logger
from app.domain.errors import Cancelled, CesarError
from app.domain.ports import RunControl
from app.infrastructure.engines.background_call import stray_calls

Thing = TypeVar("Thing")
Key = tuple[str, ...]

STRAY_SECONDS: Final = 10.0
"""How long a run waits for the stray call of the one before it; then what it holds is given up for a fresh copy."""

_WAIT_SECONDS: Final = 0.1


@dataclass(slots=True)
class _Warm(Generic[Thing]):
    thing: Thing
    idle_since: float


class Lending(Generic[Thing]):
    """Things of one kind, at most `most` of them. Safe from several threads.

    A thing on which a stray call still runs is not lent before that call ended.
    """

    def __init__(self, kind: str, ttl_seconds: float, clock: Callable[[], float], most: int = 2) -> None:
        self._kind = kind
        self._ttl = ttl_seconds
        self._clock = clock
        self._most = most
        self._warm: dict[Key, _Warm[Thing]] = {}
        self._busy: set[Key] = set()  # lent, or being loaded for a run
        self._changed = threading.Condition()
        self._owes_memory = False

    def take(self, key: Key, load: Callable[[], Thing], control: RunControl) -> None:
        """Have the thing of this key, loaded if it is not here; nobody else gets it before `lent` ends.

        Raises what `load` raises; `Cancelled` while another run has it.
        """
        with self._changed:
            self._wait_for(key, control)
            self._busy.add(key)
            if key in self._warm:
                return
            self._make_room()
        try:
            thing = load()
        except BaseException:
            self._free(key)
            raise
        with self._changed:
            self._warm[key] = _Warm(thing, self._clock())

    @contextlib.contextmanager
    def lent(self, key: Key) -> Iterator[Thing]:
        """What was taken, for the length of a run. What may be broken by the run's failure is dropped."""
        try:
            yield self._warm[key].thing  # no name for it: it has to be free of us when it is given back
        except BaseException as problem:
            self._give_back(key, failed=True, broken=_may_be_broken(problem))
            if isinstance(problem, Cancelled):
                return_memory()  # a graphics card should be free within the seconds that a cancel may take
            raise
        else:
            self._give_back(key)

    def sweep(self, now: float | None = None) -> int:
        """Drop the things whose time is up at `now` (default: the clock's); how many that were."""
        now = self._clock() if now is None else now
        with self._changed:
            dropped = self._drop([key for idle_since, key in self._idle() if now - idle_since >= self._ttl])
            self._pay_memory()
            return dropped

    def keys(self) -> tuple[Key, ...]:
        """What is warm."""
        with self._changed:
            return tuple(self._warm)

    def clear(self) -> None:
        """Drop everything that is not lent."""
        with self._changed:
            self._drop([key for _, key in self._idle()])

    def _give_back(self, key: Key, *, failed: bool = False, broken: bool = False) -> None:
        with self._changed:
            self._warm[key].idle_since = self._clock()
            if broken:
                self._drop([key])
            self._owes_memory |= failed  # the failure that is on its way still holds on to some
        self._free(key)
        if self._ttl == 0:
            self.sweep()

    def _wait_for(self, key: Key, control: RunControl) -> None:
        waited_from: float | None = None
        while True:
            if key in self._busy:
                waited_from = None
            elif not self._is_haunted(key):
                return
            elif waited_from is None:
                waited_from = time.monotonic()
            elif time.monotonic() - waited_from >= STRAY_SECONDS:
                self._drop([key] if key in self._warm else [])
                return
            self._changed.wait(_WAIT_SECONDS)
            control.check()

    def _is_haunted(self, key: Key) -> bool:
        warm = self._warm.get(key)
        return bool(stray_calls((self._kind, *key)) or (warm is not None and stray_calls(warm.thing)))

    def _free(self, key: Key) -> None:
        with self._changed:
            self._busy.discard(key)
            self._changed.notify_all()

    def _idle(self) -> list[tuple[float, Key]]:
        """Things that nobody has, the longest idle first."""
        return sorted((warm.idle_since, key) for key, warm in self._warm.items() if key not in self._busy)

    def _make_room(self) -> None:
        excess = len(self._warm) - self._most + 1
        self._drop([key for _, key in self._idle()[: max(0, excess)]])
        self._pay_memory()

    def _drop(self, keys: list[Key]) -> int:
        for key in keys:
            del self._warm[key]
            logger.info("model_dropped", kind=self._kind, what=" ".join(key))
        if keys:
            return_memory()
        return len(keys)

    def _pay_memory(self) -> None:
        if self._owes_memory:
            self._owes_memory = False
            return_memory()


def _may_be_broken(problem: BaseException) -> bool:
    """What the catalogue names was foreseen and left nothing behind, except where memory ran out or nobody knows what broke."""
    if isinstance(problem, CesarError):
        return problem.code in ("out_of_memory", "diarization_failed")
    return not isinstance(problem, Cancelled | GeneratorExit | KeyboardInterrupt)


def return_memory() -> None:
    """Give the memory of dropped models back: pipelines hold themselves in cycles, torch and the C library keep pools."""
    gc.collect()
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)  # None while another thread is still importing torch
    if cuda is not None and cuda.is_available():
        cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
