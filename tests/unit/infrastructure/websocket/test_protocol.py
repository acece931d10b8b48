"""What is used of uvicorn beyond its documentation is still there."""

import inspect
import logging

from starlette.applications import Starlette
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from app.core.config import Settings
from app.infrastructure.websocket.protocol import (
    HTTP_INTERNALS,
    WEBSOCKET_INTERNALS,
    DeadlineHttpProtocol,
    FramesProtocol,
)
from app.infrastructure.websocket.serving import uvicorn_options


def test_uvicorn_still_has_what_the_protocols_build_on() -> None:
    """A release of uvicorn that moves one of these names fails here, by its name."""
    for protocol, names in ((WebSocketsSansIOProtocol, WEBSOCKET_INTERNALS), (HttpToolsProtocol, HTTP_INTERNALS)):
        source = inspect.getsource(protocol)
        missing = {name for name in names if f"self.{name}" not in source and not hasattr(protocol, name)}
        assert not missing, f"uvicorn's {protocol.__name__} has lost {sorted(missing)}"


async def test_uvicorn_still_takes_the_protocols() -> None:
    """Both can be made as uvicorn makes them, from our options."""
    config = Config(Starlette(), **uvicorn_options(Settings()))
    config.load()
    assert config.ws_protocol_class is FramesProtocol
    assert config.http_protocol_class is DeadlineHttpProtocol
    socket = FramesProtocol(config, ServerState(), {})
    assert socket.frames_ready
    DeadlineHttpProtocol(config, ServerState(), {})


def test_what_is_said_on_sockets_is_not_logged_even_at_debug() -> None:
    """The sockets' library writes whole frames to the log at debug; uvicorn's never gets there."""
    options = uvicorn_options(Settings(log_level="debug"))
    assert options["log_level"] == "info"
    assert uvicorn_options(Settings(log_level="error"))["log_level"] == "error"


def test_a_query_string_is_not_logged(caplog) -> None:
    """What stands behind the question mark may be a secret."""
    with caplog.at_level(logging.INFO, "uvicorn.error"):
        logging.getLogger("uvicorn.error.sockets").info(
            '%s - "WebSocket %s" [accepted]', "127.0.0.1:1", "/ws?ticket=hush"
        )
    assert caplog.messages == ['127.0.0.1:1 - "WebSocket /ws" [accepted]']
