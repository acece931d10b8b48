"""Owns the page, its parts, and the documentation of the API: files of `frontend/`, nothing from elsewhere."""

from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

FRONTEND: Final = Path(__file__).resolve().parents[2] / "frontend"


async def page(_request: Request) -> FileResponse:
    """The page at `/`."""
    return FileResponse(FRONTEND / "index.html", headers={"cache-control": "no-cache"})


async def api_documentation(_request: Request) -> FileResponse:
    """Swagger UI on /openapi.json, served from here so that it works offline."""
    return FileResponse(FRONTEND / "docs.html", headers={"cache-control": "no-cache"})


class RevalidatedFiles(StaticFiles):
    """Files that a browser asks about every time, so that an upgraded server is never met by an old page."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, or 304."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


page_routes: Final[list[BaseRoute]] = [
    Route("/", page),
    Route("/docs", api_documentation),
    Mount("/assets", RevalidatedFiles(directory=FRONTEND)),
]
