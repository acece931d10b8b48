"""Owns what holds for all tests: how property tests look for examples, and how threads of models wait.

`make test` looks always at the same examples (Hypothesis' profile `ci`), `make soak` at many new ones.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "campaign", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)

# Several tests share the cores; OpenMP's threads would wait for each other in a loop and take them from the others.
os.environ.update(OMP_WAIT_POLICY="passive", KMP_BLOCKTIME="0")
