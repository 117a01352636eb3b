"""Answers: the HTTP API. Never imports torch, ctranslate2 or the room that hears."""
