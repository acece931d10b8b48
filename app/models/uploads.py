"""Owns the table of uploads that come in pieces: how much of which recording is here, and until when the rest is waited for."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel

from app.core.clock import utc_now
from app.models.columns import UtcDateTime


class Upload(SQLModel, table=True):
    """One recording on its way in; its Task exists already. `length` and `offset` in bytes; gone when all of it is here.

    `storage_name` is where the bytes wait, `upload_metadata` the client's `Upload-Metadata` as it came.
    """

    __tablename__ = "uploads"
    __table_args__ = (CheckConstraint('"offset" >= 0 AND "offset" <= "length"', name="ck_uploads_offset"),)

    id: int = Field(default=None, primary_key=True)
    uuid: str = Field(default_factory=lambda: str(uuid4()), max_length=36, unique=True)
    task_id: int = Field(
        sa_column=Column(Integer, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False, unique=True)
    )
    storage_name: str = Field(max_length=64)
    length: int = Field(sa_column=Column(BigInteger, nullable=False))
    offset: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    upload_metadata: str = Field(default="", sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    created_at: datetime = Field(default_factory=utc_now, sa_column=Column(UtcDateTime, nullable=False))
