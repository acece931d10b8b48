"""The log: one way to stderr, without secrets and without anybody's words."""

import ast
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.core.logging import REDACTED, REFUSED, REFUSED_KEYS, configure_logging, logger

ROOT = Path(__file__).resolve().parents[3]
LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "sqlalchemy.engine", "alembic")


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    loggers = [logging.getLogger(), *map(logging.getLogger, LIBRARIES)]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    yield
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    for each, handlers, level, propagate in before:
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return line


def test_json_line_carries_event_level_time_and_ids(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is one JSON object with the event, its level, a UTC time, and its keys."""
    configure_logging("info", json=True)
    logger.info("task_claimed", task_id="abc", attempt=2)
    line = last_line(capsys)
    assert (line["event"], line["level"], line["task_id"], line["attempt"]) == ("task_claimed", "info", "abc", 2)
    assert line["timestamp"].endswith("Z")


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """At level warning, info is silent."""
    configure_logging("warning")
    logger.info("unimportant")
    logger.warning("important")
    assert [
        line for line in capsys.readouterr().err.splitlines() if "important" in line and "unimportant" in line
    ] == []


def test_text_has_no_colours_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Redirected output holds no escape sequences."""
    configure_logging("info", json=False)
    logger.warning("task_failed", task_id="abc")
    written = capsys.readouterr().err
    assert "task_failed" in written
    assert "\x1b" not in written


def test_configuring_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A second configuration replaces the first."""
    configure_logging("info", json=True)
    configure_logging("info", json=True)
    logger.info("once")
    logging.getLogger("uvicorn.error").info("once too")
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_take_the_same_way(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A library's line comes out of the same renderer, with its logger's name, even if it had a handler of its own."""
    logging.getLogger(library.partition(".")[0]).addHandler(logging.StreamHandler())
    configure_logging("info", json=True)
    logging.getLogger(library).warning("Started with %s", "hf_abcdefghijk")
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 1
    assert json.loads(written)["event"] == f"Started with {REDACTED}"
    assert json.loads(written)["logger"] == library


def test_process_name_stands_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of several processes on one stderr can be told apart."""
    configure_logging("info", json=True, process="worker")
    logger.info("worker_started")
    assert last_line(capsys)["process"] == "worker"


def test_python_warnings_become_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A warning of a library takes the same way, so that secrets in it are seen to."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging("info", json=True)
        warnings.warn("token hf_abcdefghijk is old", stacklevel=1)
        logging.captureWarnings(False)
    line = last_line(capsys)
    assert line["logger"] == "py.warnings"
    assert "hf_abcdefghijk" not in line["event"]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    "keys",
    [
        {"hf_token": "s3cret"},
        {"Authorization": "s3cret"},
        {"headers": {"authorization": "Bearer s3cret", "cookie": "s3cret"}},
        {"ticket": "s3cret", "api_key": b"s3cret"},
        {"detail": "refused hf_s3cret by the hub"},
        {"detail": "sent Authorization: Bearer s3cret"},
        {"url": "https://user:s3cret@example.org/a.mp3"},
        {"url": "https://example.org/a.mp3?X-Amz-Signature=s3cret&b=2"},
        {"path": "/ws?after=2&token=s3cret"},
        {"tried": [{"password": "s3cret"}, ("hf_s3cret",)]},
        {"problem": ValueError("no access with hf_s3cret")},
    ],
    ids=str,
)
def test_secrets_are_redacted(keys: dict[str, Any], as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret is replaced wherever it stands: key, header, URL, list, exception."""
    configure_logging("info", json=as_json)
    logger.warning("model_refused", **keys)
    written = capsys.readouterr().err
    assert REDACTED in written
    assert "s3cret" not in written


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_in_a_traceback_are_redacted(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The text of an exception is cleaned, and local variables are not shown at all."""
    configure_logging("info", json=as_json)
    words_heard = "four score and seven"
    try:
        raise ValueError(f"{len(words_heard)} hf_s3cret")
    except ValueError:
        logger.exception("run_failed", task_id="abc")
    written = capsys.readouterr().err
    assert "ValueError: 20" in written
    assert "hf_s3cret" not in written
    assert "seven" not in written.replace('words_heard = "four score and seven"', "")


@pytest.mark.parametrize("key", sorted(REFUSED_KEYS))
def test_words_are_refused(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody said loses its value, at any depth."""
    configure_logging("info", json=True)
    logger.info("segment_decoded", **{key: "four score", "segment": {key: ["and", "seven"], "index": 1}})
    line = last_line(capsys)
    assert line[key] == REFUSED
    assert line["segment"] == {key: REFUSED, "index": 1}


def test_parameters_of_a_failed_statement_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A failed INSERT quotes its parameters, which are somebody's words."""
    configure_logging("info", json=True)
    logger.warning(
        "event_not_emitted", detail="disk I/O error\n[SQL: INSERT …]\n[parameters: (1, 'four [score]')]\n(Background …)"
    )
    assert "score" not in capsys.readouterr().err


def test_no_module_logs_words() -> None:
    """No call in the package passes a key that would be refused."""
    offences = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "logger"
        and REFUSED_KEYS & {keyword.arg for keyword in node.keywords}
    ]
    assert offences == []


def test_importing_prints_nothing_and_configures_no_handler() -> None:
    """The module can be imported by anything without effects: info is silent until logging is configured."""
    program = (
        "import logging; from app.core.logging import logger; logger.info('early', task_id='x'); "
        "assert logging.getLogger().handlers == []"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("", "")
