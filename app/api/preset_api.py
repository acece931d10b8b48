"""Owns the route of presets: the named sets of options that a submission may ask for."""

from fastapi import APIRouter, Request

from app.api.state import services_of
from app.schemas.jobs import Presets

router = APIRouter(tags=["Transcribe"])


@router.get("/presets", summary="List presets")
def list_presets(request: Request) -> Presets:
    """Every preset with its options, and the one that a submission without `preset` gets."""
    defaults = services_of(request).jobs.defaults
    return Presets(presets={name: dict(values) for name, values in defaults.presets.items()}, default=defaults.preset)
