"""Knows words: text in, hits out. Knows nothing of audio, calls, queues or databases."""
