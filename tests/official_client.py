"""OpenAI's own client, pointed at a running server, and requests that it would never send."""

import socket
from pathlib import Path
from typing import Any

import httpx2
import openai

from tests.running_server import RunningServer, wait_for

MODEL = "whisper-1"
TWO = "Segment number 0. Segment number 1."


def client_of(server: RunningServer, **settings: Any) -> openai.OpenAI:
    """The official client, which would otherwise repeat what was refused."""
    given = {"max_retries": 0, "timeout": 60, **settings}
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none-needed", **given)


def newest_task(server: RunningServer) -> dict[str, Any]:
    """The Task that was made last."""
    task: dict[str, Any] = server.http.get("/tasks", params={"per_page": 1}).json()["tasks"][0]
    return task


def refusal(problem: openai.APIStatusError) -> dict[str, Any]:
    """The body of an error, which has exactly OpenAI's fields."""
    error: dict[str, Any] = problem.response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def begin(server: RunningServer, silence: Path, headers: dict[str, str] | None = None, **form: str) -> socket.socket:
    """Send a request, and wait until it is a Task; its answer is not read, and closing the socket hangs up."""
    request = httpx2.Request(
        "POST",
        f"http://127.0.0.1:{server.port}/v1/audio/transcriptions",
        files={"file": ("a.wav", silence.read_bytes())},
        data={"model": MODEL, **form},
        headers=headers,
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    peer = socket.create_connection(("127.0.0.1", server.port))
    peer.sendall(f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.read())
    wait_for(lambda: server.http.get("/tasks").json()["total"] == 1, 20)
    return peer
