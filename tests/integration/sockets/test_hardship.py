"""Peers that read too slowly, talk nonsense, say nothing, or come from elsewhere; and a server that has to go."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable

import httpx2
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from tests.integration.sockets.conftest import Client, Dial, World, long_segment, until, warning
from tests.integration.sockets.raw_peer import RawPeer

TEXT, BINARY, CLOSE, FIN = 1, 2, 8, 0x80


async def test_a_slow_watcher_is_closed_with_4008_and_nobody_else_notices(
    start_world: Callable[..., World], dial: Dial
) -> None:
    """Who does not read gets an `error` with the number to resume after, and 4008; the others get every event in time."""
    world = start_world(outbox_bytes=65536)
    (task,) = world.tasks.add()
    slow = dial(world.server.port, receive_buffer=4096)
    slow.shake_hands(f"/ws/tasks/{task}?after=0")
    async with world.connect(f"/ws/tasks/{task}?after=0") as good:
        hearing = asyncio.create_task(good.hear_until(lambda m: m["seq"] == 200))
        for _ in range(20):
            await asyncio.to_thread(world.log.append, [(task, long_segment(2000))] * 10)
        heard = await hearing
        assert [m["seq"] for m in heard[1:]] == list(range(1, 201))
        code = await asyncio.to_thread(slow.close_code)
    assert code == 4008


async def test_a_peer_that_never_reads_holds_no_file_descriptor(start_world: Callable[..., World], dial: Dial) -> None:
    """Its socket is freed within 15 s, although it neither reads nor hangs up."""
    world = start_world(outbox_bytes=65536)
    (task,) = world.tasks.add()
    async with world.connect(f"/ws/tasks/{task}") as good:
        await good.hear()
        before = world.server.sockets_open()
        peers = [dial(world.server.port, receive_buffer=4096) for _ in range(5)]
        for peer in peers:
            peer.shake_hands(f"/ws/tasks/{task}?after=0")
        assert world.server.sockets_open() == before + 5
        hearing = asyncio.create_task(good.hear_until(lambda m: m["seq"] == 200))
        for _ in range(200):
            await asyncio.to_thread(world.log.append, [(task, long_segment(4000))])
        await hearing
        assert await asyncio.to_thread(until, lambda: world.server.sockets_open() == before, 15)


async def test_an_event_stream_that_is_not_read_holds_no_file_descriptor(
    start_world: Callable[..., World], dial: Dial
) -> None:
    """The same over plain HTTP."""
    world = start_world(outbox_bytes=65536)
    (task,) = world.tasks.add()
    before = world.server.sockets_open()
    peer = dial(world.server.port, receive_buffer=4096)
    peer.socket.sendall(f"GET /tasks/{task}/events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert until(lambda: world.server.sockets_open() == before + 1)
    for _ in range(500):  # not all at once: only what goes out fills the buffers between the two ends
        world.log.append([(task, long_segment(8000))])
        await asyncio.sleep(0.01)
    assert await asyncio.to_thread(until, lambda: world.server.sockets_open() == before, 20)


@pytest.mark.parametrize(
    ("head", "payload", "masked", "code"),
    [
        (FIN | 0x40 | TEXT, b"{}", True, 1002),
        (FIN | 3, b"", True, 1002),
        (FIN, b"", True, 1002),
        (FIN | 9, b"x" * 126, True, 1002),
        (FIN | TEXT, b"{}", False, 1002),
        (FIN | CLOSE, b"x", True, 1002),
        (FIN | TEXT, b"\xff\xfe", True, 1007),
        (FIN | TEXT, b"x" * 300_000, True, 1009),
        (FIN | TEXT, b"x" * 70_000, True, 4509),
    ],
)
def test_a_malformed_frame_ends_its_socket_with_the_right_code(
    world: World, dial: Dial, *, head: int, payload: bytes, masked: bool, code: int
) -> None:
    """Broken rules 1002, broken text 1007, too much 1009 or 4509; the log gets one line at most, and no traceback."""
    peer = dial(world.server.port)
    assert b" 101 " in peer.shake_hands("/ws?secret=hush")
    assert until(lambda: any("connection open" in line for line in world.server.log))
    lines = len(world.server.log)
    peer.send_frame(head, payload, masked=masked)
    assert peer.close_code() == code
    time.sleep(0.2)
    logged = world.server.log[lines:]
    assert len(logged) <= 1
    assert not any("Traceback" in line or "hush" in line for line in world.server.log)


def test_no_frame_brings_the_server_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever bytes follow the handshake, the socket ends or goes on, and the next one is served."""
    world = World(tmp_path_factory.mktemp("frames"))
    world.start()
    allowed = 10  # what a start tells; then each socket's beginning and end, and each bad frame, one line

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300), st.booleans()), min_size=1, max_size=4))
    def bombard(frames: list[tuple[int, bytes, bool]]) -> None:
        peer = RawPeer(world.server.port)
        assert b" 101 " in peer.shake_hands("/ws")
        nonlocal allowed
        allowed += 3 + len(frames)
        try:
            for head, payload, masked in frames:
                peer.send_frame(head, payload, masked=masked)
            peer.send_frame(FIN | CLOSE, b"\x03\xe8")
            peer.close_code()
        except ConnectionError:
            pass  # it was cut off in the middle of its nonsense
        peer.close()

    try:
        bombard()
        assert len(world.server.log) <= allowed
        assert world.server.process.poll() is None
        assert not any("Traceback" in line for line in world.server.log)
    finally:
        world.close()


