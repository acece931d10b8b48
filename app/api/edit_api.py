"""Owns the routes by which people change a transcript; each change says with If-Match on which version it was made."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request, Response

from app.api.bounded_body import SmallBodyRoute
from app.api.entity_tag import is_known, version_tag, versions_in
from app.api.errors import documented
from app.api.state import services_of
from app.domain.errors import CesarError
from app.domain.rewriting import UNCHANGED
from app.schemas.edits import SegmentChange, SegmentMerge, SegmentSplit, SpeakerNaming, Speakers, TranscriptChange

router = APIRouter(tags=["Transcript Editing"], route_class=SmallBodyRoute)

_REFUSALS: Final = documented(400, 404, 409, 412, 413, 422, 428)


def made_on(
    request: Request,
    task_id: str,
    _if_match: Annotated[str | None, Header(alias="If-Match", description="The transcript's ETag.")] = None,
) -> int:
    """The version that a change was made on; of several the present one. Raises `CesarError`: `if_match_required`, `bad_value`."""
    lines = request.headers.getlist("if-match")
    if not lines:
        raise CesarError("if_match_required")
    versions = versions_in(lines)
    if not versions:
        raise CesarError("bad_value", "If-Match must be the ETag of the transcript")
    if len(versions) == 1:
        return versions[0]
    present = services_of(request).edits.version(task_id)
    return present if present in versions else versions[0]


Version = Annotated[int, Depends(made_on)]


@router.patch("/tasks/{task_id}/segments/{segment_id}", summary="Change a segment", responses=_REFUSALS)
def change_segment(
    request: Request, response: Response, *, task_id: str, segment_id: str, body: SegmentChange, version: Version
) -> TranscriptChange:
    """Another text, another speaker for this segment alone (null: whom the machine heard), or both."""
    given = body.model_fields_set
    changed = services_of(request).edits.change(
        task_id,
        version,
        segment_id,
        text=UNCHANGED if body.text is None else body.text,
        speaker=body.speaker if "speaker" in given else UNCHANGED,
    )
    return _tagged(response, changed)


@router.post("/tasks/{task_id}/segments/merge", summary="Merge neighbouring segments", responses=_REFUSALS)
def merge_segments(
    request: Request, response: Response, *, task_id: str, body: SegmentMerge, version: Version
) -> TranscriptChange:
    """One segment in the place of all from the first to the last."""
    return _tagged(response, services_of(request).edits.merge(task_id, version, body.first, body.last))


@router.post("/tasks/{task_id}/segments/{segment_id}/split", summary="Split a segment", responses=_REFUSALS)
def split_segment(
    request: Request, response: Response, *, task_id: str, segment_id: str, body: SegmentSplit, version: Version
) -> TranscriptChange:
    """Cut in two between the words nearest to a moment or to a place in the text; never inside a word."""
    changed = services_of(request).edits.split(task_id, version, segment_id, at=body.at, offset=body.offset)
    return _tagged(response, changed)


@router.delete(
    "/tasks/{task_id}/segments/{segment_id}/edit", summary="Show the machine's text again", responses=_REFUSALS
)
def restore_segment(
    request: Request, response: Response, *, task_id: str, segment_id: str, version: Version
) -> TranscriptChange:
    """Take back the edit to which a segment belongs, with all that was split and merged in it."""
    return _tagged(response, services_of(request).edits.restore(task_id, version, segment_id))


@router.get(
    "/tasks/{task_id}/speakers",
    summary="List the speakers",
    response_model=Speakers,
    responses={**documented(404), 304: {"description": "The transcript is still the one with this ETag"}},
)
def list_speakers(request: Request, task_id: str) -> Response:
    """Who speaks, by label and name, and for how many seconds."""
    edits = services_of(request).edits
    present = version_tag(edits.version(task_id))
    if is_known(request.headers.get("if-none-match"), present):
        return Response(status_code=304, headers={"etag": present, "cache-control": "no-cache"})
    speakers = edits.speakers(task_id)
    headers = {"etag": version_tag(speakers.version), "cache-control": "no-cache"}
    return Response(speakers.model_dump_json(), media_type="application/json", headers=headers)


@router.put("/tasks/{task_id}/speakers/{label}", summary="Name a speaker", responses=_REFUSALS)
def name_speaker(
    request: Request, response: Response, *, task_id: str, label: str, body: SpeakerNaming, version: Version
) -> TranscriptChange:
    """Call a speaker by a name everywhere; null or an empty name takes it back."""
    return _tagged(response, services_of(request).edits.name_speaker(task_id, version, label, body.name))


def _tagged(response: Response, changed: TranscriptChange) -> TranscriptChange:
    response.headers["etag"] = version_tag(changed.version)
    return changed
