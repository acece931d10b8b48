"""Owns the command `cesar`: serve, worker, transcribe, doctor."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.core.config import SettingsError, load_settings
from app.serving import export_flags
from app.serving import serve as serve_http

cli = typer.Typer(
    name="cesar", help="Transcribe recordings on your own machine, and watch it happen.", no_args_is_help=True
)

Engine = Annotated[str | None, typer.Option(help="auto, whisperx, pocketsphinx, or package.module:factory.")]
Model = Annotated[str | None, typer.Option(help="WhisperX model: a size, organisation/name, or a local folder.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the database, the media and the caches.")]


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. [default: 8000]")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Server processes; each brings a transcription worker.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Restart when the code changes.")] = False,
    engine: Engine = None,
    model: Model = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the page, the API and the sockets, with a worker that transcribes."""
    if reload and workers > 1:
        raise typer.BadParameter("--reload works with one server process only")
    export_flags({"host": host, "port": port, "engine": engine, "model": model, "data_dir": data_dir})
    serve_http(load_settings(), workers=workers, reload=reload)


@cli.command()
def worker(engine: Engine = None, model: Model = None, data_dir: DataDir = None) -> None:
    """Run one more transcription worker on the same database."""
    export_flags({"engine": engine, "model": model, "data_dir": data_dir})
    from app import worker as process  # noqa: PLC0415 - what serving does not need is not imported for it

    process.run_alone(load_settings())


def main() -> None:
    """The console script: settings that cannot work end with one sentence instead of a traceback."""
    try:
        cli()
    except SettingsError as problem:
        typer.echo(f"cesar: {problem}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
