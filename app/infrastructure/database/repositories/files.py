"""Owns the statements about Files."""

from sqlmodel import Session, col, select

from app.domain.errors import CesarError
from app.models import File, JobFile, Task


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
        """Whether any Task still points to it."""
        return self._session.exec(select(Task.id).where(Task.file_id == file.id).limit(1)).first() is not None

    def remove(self, file: File) -> None:
        """Delete the row and its places in Jobs."""
        for link in self._session.exec(select(JobFile).where(JobFile.file_id == file.id)).all():
            self._session.delete(link)
        self._session.flush()
        self._session.delete(file)
        self._session.flush()

    def storage_keys(self) -> set[str]:
        """Keys of all stored bytes that a File points to."""
        rows = self._session.exec(select(File.storage_path).where(col(File.storage_path).is_not(None))).all()
        return {key for key in rows if key}
