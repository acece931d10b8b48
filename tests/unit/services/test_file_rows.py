"""What is written down about a recording when its bytes arrive, whichever way they came."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.media import MediaStream, TimeTag
from app.domain.options import TranscriptionOptions
from app.domain.ports import MediaFacts
from app.domain.recording_time import ConfidenceLevel
from app.models import File
from app.services.file_rows import file_row
from app.services.submission import ArrivedFile, Submission
from tests.workbench import FACTS, Workbench

MADE = datetime(2024, 5, 6, 14, 33, 21, tzinfo=UTC)
TOLD = MediaFacts(
    "audio/mp4",
    12.5,
    "mov,mp4",
    "aac",
    44_100,
    2,
    (MediaStream("audio", "aac", "deu", 44_100, 2), MediaStream("data")),
    (TimeTag("container", "creation_time", "2024-05-06T14:33:21Z"), TimeTag("container", "date", "1904-01-01")),
)


def test_all_facts_are_written_down(bench: Workbench) -> None:
    """Hash, size, type, length, streams without empty fields, and when it was recorded."""
    stored = bench.store_bytes(b"12345")
    row = file_row(ArrivedFile("2024-05-06 16.33.30.m4a", stored, TOLD, MADE), ZoneInfo("Europe/Berlin"))
    assert (row.storage_path, row.file_hash_sha256, row.file_size_bytes) == (stored.key, stored.sha256, 5)
    assert (row.mime_type, row.duration_seconds) == ("audio/mp4", 12.5)
    assert row.streams == [
        {"type": "audio", "codec": "aac", "language": "deu", "sample_rate": 44_100, "channels": 2},
        {"type": "data"},
    ]
    assert (row.detected_timestamp, row.timestamp_source, row.confidence) == (MADE, "exif", ConfidenceLevel.HIGH)


def test_every_candidate_is_kept(bench: Workbench) -> None:
    """Also those that cannot be, and which one was believed."""
    row = file_row(ArrivedFile("2024-05-06 16.33.30.m4a", bench.store_bytes(), TOLD, MADE), UTC)
    kept = [(each["source"], each["raw"], each["plausible"], each["chosen"]) for each in row.timestamp_candidates or ()]
    assert kept == [
        ("exif", "2024-05-06T14:33:21Z", True, True),
        ("exif", "1904-01-01", False, False),
        ("filename", "2024-05-06 16.33.30", True, False),
        ("filesystem", "2024-05-06T14:33:21+00:00", True, False),
    ]


def test_nothing_found_is_said(bench: Workbench) -> None:
    """Without any source there is no time, and no confidence in it."""
    row = file_row(ArrivedFile("talk.wav", bench.store_bytes(), FACTS), UTC)
    assert (row.detected_timestamp, row.timestamp_source, row.confidence) == (None, None, ConfidenceLevel.NONE)
    assert row.timestamp_candidates == []


def test_it_survives_the_database(bench: Workbench) -> None:
    """What a submission brings can be read again."""
    arrived = ArrivedFile("a.m4a", bench.store_bytes(), TOLD, MADE + timedelta(days=3))
    job_id = bench.jobs.submit(Submission(TranscriptionOptions(), files=(arrived,)))
    with bench.store.read() as tx:
        (file,) = tx.jobs.get(job_id).files
        assert (file.detected_timestamp, file.confidence) == (MADE, ConfidenceLevel.MEDIUM)
        assert file.timestamp_candidates is not None
        assert [each["source"] for each in file.timestamp_candidates] == ["exif", "exif", "filesystem"]
        assert file.streams is not None
        assert file.streams[0]["codec"] == "aac"


def test_a_download_gets_the_same_facts(bench: Workbench) -> None:
    """When the bytes behind a URL arrive they are dated like an upload, by the name that the other server gave."""
    job_id = bench.jobs.submit(Submission(TranscriptionOptions(), url="http://example.org/x"))
    claim = bench.tasks.claim("worker", to_fetch=True)
    assert claim is not None
    bench.tasks.arrived(claim.lease, bench.store_bytes(), TOLD, "GMT20240506-143321_Recording.m4a")
    with bench.store.read() as tx:
        (file,) = tx.jobs.get(job_id).files
        assert isinstance(file, File)
        assert (file.original_filename, file.original_path) == ("GMT20240506-143321_Recording.m4a",) * 2
        assert (file.detected_timestamp, file.timestamp_source, file.confidence) == (MADE, "exif", ConfidenceLevel.HIGH)
        assert file.streams is not None
