"""Owns the command `cesar transcribe`: recordings in, progress on stderr, transcripts out, and an exit status that tells the truth."""

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from app.client.destination import Destination, choose_destination, choose_format
from app.client.display import Display, display_for
from app.client.interruption import interrupted
from app.client.library_service import LibraryService
from app.client.recordings import Recording, UsageError, find_recordings
from app.client.server import Server, address_of, look_for_cesar
from app.client.service import GONE, Accepted, Outcome, Service, Unreachable
from app.client.story import Story
from app.core.config import Settings
from app.domain.errors import CesarError
from app.domain.lifecycle import FINISHED, JobStatus
from app.domain.options import TranscriptionOptions
from app.schemas.jobs import SubmissionRequest
from app.services.export.options import RenderOptions

OK: Final = 0
FAILED: Final = 1
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130

_FAULTS_OF_ONE_FILE: Final = frozenset(
    {"not_media", "bad_media", "too_long", "too_large", "unsupported_extension", "duplicate_refused"}
)
"""What one file of a submission can be refused for; the others are then submitted without it."""

SMALL_ENGINE: Final = (
    "pocketsphinx is the small English engine that comes with Cesar: good enough to see everything work, "
    "with many wrong words.",
    "WhisperX makes far fewer mistakes: `cesar doctor` tells whether it is ready here and how to get it.",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """The command line. `options` are fields of a submission, `rendering` those of `RenderOptions`; `server` None looks for one, "" is
    content without."""

    recordings: Sequence[str]
    options: dict[str, Any] = field(default_factory=dict)
    rendering: dict[str, Any] = field(default_factory=dict)
    wanted: str | None = None
    output: str | None = None
    server: str | None = None
    quiet: bool = False


def transcribe(wish: Wish, settings: Settings) -> int:
    """Carry out the command; its exit status. Raises `SettingsError` when the settings do not allow to work alone."""
    stories: list[Story] = []
    display = display_for(stories, quiet=wish.quiet)
    try:
        recordings = find_recordings(wish.recordings)
        options, rendering = read_options(wish.options), read_rendering(wish.rendering)
        wanted = choose_format(wish.wanted, wish.output)
        destination = choose_destination(wish.output, wanted, recordings)
        stories.extend(Story(recording, position) for position, recording in enumerate(recordings))
        service = choose_service(wish.server, settings)
    except UsageError as problem:
        display.problem(str(problem), "`cesar transcribe --help` lists all options.")
        return BAD_USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    try:
        return _Command(service, options, wanted, rendering, destination, stories, display).run()
    except OSError as problem:
        if not isinstance(problem, BrokenPipeError):
            display.problem(f"{problem.filename or 'The transcript'}: {problem.strerror}.")
            return FAILED
        # Whoever read the transcripts has enough; without this Python complains once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    finally:
        service.close()


def read_options(given: dict[str, Any]) -> TranscriptionOptions:
    """The options as a server would read them from a form.

    Raises:
        UsageError: a value is not allowed.
    """
    model = given.get("model")
    if model and Path(model).is_dir():
        # The worker's working directory is not this one's.
        given = given | {"model": str(Path(model).resolve())}
    try:
        return SubmissionRequest.model_validate(given).options()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = "--" + str(first["loc"][0]).replace("_", "-") if first["loc"] else "The options"
        raise UsageError(f"{name}: {first['msg']}.") from None
    except CesarError as problem:
        raise UsageError(f"{problem.detail}.") from None


def read_rendering(given: dict[str, Any]) -> RenderOptions:
    """How the transcripts are to be written.

    Raises:
        UsageError: a value is not allowed.
    """
    try:
        return RenderOptions(**given)
    except CesarError as problem:
        raise UsageError(f"{problem.detail}.") from None


def choose_service(server: str | None, settings: Settings) -> LibraryService:
    """The server that was named, else the one that runs here, else this process.

    Raises:
        UsageError: no Cesar answers at the address that was named.
        SettingsError: this process cannot use the data folder.
    """
    if server:
        address = server.rstrip("/") if "://" in server else f"http://{server.rstrip('/')}"
        if look_for_cesar(address, seconds=10) is None:
            raise UsageError(f"No Cesar answers at {address}: start one with `cesar serve`, or leave --server out.")
        return Server(address)
    here = address_of(settings) if server is None else None
    if here and look_for_cesar(here):
        return Server(here)
    # Database, migrations and services are a second of imports that a client of a server does not need.
    from app.client.standalone import Standalone  # noqa: PLC0415

    return Standalone(settings)


@dataclass(frozen=True, slots=True)
class _Command:
    """One run of the command, once everything that can be checked beforehand is."""

    _service: Service
    _options: TranscriptionOptions
    _wanted: str
    _rendering: RenderOptions
    _destination: Destination
    _stories: Sequence[Story]
    _display: Display

    def run(self) -> int:
        """To the end, or to a Ctrl-C; what was transcribed until then is written."""
        try:
            return self._run()
        finally:
            self._destination.close()

    def _run(self) -> int:
        try:
            with self._display:
                self._guess_engine()
                self._display.note(f"Transcribing on {self._service.place}.")
                self._submit()
                self._follow()
            self._destination.close()
        except KeyboardInterrupt:
            interrupted(self._service, self._stories, self._display)
            return INTERRUPTED
        except Unreachable as problem:
            self._display.problem(
                f"{problem or self._service.place} has not answered for a minute.",
                "Nothing that was accepted is lost: start the server again and look at its page.",
            )
            return FAILED
        except CesarError as problem:
            self._display.problem(sentence(problem), problem.entry.remedy)
            return FAILED
        self._say_what_ran()
        return OK if all(story.outcome and story.outcome.has_transcript for story in self._stories) else FAILED

    def _guess_engine(self) -> None:
        """The engine that will run, for the display; asking may take seconds, so nobody waits for the answer."""
        wished = self._options.engine
        if wished not in (None, "auto"):
            for story in self._stories:
                story.engine = wished
            return
        threading.Thread(target=self._ask_engine, name="engine-question", daemon=True).start()

    def _ask_engine(self) -> None:
        engine = self._service.likely_engine()
        for story in self._stories:
            story.engine = story.engine or engine

    def _submit(self) -> None:
        """Files as one Job, each address as one."""
        for story in self._stories:
            self._display.changed(story)
            if story.recording.url is not None:
                self._submit_some([story])
        files = [story for story in self._stories if story.recording.path is not None]
        if files:
            self._submit_some(files)

    def _submit_some(self, stories: Sequence[Story]) -> None:
        try:
            accepted = self._hand_over(stories)
        except CesarError as problem:
            if problem.code not in _FAULTS_OF_ONE_FILE or len(stories) == 1:
                for story in stories:
                    self._end(story, _refused(story, problem))
                return
            for story in stories:
                self._submit_some([story])
            return
        for story, task_id in zip(stories, accepted.task_ids, strict=True):
            story.accepted(accepted.job_id, task_id)

    def _hand_over(self, stories: Sequence[Story]) -> Accepted:
        url = stories[0].recording.url
        if url is not None:
            return self._service.submit_url(url, self._options)
        by_recording = {id(story.recording): story for story in stories}

        def sent(recording: Recording, count: int) -> None:
            by_recording[id(recording)].sent(count)

        return self._service.submit_files([story.recording for story in stories], self._options, sent)

    def _follow(self) -> None:
        accepted = {story.task_id: story for story in self._stories if story.task_id is not None}
        for event in self._service.follow(list(accepted)):
            story = accepted[event["task_id"]]
            story.apply(event)
            self._display.changed(story)
            if event["type"] == GONE or (event["type"] == "status" and event["status"] in FINISHED):
                self._end(story, self._outcome(event["task_id"], story))

    def _outcome(self, task_id: str, story: Story) -> Outcome:
        try:
            return self._service.outcome(task_id)
        except CesarError as problem:
            return _refused(story, problem)

    def _end(self, story: Story, outcome: Outcome) -> None:
        story.finished(outcome)
        transcript = None
        if outcome.has_transcript and story.task_id is not None:
            transcript = self._service.transcript(story.task_id, self._wanted, self._rendering)
        try:
            written_to = self._destination.deliver(story.position, transcript)
        except BrokenPipeError:
            raise
        except OSError as problem:
            written_to = None
            story.finished(_unwritten(story, problem))
        self._display.finished(story, written_to)

    def _say_what_ran(self) -> None:
        if any(story.outcome and story.outcome.engine == "pocketsphinx" for story in self._stories):
            for line in SMALL_ENGINE:
                self._display.note(line)


def _refused(story: Story, problem: CesarError) -> Outcome:
    return Outcome(
        JobStatus.FAILED,
        story.name,
        problem=problem.entry.sentence,
        detail=problem.detail,
        remedy=problem.entry.remedy,
    )


def _unwritten(story: Story, problem: OSError) -> Outcome:
    return Outcome(
        JobStatus.FAILED,
        story.name,
        problem=f"The transcript could not be written: {problem.strerror or problem}.",
        remedy=f"It is in the library as task {story.task_id}; choose another --output.",
    )


def sentence(problem: CesarError) -> str:
    """What went wrong, in one line."""
    return f"{problem.entry.sentence} ({problem.detail})" if problem.detail else problem.entry.sentence
