"""Sending: signed, bounded in time, without redirects, and never to an address inside."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from standardwebhooks import Webhook

from app.infrastructure.webhooks.sender import HttpSender
from app.services.webhook_service import Delivery
from tests.fakes.webhook_receiver import Reply, WebhookReceiver

KEY = bytes(range(32))
BODY = b'{"type":"job.completed"}'
NOW = 1_800_000_000


@pytest.fixture
def receive() -> Iterator[Callable[..., WebhookReceiver]]:
    started: list[WebhookReceiver] = []

    def start(reply: Reply | None = None) -> WebhookReceiver:
        started.append(WebhookReceiver(lambda _: reply or Reply()))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


def delivery(url: str, body: bytes = BODY) -> Delivery:
    return Delivery(1, "c0ffee", url, body, 1, datetime.now(UTC))


def test_a_receiver_can_verify_what_it_gets(receive: Callable[..., WebhookReceiver]) -> None:
    """The reference library accepts id, time and signature of a request that a real server received."""
    receiver = receive()
    outcome = HttpSender(KEY, frozenset({receiver.host})).send(delivery(receiver.url))
    assert outcome.is_delivered
    (got,) = receiver.received
    assert Webhook(KEY).verify(got.body, got.headers) == {"type": "job.completed"}
    assert got.headers["webhook-id"] == "c0ffee"
    assert got.headers["content-type"] == "application/json"
    assert got.path == "/hush/hook?key=hush"


def test_a_large_message_arrives_whole(receive: Callable[..., WebhookReceiver]) -> None:
    """A body of several pieces is sent byte for byte."""
    receiver = receive()
    body = b'"' + b"x" * 300_000 + b'"'
    assert HttpSender(KEY, frozenset({"127.0.0.1"})).send(delivery(receiver.url, body)).is_delivered
    assert receiver.received[0].body == body


def test_a_redirect_is_not_followed(receive: Callable[..., WebhookReceiver]) -> None:
    """3xx is an answer that is not 2xx; what it points to is never asked."""
    elsewhere = receive()
    receiver = receive(Reply(307, (("Location", elsewhere.url),)))
    outcome = HttpSender(KEY, frozenset({"127.0.0.1"})).send(delivery(receiver.url))
    assert (outcome.status_code, outcome.is_delivered, outcome.is_final) == (307, False, False)
    assert elsewhere.received == []


def test_a_private_address_is_refused_without_a_connection(receive: Callable[..., WebhookReceiver]) -> None:
    """An address inside is given up with its reason, and nothing arrives there; the reason holds no query."""
    receiver = receive()
    outcome = HttpSender(KEY).send(delivery(receiver.url))
    assert outcome.refused
    assert "127.0.0.1" in outcome.reason
    assert "hush" not in outcome.reason
    assert receiver.received == []


def test_a_name_that_leads_inside_is_refused(receive: Callable[..., WebhookReceiver]) -> None:
    """What a name stands for is checked at the moment of connecting; one private answer among public ones is enough."""
    receiver = receive()
    sender = HttpSender(KEY, resolver=lambda host, port: ["93.184.215.14", "127.0.0.1"])
    outcome = sender.send(delivery(f"http://hooks.example.org:{receiver.port}/"))
    assert outcome.refused
    assert receiver.received == []


def test_a_receiver_that_does_not_answer_is_left(receive: Callable[..., WebhookReceiver]) -> None:
    """After its time the sending ends, to be tried again."""
    receiver = receive(Reply(delay=5))
    begun = time.monotonic()
    outcome = HttpSender(KEY, frozenset({"127.0.0.1"}), seconds=0.5).send(delivery(receiver.url))
    assert time.monotonic() - begun < 3
    assert (outcome.status_code, outcome.is_final, outcome.timed_out) == (None, False, True)


def test_an_endless_answer_is_not_read() -> None:
    """The outcome is known from the head; a body that never ends holds up nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
            try:
                while True:
                    connection.sendall(bytes(65_536))
            except OSError:
                ended.set()

    threading.Thread(target=answer, daemon=True).start()
    begun = time.monotonic()
    outcome = HttpSender(KEY, frozenset({"127.0.0.1"})).send(delivery(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
    listener.close()
    assert outcome.is_delivered
    assert time.monotonic() - begun < 5
    assert ended.wait(5)


@pytest.mark.parametrize("said", [b"", b"not HTTP at all\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_nonsense_is_an_outcome(said: bytes) -> None:
    """A connection that closes, or speaks something else, is a failure to be tried again."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(said)

    threading.Thread(target=answer, daemon=True).start()
    outcome = HttpSender(KEY, frozenset({"127.0.0.1"})).send(
        delivery(f"http://127.0.0.1:{listener.getsockname()[1]}/a?key=hush")
    )
    listener.close()
    assert (outcome.status_code, outcome.is_final) == (None, False)
    assert outcome.reason
    assert "hush" not in outcome.reason


def test_nobody_listening_is_an_outcome(receive: Callable[..., WebhookReceiver]) -> None:
    """A refused connection is tried again."""
    receiver = receive()
    receiver.close()
    outcome = HttpSender(KEY, frozenset({"127.0.0.1"})).send(delivery(receiver.url))
    assert (outcome.status_code, outcome.is_final, outcome.timed_out) == (None, False, False)
    assert outcome.reason.startswith("127.0.0.1:")


@pytest.mark.parametrize("url", ["http://[", "http://exa\x00mple.org/", "nonsense"])
def test_an_address_that_is_none_is_an_outcome(url: str) -> None:
    """Whatever stands in the table, sending raises nothing."""
    assert not HttpSender(KEY).send(delivery(url)).is_delivered


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("120", 120),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW - 90, usegmt=True), 0),
        ("soon", None),
        ("-5", None),
        ("9" * 400, 999_999_999),
        ("Fri, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 251_602_387_139),
        ("Fri, 01 Jan 2027 12:00:99999999999 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(
    receive: Callable[..., WebhookReceiver], said: str, expected: float | None
) -> None:
    """Both forms of the header are understood, nonsense is not, and a number of any length does no harm."""
    receiver = receive(Reply(503, (("Retry-After", said),)))
    sender = HttpSender(KEY, frozenset({"127.0.0.1"}), clock=lambda: NOW)
    assert sender.send(delivery(receiver.url)).retry_after == expected


@pytest.mark.parametrize("said", ["120", "Fri, 01 Jan 99999999999999999999 00:00:00 GMT"])
def test_who_has_it_is_not_asked_when_to_try_again(receive: Callable[..., WebhookReceiver], said: str) -> None:
    """Of a 2xx, `Retry-After` means nothing, whatever it says."""
    receiver = receive(Reply(200, (("Retry-After", said),)))
    outcome = HttpSender(KEY, frozenset({"127.0.0.1"})).send(delivery(receiver.url))
    assert (outcome.is_delivered, outcome.retry_after) == (True, None)


def test_each_sending_has_its_own_time_and_signature(receive: Callable[..., WebhookReceiver]) -> None:
    """A message that is tried again is signed anew, or its receiver would take it for an old one that somebody repeats."""
    receiver, clock = receive(), iter([NOW, NOW + 3600])
    sender = HttpSender(KEY, frozenset({"127.0.0.1"}), clock=lambda: next(clock))
    for _ in range(2):
        sender.send(delivery(receiver.url))
    first, second = (got.headers for got in receiver.received)
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == (str(NOW), str(NOW + 3600))
    for headers in (first, second):
        sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        assert headers["webhook-signature"] == Webhook(KEY).sign("c0ffee", sent_at, BODY.decode())
    assert first["webhook-signature"] != second["webhook-signature"]
