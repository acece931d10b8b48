"""Cesar: a transcription service one runs oneself, and watches while it works."""

__version__ = "0.1.0"
