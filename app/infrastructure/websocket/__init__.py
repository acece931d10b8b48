"""The way of an event: from any thread into the log, and from the log to many sockets."""

from app.infrastructure.websocket.connection_manager import ConnectionManager, connection_manager
from app.infrastructure.websocket.progress_emitter import ProgressEmitter, get_progress_emitter, progress_emitter

__all__ = ["ConnectionManager", "ProgressEmitter", "connection_manager", "get_progress_emitter", "progress_emitter"]