async def test_a_message_in_many_fragments_is_one_message(world: World) -> None:
    """Fragments are joined, in text and in binary frames."""
    async with world.connect("/ws") as client:
        await client.connection.send(iter(['{"type":', '"ping","id":1}']))
        assert (await client.hear())["type"] == "pong"
        await client.connection.send(b'{"type":"ping","id":2}')
        assert (await client.hear())["id"] == 2


def test_half_open_handshakes_are_dropped_while_others_are_served(world: World, dial: Dial) -> None:
    """Peers that say nothing, and peers that drip, are cut off within 15 s; a good client meanwhile waits less than 1 s."""
    before = world.server.sockets_open()
    peers = [dial(world.server.port) for _ in range(60)]
    stop = threading.Event()

    def drip() -> None:
        for peer in peers[30:]:
            peer.socket.sendall(b"GET /ws HTTP/1.1\r\n")
        while not stop.wait(0.5):
            for peer in peers[30:]:
                try:
                    peer.socket.sendall(b"X-A: b\r\n")
                except OSError:
                    continue

    dripping = threading.Thread(target=drip)
    dripping.start()
    start = time.monotonic()
    assert httpx2.get(f"http://127.0.0.1:{world.server.port}/health", timeout=5).status_code == 200
    assert time.monotonic() - start < 1
    assert until(lambda: world.server.sockets_open() <= before, 15 - (time.monotonic() - start))
    stop.set()
    dripping.join()


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        (None, True),
        ("own", True),
        ("https://friend.example", True),
        ("https://friend.example:444", False),
        ("http://friend.example", False),
        ("https://friend.example.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("http://127.0.0.1:1", False),
    ],
)
async def test_a_foreign_origin_is_refused_with_403(
    start_world: Callable[..., World], origin: str | None, accepted: bool
) -> None:
    """Only programs, the server's own page, and origins allowed by name may open a socket."""
    world = start_world(allowed_origins="https://friend.example")
    given_origin = f"http://127.0.0.1:{world.server.port}" if origin == "own" else origin
    if accepted:
        async with world.connect("/ws", origin=given_origin) as client:
            await client.say(type="ping")
            assert (await client.hear())["type"] == "pong"
    else:
        with pytest.raises(InvalidStatus) as refused:
            async with world.connect("/ws", origin=given_origin):
                pass
        assert refused.value.response.status_code == 403
        assert orjson.loads(refused.value.response.body)["error"]["code"] == "origin_refused"


async def test_an_unknown_socket_address_is_refused(world: World) -> None:
    """There is nothing at this path."""
    with pytest.raises(InvalidStatus):
        async with world.connect("/ws/nothing"):
            pass


async def test_a_server_that_goes_tells_everybody(world: World) -> None:
    """SIGTERM: every socket and stream hears `server_going_away` with a time to come back, then 4000; the process ends."""
    (task,) = world.tasks.add()
    clients: list[Client] = []

    async def stay() -> Client:
        async with world.connect(f"/ws/tasks/{task}") as client:
            clients.append(client)
            await client.hear_all()
            return client

    async def stream() -> str:
        async with httpx2.AsyncClient() as http:
            return (await http.get(f"http://127.0.0.1:{world.server.port}/tasks/{task}/events", timeout=30)).text

    stays = [asyncio.create_task(stay()) for _ in range(100)]
    streaming = asyncio.create_task(stream())
    while len(clients) < 100 or not all(client.heard for client in clients):
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    world.server.process.send_signal(signal.SIGTERM)
    done = await asyncio.gather(*stays)
    assert {client.connection.close_code for client in done} <= {4000, 1012}
    assert {client.heard[-1]["error_code"] for client in done} == {"server_going_away"}
    assert len({client.heard[-1]["reconnect_after"] for client in done}) > 20
    assert "server_going_away" in await streaming
    assert await asyncio.to_thread(world.server.process.wait, 10) in (0, -signal.SIGTERM)


async def test_a_watcher_survives_a_restart_of_the_server(world: World) -> None:
    """Killed and started again, the server gives a client that comes back exactly what it missed, under the same epoch."""
    (task,) = world.tasks.add()
    world.log.append([(task, warning())])
    async with world.connect(f"/ws/tasks/{task}?after=0") as client:
        epoch = (await client.hear())["epoch"]
        assert (await client.hear())["seq"] == 1
        world.server.process.kill()
    world.server.stop()
    world.log.append([(task, warning()), (task, warning())])
    world.start()
    async with world.connect(f"/ws/tasks/{task}?after=1&epoch={epoch}") as client:
        assert (await client.hear())["recovered"] is True
        assert [(await client.hear())["seq"] for _ in range(2)] == [2, 3]


async def test_events_reach_watchers_of_every_server_of_the_database(world: World) -> None:
    """Two servers, one database: what one process writes, the watchers of both hear, within a moment."""
    (task,) = world.tasks.add()
    async with world.connect(f"/ws/tasks/{task}?after=0") as first:
        other = World(world.folder)
        other.start()
        async with other.connect(f"/ws/tasks/{task}?after=0") as second:
            await first.hear()
            await second.hear()
            start = time.monotonic()
            world.log.append([(task, warning())])
            assert [(await client.hear())["seq"] for client in (first, second)] == [1, 1]
            assert time.monotonic() - start < 2
        other.close()
