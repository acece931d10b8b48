"""Owns the settings: read once from the environment (`CESAR_…`), `.env` and flags, then frozen."""

from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableValue


class SettingsError(Exception):
    """A setting cannot work; the message is one sentence for the person who starts the server."""


class Settings(BaseSettings):
    """Every setting with its unit, default and meaning. The environment name is `CESAR_` and the name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="CESAR_",
        env_file=".env",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("cesar", appauthor=False),
        description="Folder of the database, the media and the caches.",
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL of the database. Default: SQLite inside `data_dir`."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    log_level: str = Field(default="info", description="debug, info, warning or error.")
    log_json: bool = Field(default=False, description="Log lines as JSON instead of text.")

    engine: str = Field(
        default="auto",
        description="auto, whisperx, pocketsphinx, or `package.module:factory` for an engine of your own.",
    )
    model: str = Field(
        default="small",
        description="Default model of the WhisperX engine: a size, `organisation/name`, or a local folder.",
    )
    device: str = Field(default="auto", description="auto, cpu or cuda.")
    compute_type: str | None = Field(
        default=None, description="CTranslate2 compute type. Default: int8 on a CPU, float16 on a GPU."
    )
    batch_size: int | None = Field(
        default=None, ge=1, le=256, description="Chunks decoded together. Default: 4 on a CPU, 16 on a GPU."
    )
    chunk_size: int = Field(
        default=30, ge=1, le=30, description="Longest stretch of speech decoded at once, in seconds."
    )
    beam_size: int = Field(default=5, ge=1, le=100, description="Beam width of the WhisperX engine's search.")
    language: str | None = Field(
        default=None, description="Default language (ISO 639-1); a request may say `auto`. Default: detected."
    )
    initial_prompt: str | None = Field(
        default=None, description="Default text that Whisper takes for what was said before."
    )
    hotwords: str | None = Field(default=None, description="Default words that Whisper is made to expect.")
    temperature: float | None = Field(
        default=None, ge=0, le=1, description="Default sampling temperature of Whisper. Default: 0."
    )
    vad_method: str = Field(default="pyannote", description="How speech is found: pyannote or silero.")
    vad_onset: float = Field(default=0.5, gt=0, lt=1, description="Voice activity above which speech begins.")
    vad_offset: float = Field(default=0.363, gt=0, lt=1, description="Voice activity below which speech ends.")
    align_model: str | None = Field(
        default=None, description="Alignment model for every language: a name on the model hub, or a local folder."
    )
    diarize: bool = Field(default=True, description="Whether speakers are told apart unless a request says otherwise.")
    diarize_model: str = Field(
        default="pyannote/speaker-diarization-community-1",
        description="Diarization pipeline: a name on the model hub, or a local folder, which needs no token.",
    )
    min_speakers: int | None = Field(
        default=None, ge=1, le=100, description="Default lower bound for the number of speakers."
    )
    max_speakers: int | None = Field(
        default=None, ge=1, le=100, description="Default upper bound for the number of speakers."
    )
    num_speakers: int | None = Field(
        default=None, ge=1, le=100, description="Default number of speakers. Default: found out."
    )
    preset: str | None = Field(default=None, description="Preset of options taken unless a request names another.")
    presets: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description='Presets beside fast, balanced and accurate, as JSON: `{"name": {"model": "medium", "beam_size": 5}}`.',
    )
    threads: int | None = Field(default=None, ge=1, description="Processor threads for the engine. Default: all cores.")
    model_ttl_seconds: float = Field(
        default=600, ge=0, description="How long an idle model stays in memory, in seconds."
    )
    models_dir: Path | None = Field(
        default=None, description="Folder of downloaded models. Default: the model hub's own cache."
    )
    offline: bool = Field(
        default=False, description="Never ask the model hub: only models already on this machine are used."
    )
    hf_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("CESAR_HF_TOKEN", "HF_TOKEN"),
        description="Hugging Face token for gated models. Falls back to HF_TOKEN.",
    )

    max_upload_mb: int = Field(default=100, ge=1, description="Largest recording taken in, in MiB; for downloads too.")
    max_files: int = Field(default=1000, ge=1, description="Most files in one submission.")
    max_duration_hours: float = Field(default=24, gt=0, description="Longest recording taken in, in hours.")
    media_memory_mb: int = Field(
        default=2048, ge=256, description="Memory limit of the process that decodes media, in MiB."
    )
    download_timeout_seconds: float = Field(
        default=60, gt=0, description="Longest time a URL download may take, in seconds."
    )
    download_allow_private: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="Hosts (comma-separated `host` or `host:port`) that may be fetched although their address is private.",
    )

    upload_expire_hours: float = Field(
        default=24, gt=0, description="How long an upload in pieces may rest before it is given up, in hours."
    )
    import_folders: Annotated[frozenset[Path], NoDecode] = Field(
        default=frozenset(),
        description="Folders of this machine, comma-separated, from which requests may import recordings.",
    )
    time_zone: str | None = Field(
        default=None,
        description="Time zone of recording times without an offset, like Europe/Berlin. Default: this machine's.",
    )
    on_duplicate: str = Field(
        default="transcribe",
        description="What happens to a recording that comes in and was transcribed before: transcribe (again), reuse or refuse.",
    )
    similarity: float = Field(
        default=0.8, gt=0, le=1, description="Similarity from which two recordings are taken for the same."
    )
    ytdlp: bool = Field(default=False, description="Whether addresses of video sites are fetched with yt-dlp.")
    keep_media_days: float | None = Field(
        default=None, gt=0, description="Days after which a finished recording's bytes are removed. Default: never."
    )
    keep_transcripts_days: float | None = Field(
        default=None, gt=0, description="Days after which a finished Task is removed, and an export. Default: never."
    )
    keep_events_days: float | None = Field(
        default=None, gt=0, description="Days after which a finished Task's events are removed. Default: never."
    )

    webhook_url: str | None = Field(
        default=None, description="Address that is told of every Job's end, unless a submission names its own."
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Secret that signs webhooks (`whsec_` and base64). Default: made once, in `data_dir/webhook_secret`.",
    )
    webhook_allow_private: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="Hosts (comma-separated `host` or `host:port`) that may get webhooks although their address is private.",
    )
    webhook_max_attempts: int = Field(
        default=10, ge=1, description="How often a webhook is tried before it is given up."
    )
    webhook_retry_seconds: float = Field(
        default=5,
        gt=0,
        description="Longest pause after a webhook's first failure, in seconds; it doubles with each, up to an hour.",
    )

    allowed_origins: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="Web origins, comma-separated, beside the server's own, whose pages may open sockets and send requests.",
    )
    allowed_hosts: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="Names, comma-separated, under which this server may be asked for; `*` for any. Default: those of this "
        "machine itself while `host` is a loopback address, else any.",
    )
    max_connections: int = Field(
        default=20_000, ge=1, description="Most open sockets and event streams of one server process."
    )
    outbox_bytes: int = Field(
        default=1_048_576, ge=4096, description="Most bytes waiting for one slow watcher before it is closed (4008)."
    )
    heartbeat_seconds: float = Field(
        default=30, gt=0, description="Idle time after which a socket gets a heartbeat, in seconds."
    )

    lease_seconds: float = Field(
        default=30, gt=0, description="How long a worker's claim on a Task lasts without a sign of life, in seconds."
    )
    max_attempts: int = Field(
        default=3, ge=1, description="How often a Task whose worker died is tried before it fails."
    )
    shutdown_seconds: float = Field(
        default=30, ge=0, description="How long a shutdown waits for the running Task, in seconds."
    )
    embedded_worker: bool = Field(default=True, description="Whether a server process starts a worker of its own.")

    @field_validator(
        "download_allow_private",
        "webhook_allow_private",
        "allowed_origins",
        "allowed_hosts",
        "import_folders",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("hf_token", mode="after")
    @classmethod
    def _strip_token(cls, value: SecretStr | None) -> SecretStr | None:
        """A token read from a file brings its line break along; one of white space is none."""
        token = value.get_secret_value().strip() if value else ""
        return SecretStr(token) if token else None

    @property
    def max_upload_bytes(self) -> int:
        """Upload limit in bytes."""
        return self.max_upload_mb * 1024 * 1024

    @property
    def zone(self) -> ZoneInfo | None:
        """Time zone of recording times without an offset; None: this machine's."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @property
    def media_dir(self) -> Path:
        """Where media rests."""
        return self.data_dir / "media"

    @property
    def resolved_database_url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'cesar.db'}"

    def model_post_init(self, _context: Any) -> None:
        """Refuse what cannot be right before anything is started."""
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise SettingsError("CESAR_LOG_LEVEL must be debug, info, warning or error.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise SettingsError("CESAR_DEVICE must be auto, cpu or cuda.")
        if self.vad_method not in ("pyannote", "silero"):
            raise SettingsError("CESAR_VAD_METHOD must be pyannote or silero.")
        if self.on_duplicate not in ("transcribe", "reuse", "refuse"):
            raise SettingsError("CESAR_ON_DUPLICATE must be transcribe, reuse or refuse.")
        if self.time_zone is not None and self.time_zone not in available_timezones():
            raise SettingsError("CESAR_TIME_ZONE must be the name of a time zone, like Europe/Berlin.")
        if self.min_speakers and self.max_speakers and self.min_speakers > self.max_speakers:
            raise SettingsError("CESAR_MIN_SPEAKERS must not be greater than CESAR_MAX_SPEAKERS.")
        if self.num_speakers is not None and not (self.min_speakers or 1) <= self.num_speakers <= (
            self.max_speakers or self.num_speakers
        ):
            raise SettingsError("CESAR_NUM_SPEAKERS must lie between CESAR_MIN_SPEAKERS and CESAR_MAX_SPEAKERS.")
        if self.engine not in ("auto", "whisperx", "pocketsphinx") and ":" not in self.engine:
            raise SettingsError("CESAR_ENGINE must be auto, whisperx, pocketsphinx or package.module:factory.")


def load_settings(**flags: Any) -> Settings:
    """Read the settings once; `flags` (command line) win over the environment, None means "not given".

    Raises:
        SettingsError: a value cannot work; the message names it.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except UnreadableValue:
        raise SettingsError("CESAR_PRESETS must be a JSON object.") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        raise SettingsError(f"CESAR_{name.upper().removeprefix('CESAR_')}: {first['msg']}.") from None
