"""Accepting exports: the same request again, and what it names."""

import pytest

from app.domain.errors import CesarError
from app.domain.webhooks import WebhookRules
from app.infrastructure.storage.folders import ImportFolders
from app.services.errand_intake import Asked, ErrandIntake
from app.services.errand_store import Selection
from app.services.export.options import RenderOptions
from app.services.intake_service import IntakeService
from tests.workbench import Workbench


@pytest.fixture
def intake(bench: Workbench) -> ErrandIntake:
    """On the workbench; no folder is allowed, and nothing is probed."""
    files = IntakeService(bench.jobs, media=None)  # type: ignore[arg-type]
    return ErrandIntake(bench.store, bench.storage, files, ImportFolders([]), webhooks=WebhookRules())


def test_a_repeated_export_is_answered_although_its_tasks_are_gone(bench: Workbench, intake: ErrandIntake) -> None:
    """The key leads to the first one's Job; without it, what is named has to be there."""
    (task_id,) = bench.submit()
    selection = Selection(tasks=(task_id,))
    job_id = intake.export(selection, ["txt"], RenderOptions(), Asked("key"))
    bench.jobs.delete_task(task_id)
    assert intake.export(selection, ["txt"], RenderOptions(), Asked("key")) == job_id
    with pytest.raises(CesarError, match="task_not_found"):
        intake.export(selection, ["txt"], RenderOptions())
    with pytest.raises(CesarError, match="idempotency_conflict"):
        intake.export(selection, ["srt"], RenderOptions(), Asked("key"))
