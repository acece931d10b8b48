"""Owns what a request would be transcribed with now, for comparing it with what an older transcript was made with."""

from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.options import TranscriptionOptions
from app.infrastructure.engines.choice import choose, is_factory
from app.services.reuse import WouldRun


def would_run(settings: Settings, options: TranscriptionOptions) -> WouldRun:
    """Engine and model; unknown where nothing can run, or where an engine of one's own decides. May ask the model hub."""
    try:
        choice = choose(settings, options)
    except CesarError:
        return WouldRun()
    return WouldRun() if is_factory(choice.engine) else WouldRun(choice.engine, choice.model)
