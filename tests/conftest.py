"""Owns how property tests look for examples: always the same ones in `make test` (profile `ci`), many new ones in `make soak`."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "campaign", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
