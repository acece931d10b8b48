"""Owns the statements about Files."""

from sqlmodel import Session, col, select

from app.domain.errors import CesarError
from app.infrastructure.database.repositories.duplicates import hand_on
from app.models import File, Job, JobFile, Task, Upload


class FileRepository:
    """Files, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, file: File) -> File:
        """Store a new File; its `id` is known afterwards."""
        self._session.add(file)
        self._session.flush()
        return file

    def get(self, uuid: str) -> File:
        """Raises `CesarError("file_not_found")`."""
        file = self._session.exec(select(File).where(File.uuid == uuid)).one_or_none()
        if file is None:
            raise CesarError("file_not_found")
        return file

    def is_used(self, file: File) -> bool:
        """Whether it is there for a reason: a Task points to it, or it was imported."""
        return (
            file.imported
            or self._session.exec(select(Task.id).where(Task.file_id == file.id).limit(1)).first() is not None
        )

    def remove(self, file: File) -> None:
        """Delete the row and its places in Jobs; Files that are its exact duplicates stay duplicates of each other."""
        hand_on(self._session, file)
        for link in self._session.exec(select(JobFile).where(JobFile.file_id == file.id)).all():
            self._session.delete(link)
        self._session.flush()
        self._session.delete(file)
        self._session.flush()

    def storage_keys(self) -> set[str]:
        """Keys of all stored bytes that a File, an upload, or a Job with an archive, points to."""
        media = self._session.exec(select(File.storage_path).where(col(File.storage_path).is_not(None))).all()
        archives = self._session.exec(select(Job.output_path).where(col(Job.output_path).is_not(None))).all()
        arriving = self._session.exec(select(Upload.storage_name)).all()
        return {key for key in (*media, *archives, *arriving) if key}
