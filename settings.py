"""Every setting of Overtone, read once from OVERTONE_* variables; a bad or unknown one stops the
process.

Knows no rooms. `Settings()` reads the environment; whoever needs a setting is handed the object.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from tempfile import gettempdir
from threading import Thread
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "OVERTONE_"
ALERT_ANGER = 0.6
# The longest path a Unix socket can have on Linux is 107 bytes, on macOS 103.
SOCKET_PATH_BYTES = 103
STORE = re.compile(r"(https://[\w.-]+(:[0-9]+)?|s3://[a-z0-9.-]+)/([^/?#%@\\\s]+/)*", re.ASCII)


class Settings(BaseSettings):
    """All settings with their defaults; the description of each is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True
    )

    data_dir: Path = Field(
        Path("overtone-data"),
        description="Folder for the database, uploaded recordings, the embedded queue and models.",
    )
    database_url: str | None = Field(
        None,
        description="SQLAlchemy URL, such as postgresql+psycopg://user:password@host/overtone. "
        "Unset: SQLite in the data folder.",
    )
    redis_url: str | None = Field(
        None,
        description="Redis or Valkey for the queue, such as redis://host:6379/0. "
        "Unset: the embedded Valkey of the data folder.",
    )
    stores: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Folders, and https:// and s3:// prefixes that end with a slash, separated by "
        "commas, that a pushed path or address may point into. Unset: uploads only.",
    )
    s3_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+/?$",
        description="Where s3:// stores are, such as https://minio.example.com:9000. Unset: AWS, "
        "or what AWS_ENDPOINT_URL says. Credentials come from AWS_* variables.",
    )
    api_host: str = Field("127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(
        8080, ge=0, le=65535, description="Port the API listens on; 0 takes a free one."
    )
    max_upload_mb: int = Field(500, ge=1, description="Largest upload, in megabytes.")
    max_queue: int = Field(
        20_000,
        ge=0,
        description="Calls that may wait to be heard; while so many do, new ones that are not "
        "urgent are answered 429 with `Retry-After`. 0 is no bound.",
    )
    max_audio_s: float = Field(
        4 * 3600.0, gt=0, description="Longest recording that is heard, in seconds."
    )
    max_audio_mb: int = Field(
        2000, ge=1, description="Largest recording that is heard, in megabytes on disk."
    )
    max_decoded_mb: int = Field(
        1000,
        ge=1,
        description="Most memory for one decoded recording, in megabytes: an hour of stereo takes "
        "115 from a telephone, else 230.",
    )
    agent_channel: Literal["left", "right"] = Field(
        "left",
        description="The agent's side of a stereo recording, unless the push says otherwise.",
    )
    whisper_model: str = Field(
        "base",
        description="Whisper size, hub id or folder with a CTranslate2 model. `base` comes from "
        "two packages and needs no hub.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where models run; `auto` takes a GPU where one works."
    )
    compute_type: str = Field(
        "default",
        description="CTranslate2 compute type; `default` is int8 on a CPU and float16 on a GPU.",
    )
    beam_size: int = Field(5, ge=1, le=20, description="Whisper's beam.")
    batch_size: int = Field(
        8, ge=1, le=128, description="Windows heard at once, fewer where memory is short."
    )
    language: str | None = Field(
        None,
        pattern=r"^[a-z]{2,3}$",
        description="Language of all calls, such as ru or en. Unset: found per call.",
    )
    language_threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A language less probable than this is not claimed for a call or a channel.",
    )
    diarization: Literal["on", "off"] = Field(
        "on", description="Whether the two voices of a mono recording are told apart."
    )
    hotwords: int = Field(
        10_000,
        ge=0,
        le=200_000,
        description="Terms of the product lexicons, the first so many, that Whisper is told of "
        "where it wrote something like them; 0 tells it of none.",
    )
    mood_model: str = Field(
        "encoder",
        description="`encoder` (the head on Whisper's encoder that comes with Overtone), `none`, "
        "a folder that `overtone mood train` wrote, or a hub id or folder of a transformers "
        "audio-classification model.",
    )
    mood_labels: str | None = Field(
        None,
        pattern=r"^[^=,]+=(angry|happy|neutral|sad)(,[^=,]+=(angry|happy|neutral|sad))*$",
        description="For a hub mood model whose labels are not understood: "
        "label=mood pairs, such as LABEL_0=angry,LABEL_1=neutral.",
    )
    alert_anger: float = Field(
        ALERT_ANGER,
        gt=0,
        le=1,
        description="A customer's anger from which a turn is angry and a call raises an alert ...",
    )
    alert_anger_s: float = Field(
        3.0,
        gt=0,
        le=36_000,
        description="... when it lasts for at least this many seconds of speech. Rules that you "
        "changed have their own figures.",
    )
    alert_days: int = Field(
        7,
        ge=1,
        le=36500,
        description="What is found in a call that began more days ago is an alert in lists and "
        "streams, but is sent to nobody and never overdue.",
    )
    job_failures: int = Field(
        3, ge=1, description="Times that hearing a call may fail before the call is marked failed."
    )
    job_attempts: int = Field(
        20, ge=1, description="The same, counting also workers that died while hearing it."
    )
    heartbeat_s: int = Field(
        60, ge=2, description="A worker silent for this long is taken for dead."
    )
    rate_limit: int = Field(
        1200,
        ge=0,
        description="Requests that one API key may make in a minute, counted over all API "
        "processes; 0 sets no limit.",
    )
    reconcile_s: float = Field(
        15.0,
        gt=0,
        description="How often a worker looks for calls that lost their job, in seconds.",
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=36500,
        description="Calls that began more than this many days ago are deleted with their "
        "recordings, unless under legal hold. Unset: kept for ever.",
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[!-~]*[!-.0-~]$",
        description="Where people reach the API, such as https://calls.example.com: links in "
        "alerts begin with it. Unset: no links in chat and e-mail.",
    )
    webhook_private: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Hosts, addresses and networks such as 10.1.0.0/16, separated by commas, that "
        "webhooks may reach although they are private, also over http://. Unset: the public net "
        "over https:// only.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server for digests: smtp://user:password@host:587 (with STARTTLS) or "
        "smtps://. Unset: no e-mail.",
    )
    smtp_from: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$",
        max_length=254,
        description="Address that digests come from.",
    )
    key: SecretStr | None = Field(
        None,
        description="API key that `overtone push` sends. Unset: the one in the data folder.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged. Transcript text and phone numbers never are."
    )

    @field_validator("stores", "webhook_private", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("stores")
    @classmethod
    def _known_stores(cls, stores: tuple[str, ...]) -> tuple[str, ...]:
        for store in stores:
            if "://" in store:
                scheme = store.partition("://")[0]
                if scheme not in ("https", "s3"):
                    raise ValueError(f"{store}: {scheme}:// is no store, only https:// and s3://")
                if not STORE.fullmatch(store) or "/../" in store:
                    raise ValueError(
                        f"{store}: a store is https://host/folder/ or s3://bucket/folder/, with a "
                        "slash at its end, and no name, password, query or encoded letters"
                    )
            elif not Path(store).is_absolute():
                raise ValueError(f"{store}: a folder must be an absolute path")
        return stores

    @field_validator("webhook_private")
    @classmethod
    def _known_networks(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        for part in named:
            if "/" in part:
                ip_network(part)  # a ValueError of its own words
            elif not re.fullmatch(r"[A-Za-z0-9._:-]+", part):
                raise ValueError(f"{part}: neither a host nor an address nor a network")
        return named

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
                raise ValueError("must be smtp://host:port or smtps://host:port")
        return url

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'overtone.db'}"

    @property
    def queue_socket(self) -> Path:
        """Where the embedded Valkey listens: in the data folder, or in /tmp where that path is too
        long.
        """
        socket = self.data_dir.absolute() / "queue" / "valkey.sock"
        if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
            return socket
        digest = sha256(os.fsencode(socket)).hexdigest()[:12]
        return Path(gettempdir()) / f"overtone-{os.getuid()}-{digest}" / "valkey.sock"

    @property
    def redis(self) -> str:
        """The URL of the queue in force."""
        return self.redis_url or f"unix://{self.queue_socket}"

    @property
    def recordings(self) -> Path:
        """Folder of uploaded recordings."""
        return self.data_dir.absolute() / "recordings"

    @property
    def models(self) -> Path:
        """Folder of downloaded or joined models."""
        return self.data_dir.absolute() / "models"


def log_to_stderr(settings: Settings) -> None:
    """Set up logging for a process of ours. Libraries that log addresses stay quiet."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(name)s %(message)s")
    for name in ("alembic", "httpx", "httpcore", "faster_whisper", "numba"):
        logging.getLogger(name).setLevel(logging.WARNING)


def end_with_parent() -> None:
    """Take a closed standard input, which a dead parent leaves behind, for a request to end."""

    def watch() -> None:
        # Not through `sys.stdin.buffer`: a thread that holds its lock aborts the interpreter's end.
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, name="parent", daemon=True).start()


class BadSettings(Exception):
    """One or more OVERTONE_* variables cannot be used; the text names each."""


def read_settings(**overrides: Any) -> Settings:
    """Read the environment. Raises `BadSettings` naming every variable that is wrong or unknown."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    problems = [
        f"{name} is not a setting of Overtone"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    ]
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        problems += [
            f"{PREFIX}{str(detail['loc'][0]).upper()}: {detail['msg']}" for detail in error.errors()
        ]
        raise BadSettings("\n".join(problems)) from error
    if problems:
        raise BadSettings("\n".join(problems))
    return settings
