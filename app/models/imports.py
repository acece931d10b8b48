"""Owns the table of what was taken in from folders, so that nothing is taken twice."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel


class ImportSource(SQLModel, table=True):
    """The file at `path` (absolute, on this machine), with this size in bytes and this time of change, is `file_id` in the library."""

    __tablename__ = "import_sources"

    id: int = Field(default=None, primary_key=True)
    path: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    size_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    modified_ns: int = Field(sa_column=Column(BigInteger, nullable=False))
    file_id: int = Field(
        sa_column=Column(Integer, ForeignKey("files.id", ondelete="CASCADE"), nullable=False, index=True)
    )
