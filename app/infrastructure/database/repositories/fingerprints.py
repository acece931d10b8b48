"""Owns the statements about fingerprints: kept with their search keys, and looked for by them (SQLite's `json_each`)."""

from collections.abc import Collection, Sequence
from typing import Final

import orjson
from sqlalchemy import delete, insert, literal, select, text
from sqlmodel import Session, col

from app.domain.sound import SoundPrint
from app.models import File, Fingerprint, FingerprintKey
from app.services.duplicate_store import SimilarFile

_FEWEST_SHARED: Final = 2
_MOST: Final = 200
_OLDEST_OF_A_KEY: Final = 1000
"""How many Files are looked at under one key: of thousands of copies of one recording the oldest are found."""

# The inner question is asked once for every probe, and its answer ends the walk along that key.
_CANDIDATES: Final = text(
    "SELECT same.file_id, count(*) AS shared FROM json_each(:probes) AS probe CROSS JOIN fingerprint_keys AS same "
    "WHERE same.key = probe.value AND same.file_id <= coalesce((SELECT file_id FROM fingerprint_keys "
    "WHERE key = probe.value ORDER BY file_id LIMIT 1 OFFSET :oldest), :all) "
    "GROUP BY same.file_id HAVING shared >= :fewest AND same.file_id <> :itself "
    "ORDER BY shared DESC, same.file_id LIMIT :most"
)
_ALL: Final = 2**63 - 1


class FingerprintRepository:
    """Fingerprints, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def has(self, file: File, version: int) -> bool:
        """Whether its fingerprint of this version is stored."""
        known = select(col(Fingerprint.file_id)).where(
            col(Fingerprint.file_id) == file.id, col(Fingerprint.version) == version
        )
        return self._session.execute(known).first() is not None

    def store(self, file: File, sound: SoundPrint) -> None:
        """Keep a File's fingerprint in the place of any other."""
        self._clear(file)
        values = {"file_id": file.id, "version": sound.version, "data": sound.data}
        self._session.execute(insert(Fingerprint).values(**values))
        self._session.execute(insert(FingerprintKey), [{"key": key, "file_id": file.id} for key in set(sound.keys)])
        file.file_hash_perceptual = sound.perceptual_hash
        self._session.add(file)
        self._session.flush()

    def store_nothing(self, file: File, version: int) -> None:
        """Keep that there is nothing in it to tell it from anything else, so that nobody listens to it again."""
        self._clear(file)
        self._session.execute(insert(Fingerprint).values(file_id=file.id, version=version, data=b""))

    def next_unheard(self, version: int, after: int) -> File | None:
        """The first File with bytes and without a fingerprint of this version, by row id, beyond `after`."""
        heard = select(col(Fingerprint.file_id)).where(
            col(Fingerprint.file_id) == col(File.id), col(Fingerprint.version) == version
        )
        unheard = select(File).where(col(File.id) > after, col(File.storage_path).is_not(None), ~heard.exists())
        return self._session.scalars(unheard.order_by(col(File.id)).limit(1)).one_or_none()

    def copy(self, source: File, target: File) -> None:
        """Give a File the fingerprint, if there is one, of another one with the same bytes."""
        self._clear(target)
        prints = select(literal(target.id), col(Fingerprint.version), col(Fingerprint.data))
        keys = select(col(FingerprintKey.key), literal(target.id))
        self._session.execute(
            insert(Fingerprint).from_select(
                ["file_id", "version", "data"], prints.where(col(Fingerprint.file_id) == source.id)
            )
        )
        self._session.execute(
            insert(FingerprintKey).from_select(["key", "file_id"], keys.where(col(FingerprintKey.file_id) == source.id))
        )
        target.file_hash_perceptual = source.file_hash_perceptual
        self._session.add(target)
        self._session.flush()

    def candidates(self, file: File, probes: Sequence[int]) -> list[SimilarFile]:
        """Other Files under whose keys these are, most in common first; the time it takes does not grow with their number."""
        values = {
            "probes": orjson.dumps(sorted(probes)).decode(),
            "oldest": _OLDEST_OF_A_KEY,
            "all": _ALL,
            "fewest": _FEWEST_SHARED,
            "itself": file.id,
            "most": _MOST,
        }
        shared: dict[int, int] = {row[0]: row[1] for row in self._session.execute(_CANDIDATES, values)}
        hashes = select(col(File.id), col(File.file_hash_perceptual), col(File.file_hash_sha256))
        rows = self._session.execute(hashes.where(col(File.id).in_(shared))).all()
        found = [SimilarFile(row, shared[row], perceptual, sha256) for row, perceptual, sha256 in rows]
        return sorted(found, key=lambda similar: (-similar.shared, similar.row))

    def data(self, rows: Collection[int], version: int) -> dict[int, bytes]:
        """Stored fingerprints of this version, by row id."""
        stored = select(col(Fingerprint.file_id), col(Fingerprint.data)).where(
            col(Fingerprint.file_id).in_(rows), col(Fingerprint.version) == version
        )
        return {row[0]: row[1] for row in self._session.execute(stored)}

    def _clear(self, file: File) -> None:
        self._session.execute(delete(FingerprintKey).where(col(FingerprintKey.file_id) == file.id))
        self._session.execute(delete(Fingerprint).where(col(Fingerprint.file_id) == file.id))
