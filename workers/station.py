"""What a worker process holds while it lives: models, lexicons, rules, database and queue.

Built once per process from the settings; jobs are handed ids and find everything else here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from lexicons.lexicon import shipped
from models.db import connect
from models.stores import Stores
from settings import Settings, read_settings
from speech.audio import AudioLimits
from speech.listen import Ears
from speech.mood import EncoderMood, MoodModel
from speech.speakers import Diarizer
from speech.transcribe import LanguageUnknown, Transcriber
from speech.whisper_files import ModelMissing
from workers.judging import Judge
from workers.published import Shelf, product_names, seed
from workers.queue import CallQueue, open_queue
from workers.rules.book import RuleBook, seed_alert_rules


@dataclass(frozen=True, slots=True)
class Station:
    """A worker's tools."""

    settings: Settings
    engine: Engine
    queue: CallQueue
    stores: Stores
    ears: Ears
    shelf: Shelf
    rules: RuleBook

    @property
    def judge(self) -> Judge:
        """Who asks the rules about stored calls."""
        return Judge(self.engine, self.rules, timedelta(days=self.settings.alert_days))

    @property
    def limits(self) -> AudioLimits:
        return audio_limits(self.settings)


@cache
def station() -> Station:
    """This process's station; the first call loads the models and takes seconds."""
    settings = read_settings()
    engine = connect(settings.database)
    seed(engine)
    seed_alert_rules(engine, settings, renew=True)
    return Station(
        settings=settings,
        engine=engine,
        queue=open_queue(settings.redis),
        stores=Stores(settings.recordings, settings.stores),
        ears=load_ears(settings),
        shelf=Shelf(engine, hotwords=settings.hotwords),
        rules=RuleBook(engine),
    )


def audio_limits(settings: Settings) -> AudioLimits:
    """What a recording may have at most."""
    return AudioLimits(
        seconds=settings.max_audio_s,
        bytes=settings.max_audio_mb * 1_000_000,
        decoded_bytes=settings.max_decoded_mb * 1_000_000,
    )


def hotwords(settings: Settings) -> tuple[str, ...]:
    """The names of the first product terms that come with Overtone, for where there is no
    database.
    """
    return product_names(shipped(), settings.hotwords)


def load_ears(settings: Settings) -> Ears:
    """Load the Whisper and mood models. Raises `ModelMissing` or `MoodError`, saying what to do."""
    transcriber = Transcriber.load(
        settings.whisper_model,
        settings.models,
        device=settings.device,
        compute_type=settings.compute_type,
        beam_size=settings.beam_size,
        batch_size=settings.batch_size,
        language_threshold=settings.language_threshold,
    )
    if settings.language is not None:
        try:
            transcriber.check_language(settings.language)
        except LanguageUnknown as error:
            raise ModelMissing(f"OVERTONE_LANGUAGE: {error}") from error
    mood = load_mood(settings, transcriber.name)
    if settings.diarization == "off":
        return Ears(transcriber, mood, None)
    return Ears(transcriber, mood, Diarizer.installed(transcriber.model.model.device))


def load_mood(settings: Settings, whisper_model: str) -> MoodModel | None:
    """The mood model of the settings, None where moods are off. Raises `MoodError`."""
    if settings.mood_model == "none":
        return None
    if settings.mood_model == "encoder":
        return EncoderMood.shipped(whisper_model)
    folder = Path(settings.mood_model)
    if (folder / "head.json").is_file():
        return EncoderMood.load(folder, whisper_model)
    from speech.hub_mood import HubMood  # torch and transformers load only where they are asked for

    labels = dict(
        pair.split("=", 1) for pair in (settings.mood_labels or "").split(",") if "=" in pair
    )
    return HubMood(
        settings.mood_model,
        device=None if settings.device == "auto" else settings.device,
        labels=labels or None,
    )
