"""Owns the choice of who fetches the addresses that people name, by the settings."""

from importlib.util import find_spec

from app.core.config import Settings, SettingsError
from app.domain.ports import Fetcher
from app.infrastructure.storage.local import LocalStorage


def fetcher_for(settings: Settings, storage: LocalStorage) -> Fetcher:
    """Direct links; with `ytdlp` pages as well. Raises `SettingsError` if that is wanted and not installed."""
    # An HTTP client is a heavy thing, and the server's own process, which has to start fast, never needs one.
    from app.infrastructure.media.fetch import UrlFetcher  # noqa: PLC0415

    private = settings.download_allow_private
    direct = UrlFetcher(settings.max_upload_bytes, settings.download_timeout_seconds, private)
    refuse_missing_ytdlp(settings)
    if not settings.ytdlp:
        return direct
    from app.infrastructure.media.site_fetch import SiteFetcher  # noqa: PLC0415

    return SiteFetcher(
        direct,
        max_bytes=settings.max_upload_bytes,
        timeout_seconds=settings.download_timeout_seconds,
        memory_mb=settings.media_memory_mb,
        scratch=storage.scratch,
        allow_private=private,
    )


def refuse_missing_ytdlp(settings: Settings) -> None:
    """Raises `SettingsError` if yt-dlp is wanted and not installed."""
    if settings.ytdlp and find_spec("yt_dlp") is None:
        raise SettingsError("CESAR_YTDLP needs yt-dlp, which is not installed: pip install 'cesar[ytdlp]'.")
