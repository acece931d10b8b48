"""Owns the close codes of sockets: what each one says, and whether a client should come back."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CloseCode:
    """One entry: `code` goes over the wire, `name` is for logs, `meaning` for people.

    1000 says that all is done. Otherwise below 4500 = come back (with `after`, after a moment), 4500 and above = stay away.
    """

    code: int
    name: str
    meaning: str

    @property
    def come_back(self) -> bool:
        """Whether a client should connect again by itself."""
        return self.code != 1000 and self.code < 4500


DONE: Final = CloseCode(1000, "done", "The final event was sent.")
INTERNAL: Final = CloseCode(1011, "internal", "The server failed, or the peer answered no more pings.")
GOING_AWAY: Final = CloseCode(4000, "going_away", "The server is going away; wait `reconnect_after` seconds.")
SLOW_CONSUMER: Final = CloseCode(4008, "slow_consumer", "Too much was waiting; resume with `after`.")
TOO_MANY_REQUESTS: Final = CloseCode(4029, "too_many_requests", "Too many commands in a short time.")
BAD_MESSAGE: Final = CloseCode(4500, "bad_message", "The address of the socket holds a value that is not allowed.")
CONNECTION_LIMIT: Final = CloseCode(4504, "connection_limit", "The server has as many connections as it accepts.")
MESSAGE_TOO_BIG: Final = CloseCode(4509, "message_too_big", "A message was larger than 64 KiB.")
UNKNOWN_TASK: Final = CloseCode(4540, "unknown_task", "There is no such Task.")

CLOSE_CODES: Final = {
    entry.code: entry
    for entry in (
        DONE,
        CloseCode(1002, "protocol_error", "A frame broke the rules of RFC 6455."),
        CloseCode(1007, "invalid_text", "A text message was not UTF-8."),
        CloseCode(1009, "frame_too_big", "A message was so large that it was not read."),
        INTERNAL,
        CloseCode(1012, "service_restart", "The server is restarting."),
        GOING_AWAY,
        SLOW_CONSUMER,
        TOO_MANY_REQUESTS,
        BAD_MESSAGE,
        CONNECTION_LIMIT,
        MESSAGE_TOO_BIG,
        UNKNOWN_TASK,
    )
}
"""Every code with which this server ends a socket."""
