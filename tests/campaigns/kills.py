"""Owns the kill campaign: Tasks are submitted while server and worker are killed at random moments; nothing may be lost or doubled."""

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx2
import orjson
from websockets.exceptions import WebSocketException

from tests.running_server import RunningServer, is_running, stream_events


@dataclass
class Verdict:
    """What the campaign found; a good one has empty lists."""

    acknowledged: int = 0
    kills: int = 0
    unfinished: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    recovery_seconds: list[float] = field(default_factory=list)


class KillCampaign:
    """Submits `tasks` in forms of `per_form` files while `kills` SIGKILLs hit web, worker or both."""

    def __init__(self, server: RunningServer, recording: Path, *, tasks: int, kills: int, seed: int) -> None:
        self._server = server
        self._recording = recording
        self._tasks = tasks
        self._kills = kills
        self._random = random.Random(seed)
        self._accepted: dict[str, list[str]] = {}
        self._per_form = 5

    def run(self, seconds: float) -> Verdict:
        """Run to the end, or until `seconds` are over."""
        verdict = Verdict()
        submitting = threading.Thread(target=self._submit_all)
        submitting.start()
        for _ in range(self._kills):
            time.sleep(self._random.uniform(0.05, 0.6))
            verdict.recovery_seconds.append(self._kill_once())
            verdict.kills += 1
        submitting.join(seconds)
        self._judge(verdict, time.monotonic() + seconds)
        return verdict

    def _submit_all(self) -> None:
        with httpx2.Client(base_url=self._server.http.base_url, timeout=30) as client:
            for _ in range(self._tasks // self._per_form):
                key = str(uuid4())
                while key not in self._accepted:
                    self._submit_once(client, key)

    def _submit_once(self, client: httpx2.Client, key: str) -> None:
        content = self._recording.read_bytes()
        files = [("files", (f"{key}-{n}.wav", content)) for n in range(self._per_form)]
        script = {"initial_prompt": "segments=2"}
        try:
            answer = client.post("/transcribe", files=files, data=script, headers={"Idempotency-Key": key})
        except httpx2.TransportError:
            time.sleep(0.1)
            return
        if answer.status_code == 202:
            self._accepted[key] = [task["id"] for task in answer.json()["tasks"]]

    def _kill_once(self) -> float:
        victim = self._random.choice(["worker", "server", "both"])
        if victim == "worker":
            worker = self._server.worker_pid_or_none()
            if worker is not None and is_running(worker):
                os.kill(worker, signal.SIGKILL)
            return 0.0
        begun = time.monotonic()
        if victim == "server":
            self._server.kill()
        else:
            self._server.kill_all()
        self._server.start(wait=False)
        self._server.wait_until_it_answers()
        return time.monotonic() - begun

    def _judge(self, verdict: Verdict, until: float) -> None:
        tasks = [task for accepted in self._accepted.values() for task in accepted]
        verdict.acknowledged = len(tasks)
        for task_id in tasks:
            task = self._server.finish(task_id, max(1.0, until - time.monotonic()))
            if task["status"] != "completed" or task["result_text"].count("Segment number") != 2:
                verdict.unfinished.append(f"{task_id} {task['status']} {task['error_code']} {task['technical_detail']}")
            self._judge_history(task_id, verdict)
        if self._server.http.get("/jobs").json()["total"] != len(self._accepted):
            verdict.doubled.append("there are Jobs that nobody asked for")

    def _judge_history(self, task_id: str, verdict: Verdict) -> None:
        events = self._server.history(task_id)
        if [event["seq"] for event in events] != list(range(1, len(events) + 1)):
            verdict.holes.append(task_id)
        ends = [event for event in events if event["type"] == "status" and event["status"] == "completed"]
        if len(ends) != 1:
            verdict.doubled.append(task_id)


class Follower(threading.Thread):
    """Follows one Task to its end in its own way, and collects the numbers of the events it heard of, in order."""

    def __init__(self, server: RunningServer, task_id: str, way: str) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._task_id = task_id
        self._way = way
        self._http = httpx2.Client(base_url=server.http.base_url, timeout=10, verify=False)
        self.seqs: list[int] = []
        self.done = False

    def run(self) -> None:
        """Until the final event, whatever happens in between."""
        follow = {"socket": self._socket, "resetting": self._socket, "stream": self._stream, "poller": self._poll}
        while not self.done:
            try:
                follow[self._way]()
            except (httpx2.TransportError, WebSocketException, OSError, TimeoutError):
                time.sleep(0.1)  # the server was killed: come back
        self._http.close()

    @property
    def _after(self) -> int:
        return self.seqs[-1] if self.seqs else 0

    def _socket(self) -> None:
        leave = time.monotonic() + (0.3 if self._way == "resetting" else 3600)
        with self._server.socket(f"/ws/tasks/{self._task_id}?after={self._after}") as socket:
            while not self.done and time.monotonic() < leave:
                self._hear(orjson.loads(socket.recv(timeout=5)))

    def _stream(self) -> None:
        after = {"Last-Event-ID": str(self._after)}
        with self._http.stream("GET", f"/tasks/{self._task_id}/events", headers=after) as answer:
            for event in stream_events(answer.iter_lines()):
                self._hear(event)

    def _poll(self) -> None:
        while not self.done:
            asked = {"wait": 5, "after": self._after}
            answer = self._http.get(f"/tasks/{self._task_id}/progress", params=asked).json()
            if answer["seq"] > self._after:
                self.seqs.append(answer["seq"])
            self.done = answer["status"] in ("completed", "failed", "cancelled")

    def _hear(self, event: dict[str, object]) -> None:
        if "seq" not in event or event["type"] == "subscribed":
            return
        seq, skipped = int(str(event["seq"])), int(str(event.get("skipped", 0)))
        self.seqs.extend(range(seq - skipped, seq + 1))
        self.done = event["type"] == "status" and event["status"] in ("completed", "failed", "cancelled")
