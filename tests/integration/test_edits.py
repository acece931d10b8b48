"""Changing and searching transcripts, on a real server."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx2
import pytest
from docx import Document

from app.services.export_service import MEDIA_TYPES
from tests.running_server import RunningServer


@pytest.fixture
def task_id(shared_server: RunningServer, silence: Path) -> str:
    """A finished Task of six segments with words: `Segment number 0.` and so on."""
    (task_id,) = shared_server.submit(silence, initial_prompt="segments=6 words=1", diarize="false")
    assert shared_server.finish(task_id)["status"] == "completed"
    return task_id


def read_text(kind: str, content: bytes) -> str:
    """What a format says."""
    if kind == "docx":
        return "\n".join(paragraph.text for paragraph in Document(io.BytesIO(content)).paragraphs)
    return content.decode()


def transcript(server: RunningServer, task_id: str) -> tuple[dict[str, Any], str]:
    """The transcript and its tag."""
    answer = server.http.get(f"/tasks/{task_id}/transcript")
    return answer.json(), answer.headers["etag"]


def test_an_edit_goes_into_every_format(shared_server: RunningServer, task_id: str) -> None:
    """Text and speaker of one segment, from the tag of the transcript to the files."""
    before, tag = transcript(shared_server, task_id)
    segment = before["segments"][2]
    answer = shared_server.http.patch(
        f"/tasks/{task_id}/segments/{segment['id']}",
        json={"text": "Something else entirely.", "speaker": "Zoe"},
        headers={"If-Match": tag},
    )
    assert answer.status_code == 200
    changed = answer.json()
    assert answer.headers["etag"] == f'"{changed["version"]}"' != tag
    after, tag = transcript(shared_server, task_id)
    assert tag == answer.headers["etag"]
    assert after["segments"][2] == changed["segments"][0]
    assert (after["segments"][2]["edited"], after["segments"][2]["speaker"]) == (True, "Zoe")
    assert after["speakers"] == changed["speakers"] == [{"label": None, "name": "Zoe"}]
    assert "Something else entirely." in shared_server.task(task_id)["result_text"]
    for kind in MEDIA_TYPES:
        exported = shared_server.http.get(f"/tasks/{task_id}/transcript", params={"format": kind}).content
        written = read_text(kind, exported)
        assert "Something else entirely." in " ".join(written.split()), kind
        assert "number 2" not in written, kind
        assert ("Zoe" in written) == (kind not in ("tsv", "verbose_json")), kind


def test_split_merge_and_back(shared_server: RunningServer, task_id: str) -> None:
    """Each answer carries the tag for the next change."""
    begun, tag = transcript(shared_server, task_id)
    base = f"/tasks/{task_id}/segments"
    first, second = (segment["id"] for segment in begun["segments"][:2])
    split = shared_server.http.post(f"{base}/{first}/split", json={"offset": 8}, headers={"If-Match": tag})
    assert [segment["text"] for segment in split.json()["segments"]] == ["Segment", "number 0."]
    assert split.json()["removed"] == [first]
    joined = {"first": split.json()["segments"][1]["id"], "last": second}
    merged = shared_server.http.post(f"{base}/merge", json=joined, headers={"If-Match": split.headers["etag"]})
    texts = [segment["text"] for segment in transcript(shared_server, task_id)[0]["segments"]]
    assert texts[:2] == ["Segment", "number 0. Segment number 1."]
    edit = f"{base}/{merged.json()['segments'][0]['id']}/edit"
    restored = shared_server.http.delete(edit, headers={"If-Match": merged.headers["etag"]})
    assert restored.status_code == 200
    assert transcript(shared_server, task_id)[0]["segments"] == begun["segments"]


def test_two_editors_never_overwrite_each_other(shared_server: RunningServer, task_id: str) -> None:
    """Of those who change the same version at the same moment exactly one wins; the others are told, and their second try succeeds."""
    editors = 6
    segments = [segment["id"] for segment in transcript(shared_server, task_id)[0]["segments"]]
    start = Barrier(editors)

    def edit(editor: int) -> list[int]:
        statuses = []
        with httpx2.Client(base_url=shared_server.http.base_url, timeout=30) as http:
            tag = http.get(f"/tasks/{task_id}/transcript").headers["etag"]
            start.wait()
            while not statuses or statuses[-1] == 412:
                answer = http.patch(
                    f"/tasks/{task_id}/segments/{segments[editor]}",
                    json={"text": f"Editor {editor} was here."},
                    headers={"If-Match": tag},
                )
                statuses.append(answer.status_code)
                tag = http.get(f"/tasks/{task_id}/transcript").headers["etag"]
        return statuses

    with ThreadPoolExecutor(editors) as pool:
        told = list(pool.map(edit, range(editors)))
    assert sorted(statuses[0] for statuses in told) == [200, *[412] * (editors - 1)]
    assert {statuses[-1] for statuses in told} == {200}
    after, _ = transcript(shared_server, task_id)
    assert [segment["text"] for segment in after["segments"]] == [f"Editor {n} was here." for n in range(editors)]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "if_match_required"),
        ({"If-Match": '"0"'}, 412, "edit_conflict"),
        ({"If-Match": '"999999999999999"'}, 412, "edit_conflict"),
        ({"If-Match": "*"}, 400, "bad_value"),
        ({"If-Match": "7"}, 400, "bad_value"),
        ({"If-Match": '"abc"'}, 400, "bad_value"),
        ({"If-Match": '"0", 7'}, 400, "bad_value"),
        ({"If-Match": '"0", W/"999999999999999"'}, 412, "edit_conflict"),
    ],
)
def test_a_change_names_its_version(
    shared_server: RunningServer, task_id: str, headers: dict[str, str], status: int, code: str
) -> None:
    """Without one, with an old one, and with what is none, nothing is changed."""
    before = transcript(shared_server, task_id)
    segment = before[0]["segments"][0]["id"]
    for answer in (
        shared_server.http.patch(f"/tasks/{task_id}/segments/{segment}", json={"text": "x"}, headers=headers),
        shared_server.http.put(f"/tasks/{task_id}/speakers/A", json={"name": "x"}, headers=headers),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert transcript(shared_server, task_id) == before


def test_a_tag_that_a_proxy_weakened_is_accepted(shared_server: RunningServer, task_id: str) -> None:
    """Proxies that compress mark tags as weak."""
    before, tag = transcript(shared_server, task_id)
    path = f"/tasks/{task_id}/segments/{before['segments'][0]['id']}"
    assert shared_server.http.patch(path, json={"text": "x"}, headers={"If-Match": f"W/{tag}"}).status_code == 200


@pytest.mark.parametrize("shape", [['"0", {tag}'], ['{tag} ,"other"'], ['"0"', "W/{tag}"], ["{tag}", '"0"']])
def test_one_of_several_tags_is_enough(shared_server: RunningServer, task_id: str, shape: list[str]) -> None:
    """In one line or in several, which count as one list."""
    before, tag = transcript(shared_server, task_id)
    path = f"/tasks/{task_id}/segments/{before['segments'][0]['id']}"
    lines = [("if-match", line.format(tag=tag)) for line in shape]
    assert shared_server.http.patch(path, json={"text": "x"}, headers=lines).status_code == 200
    assert shared_server.http.patch(path, json={"text": "y"}, headers=lines).status_code == 412


def test_speakers_that_a_reader_has_are_not_sent_again(shared_server: RunningServer, task_id: str) -> None:
    """Their tag is the transcript's."""
    address = f"/tasks/{task_id}/speakers"
    first = shared_server.http.get(address)
    assert first.headers["etag"] == transcript(shared_server, task_id)[1]
    again = shared_server.http.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert shared_server.http.get(address, headers={"If-None-Match": '"0"'}).json() == first.json()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", "segments/{id}", {}, 422, "malformed"),
        ("PATCH", "segments/{id}", {"text": None}, 422, "malformed"),
        ("PATCH", "segments/{id}", {"text": "a\x00b"}, 422, "malformed"),
        ("PATCH", "segments/{id}", {"text": "a\x1b[31m"}, 422, "malformed"),
        ("PATCH", "segments/{id}", {"text": "x" * 5001}, 400, "bad_value"),
        ("PATCH", "segments/{id}", {"speaker": "x" * 101}, 422, "malformed"),
        ("PATCH", "segments/{id}", {"speaker": "a\nb"}, 422, "malformed"),
        ("PATCH", "segments/nowhere", {"text": "x"}, 404, "segment_not_found"),
        ("POST", "segments/{id}/split", {}, 422, "malformed"),
        ("POST", "segments/{id}/split", {"at": 1, "offset": 1}, 422, "malformed"),
        ("POST", "segments/{id}/split", {"at": 1e9}, 400, "bad_value"),
        ("POST", "segments/merge", {"first": "{id}", "last": "{id}"}, 400, "bad_value"),
        ("DELETE", "segments/{id}/edit", None, 404, "segment_not_found"),
        ("PUT", "speakers/SPEAKER_00", {"name": "x"}, 404, "speaker_not_found"),
        ("PUT", "speakers/SPEAKER_00", {}, 422, "malformed"),
    ],
)
def test_bad_changes_are_told(
    shared_server: RunningServer,
    task_id: str,
    *,
    method: str,
    path: str,
    body: dict[str, object] | None,
    status: int,
    code: str,
) -> None:
    """Each in the one shape, and without effect."""
    before, tag = transcript(shared_server, task_id)
    segment = before["segments"][0]["id"]
    filled = None if body is None else {k: segment if v == "{id}" else v for k, v in body.items()}
    answer = shared_server.http.request(
        method, f"/tasks/{task_id}/{path.format(id=segment)}", json=filled, headers={"If-Match": tag}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert transcript(shared_server, task_id) == (before, tag)


def test_half_a_surrogate_pair_is_refused(shared_server: RunningServer, task_id: str) -> None:
    """JSON can spell what no text can hold."""
    before, tag = transcript(shared_server, task_id)
    path = f"/tasks/{task_id}/segments/{before['segments'][0]['id']}"
    headers = {"If-Match": tag, "content-type": "application/json"}
    answer = shared_server.http.patch(path, content=b'{"text":"\\ud800"}', headers=headers)
    assert answer.status_code == 422


def test_a_running_task_cannot_be_edited(shared_server: RunningServer, silence: Path) -> None:
    """409 until it is finished."""
    (task_id,) = shared_server.submit(silence, initial_prompt="segments=2 delay=5")
    answer = shared_server.http.patch(f"/tasks/{task_id}/segments/m0", json={"text": "x"}, headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "illegal_move")
    shared_server.http.post(f"/tasks/{task_id}/cancel")


def test_what_was_said_is_found(shared_server: RunningServer, task_id: str) -> None:
    """A hit leads to its segment; what a person wrote is found too; an empty query is refused."""
    before, tag = transcript(shared_server, task_id)
    path = f"/tasks/{task_id}/segments/{before['segments'][3]['id']}"
    shared_server.http.patch(path, json={"text": "A xylophone in Zürich."}, headers={"If-Match": tag})
    page = shared_server.http.get("/search", params={"q": "zurich xylo*"}).json()
    assert (page["total"], page["page"], page["per_page"]) == (1, 1, 50)
    (hit,) = page["results"]
    assert (hit["task_id"], hit["index"], hit["filename"]) == (task_id, 3, "silence.wav")
    assert [part["text"] for part in hit["snippet"] if part["match"]] == ["xylophone", "Zürich"]
    for query in ("", " ", "***"):
        answer = shared_server.http.get("/search", params={"q": query})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_value")


def test_no_words_reach_the_log(shared_server: RunningServer, task_id: str) -> None:
    """Neither what a person wrote nor what was looked for."""
    before, tag = transcript(shared_server, task_id)
    path = f"/tasks/{task_id}/segments/{before['segments'][0]['id']}"
    shared_server.http.patch(path, json={"text": "rhubarbary", "speaker": "Canaryname"}, headers={"If-Match": tag})
    shared_server.http.patch(path, json={"text": "rhubarbary\x00", "speaker": "Canaryname"}, headers={"If-Match": tag})
    shared_server.http.get("/search", params={"q": "canarysearch"})
    assert "transcript_changed" in shared_server.log
    for canary in ("rhubarbary", "Canaryname", "canarysearch"):
        assert canary not in shared_server.log


def test_edits_outlive_a_repeated_diarization(serve: Callable[..., RunningServer], silence: Path) -> None:
    """The machine hears one speaker less than before; the corrected text, the name and what is found stay."""
    server = serve(
        engine="tests.fakes.scripted_engine:create_whole",
        align_model="tests.fakes.scripted_aligner:create",
        diarize_model="tests.fakes.scripted_diarizer:create",
    ).start()
    (task_id,) = server.submit(silence, initial_prompt="segments=4", num_speakers=2)
    assert server.finish(task_id)["status"] == "completed"
    before, tag = transcript(server, task_id)
    assert [segment["speaker"] for segment in before["segments"]] == ["SPEAKER_00", "SPEAKER_01"] * 2
    path = f"/tasks/{task_id}/segments/{before['segments'][1]['id']}"
    told = server.http.patch(path, json={"text": "A marimba."}, headers={"If-Match": tag})
    named = server.http.put(
        f"/tasks/{task_id}/speakers/SPEAKER_00", json={"name": "Anna"}, headers={"If-Match": told.headers["etag"]}
    )
    assert named.status_code == 200
    again = server.http.post(f"/tasks/{task_id}/retry", json={"from": "diarizing", "num_speakers": 1})
    assert again.status_code == 200
    assert server.finish(task_id)["status"] == "completed"
    after, later = transcript(server, task_id)
    assert [segment["speaker"] for segment in after["segments"]] == ["Anna"] * 4
    assert (after["segments"][1]["text"], after["segments"][1]["edited"]) == ("A marimba.", True)
    assert later != named.headers["etag"]
    assert "A marimba." in server.task(task_id)["result_text"]
    (hit,) = server.http.get("/search", params={"q": "marimba"}).json()["results"]
    assert (hit["index"], hit["speaker"]) == (1, "Anna")
