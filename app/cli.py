"""Owns the command `cesar`: serve, worker, transcribe, import, watch, doctor – their options; the work is done elsewhere.

What a command needs is imported when it runs: each of them, and every process that imports this module, starts faster.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app import __version__
from app.core.config import SettingsError, load_settings

cli = typer.Typer(
    name="cesar",
    help="Transcribe recordings on your own machine, and watch it happen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and those hold what somebody said
)

database = typer.Typer(help="Look after the database.", no_args_is_help=True)
cli.add_typer(database, name="db")

Engine = Annotated[str | None, typer.Option(help="auto, whisperx, pocketsphinx, or package.module:factory.")]
Model = Annotated[str | None, typer.Option(help="WhisperX model: a size, organisation/name, or a local folder.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the database, the media and the caches.")]


def _text(meaning: str) -> Any:
    return typer.Option(help=meaning, show_default=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cesar {__version__}")
        raise typer.Exit


@cli.callback()
def cesar(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Say which release this is.")
    ] = False,
) -> None:
    """Transcribe recordings on your own machine, and watch it happen."""


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
    from app import serving  # noqa: PLC0415 - the other commands need no web server

    serving.export_flags({"host": host, "port": port, "engine": engine, "model": model, "data_dir": data_dir})
    serving.serve(load_settings(), workers=workers, reload=reload)


@cli.command()
def worker(engine: Engine = None, model: Model = None, data_dir: DataDir = None) -> None:
    """Run one more transcription worker on the same database."""
    from app import serving  # noqa: PLC0415
    from app import worker as process  # noqa: PLC0415 - what serving does not need is not imported for it

    serving.export_flags({"engine": engine, "model": model, "data_dir": data_dir})
    process.run_alone(load_settings())


OfLanguage = Annotated[str | None, _text("Language that is spoken (ISO 639-1). [default: detected]")]
WithModel = Annotated[str | None, _text("WhisperX model: a size, organisation/name, or a local folder.")]
WithEngine = Annotated[str | None, _text("auto, whisperx or pocketsphinx.")]
Diarize = Annotated[
    bool | None, typer.Option("--diarize/--no-diarize", help="Tell speakers apart. [default: the setting]")
]
Preset = Annotated[str | None, _text("Name of a set of options.")]
OnServer = Annotated[str | None, _text("Address of a running Cesar. [default: this machine's, if one runs]")]
NoServer = Annotated[bool, typer.Option("--no-server", help="Work alone, even if a server runs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but problems.")]


def _chosen(server: str | None, no_server: bool) -> str | None:
    """The address to ask, empty for none, None for whoever runs here."""
    if server and no_server:
        raise typer.BadParameter("--server and --no-server contradict each other")
    return "" if no_server else server


@cli.command()
def transcribe(
    recordings: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Audio or video files, or http(s) addresses of such.")
    ],
    wanted: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="txt, srt, vtt, docx, md, json, verbose_json, diarized_json, csv or tsv. [default: the ending of --output, else txt]",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File, folder, or - for standard output.", show_default=False)
    ] = None,
    speakers: Annotated[bool, typer.Option(help="Write who speaks, where that is known.")] = True,
    timestamps: Annotated[bool | None, _text("Write times in txt, md and docx. [default: not in txt]")] = None,
    max_line_length: Annotated[int | None, _text("Subtitles: columns of a line. [default: 42]")] = None,
    max_lines: Annotated[int | None, _text("Subtitles: lines of a cue. [default: 2]")] = None,
    max_cps: Annotated[float | None, _text("Subtitles: reading speed in columns per second. [default: 20]")] = None,
    engine: WithEngine = None,
    model: WithModel = None,
    language: OfLanguage = None,
    task: Annotated[str, typer.Option(help="transcribe, or translate into English.")] = "transcribe",
    diarize: Diarize = None,
    min_speakers: Annotated[int | None, _text("At least so many speakers.")] = None,
    max_speakers: Annotated[int | None, _text("At most so many speakers.")] = None,
    num_speakers: Annotated[int | None, _text("Exactly so many speakers.")] = None,
    initial_prompt: Annotated[str | None, _text("Text before the recording: names and spellings to expect.")] = None,
    hotwords: Annotated[str | None, _text("Words to listen for.")] = None,
    temperature: Annotated[float | None, _text("Randomness of the search, 0 to 1.")] = None,
    beam_size: Annotated[int | None, _text("Width of the search.")] = None,
    vad_method: Annotated[str | None, _text("What finds speech: pyannote or silero.")] = None,
    vad_onset: Annotated[float | None, _text("How sure it must be that speech begins, 0 to 1.")] = None,
    vad_offset: Annotated[float | None, _text("How sure it must be that speech goes on, 0 to 1.")] = None,
    chunk_size: Annotated[int | None, _text("Longest stretch decoded at once, in seconds.")] = None,
    batch_size: Annotated[int | None, _text("Stretches decoded together.")] = None,
    compute_type: Annotated[str | None, _text("Number format of the computation, e.g. int8, float16.")] = None,
    device: Annotated[str | None, _text("auto, cpu or cuda.")] = None,
    align_model: Annotated[str | None, _text("Model that places words in time.")] = None,
    preset: Preset = None,
    on_duplicate: Annotated[
        str | None, _text("What happens to a recording that was transcribed before: transcribe, reuse or refuse.")
    ] = None,
    server: OnServer = None,
    no_server: NoServer = False,
    quiet: Quiet = False,
) -> None:
    """Transcribe recordings: on the server that runs here, else alone. Transcripts go to standard output, the rest to stderr."""
    given = dict(locals())
    address = _chosen(server, no_server)
    from app.client import transcribe as command  # noqa: PLC0415

    about_us = ("recordings", "wanted", "output", "server", "no_server", "quiet")
    about_files = ("speakers", "timestamps", "max_line_length", "max_lines", "max_cps")
    options = {name: value for name, value in given.items() if name not in about_us and value is not None}
    rendering = {name: options.pop(name) for name in about_files if name in options}
    wish = command.Wish(recordings, options, rendering, wanted, output, address, quiet)
    raise typer.Exit(command.transcribe(wish, load_settings()))


Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="A folder with audio or video files.")]
Transcribe = Annotated[bool, typer.Option("--transcribe", help="Transcribe what is new.")]


def _folder_wish(given: dict[str, Any]) -> dict[str, Any]:
    names = ("engine", "model", "language", "diarize", "preset")
    options = {name: given[name] for name in names if given[name] is not None}
    wish = {name: given[name] for name in ("folder", "transcribe", "quiet")}
    return wish | {"options": options, "server": _chosen(given["server"], given["no_server"])}


@cli.command("import")
def import_recordings(
    folder: Folder,
    transcribe: Transcribe = False,
    engine: WithEngine = None,
    model: WithModel = None,
    language: OfLanguage = None,
    diarize: Diarize = None,
    preset: Preset = None,
    server: OnServer = None,
    no_server: NoServer = False,
    quiet: Quiet = False,
) -> None:
    """Take the recordings of a folder into the library: on the server that runs here, else alone. None is taken twice."""
    wish = _folder_wish(dict(locals()))
    from app.client import import_folder as command  # noqa: PLC0415

    raise typer.Exit(command.import_folder(command.FolderWish(**wish), load_settings()))


@cli.command()
def watch(
    folder: Folder,
    transcribe: Transcribe = False,
    engine: WithEngine = None,
    model: WithModel = None,
    language: OfLanguage = None,
    diarize: Diarize = None,
    preset: Preset = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the folder.")] = 2.0,
    settle: Annotated[
        float, typer.Option(min=0, help="Seconds for which a file has to stay the same: it may still be written to.")
    ] = 5.0,
    server: OnServer = None,
    no_server: NoServer = False,
    quiet: Quiet = False,
) -> None:
    """Take in every recording that appears in a folder, until Ctrl-C. None is taken twice."""
    wish = _folder_wish(dict(locals()))
    from app.client import import_folder as command  # noqa: PLC0415

    times: dict[str, Any] = {"every_seconds": every, "settle_seconds": settle}
    raise typer.Exit(command.watch_folder(command.FolderWish(**wish, **times), load_settings()))


@cli.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Tell what is installed, which engine would run and why, what is missing and how to get it."""
    from app.doctor import examine  # noqa: PLC0415

    diagnosis = examine(load_settings())
    typer.echo(diagnosis.as_json() if as_json else diagnosis.as_text())
    raise typer.Exit(0 if diagnosis.ready else 1)


@database.command("check")
def check_database(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make the search anew, remove bytes that nothing points to.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Prove that the database is sound, and that recordings, transcripts and the search are in step with it."""
    from app.database_check import check  # noqa: PLC0415

    raise typer.Exit(0 if check(load_settings(data_dir=data_dir), repair=repair) else 1)


def main() -> None:
    """The console script: settings that cannot work end with one sentence instead of a traceback."""
    try:
        cli()
    except SettingsError as problem:
        typer.echo(f"cesar: {problem}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
