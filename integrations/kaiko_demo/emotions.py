"""`emotion-v2`: a toy that counts words, so its answers are the same everywhere.

It has two bugs on purpose, to show unmapped exceptions. German was announced before its word
list was loaded: looking it up is a `KeyError`, whose text is the address of a database with its
password. And the share of each emotion is divided by a number of words that may be zero, so a
stream breaks at its third sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kaiko_demo.schemas import Analysis

if TYPE_CHECKING:
    from kaiko_demo.schemas import Language

__all__ = ["EMOTION_MODEL", "LEXICON_SOURCES", "analyse", "sentences"]

EMOTION_MODEL = "emotion-v2"

LEXICON_SOURCES: dict[Language, str] = {
    "en": "builtin:en",
    "de": "postgresql://lexicon:correct-horse-battery@lexicons.internal/de",
}

_LOADED: dict[str, dict[str, str]] = {
    "builtin:en": {
        "afraid": "fear",
        "angry": "anger",
        "awful": "anger",
        "cry": "sadness",
        "fear": "fear",
        "glad": "joy",
        "happy": "joy",
        "hate": "anger",
        "love": "joy",
        "lost": "sadness",
        "sad": "sadness",
        "suddenly": "surprise",
        "surprised": "surprise",
        "wonderful": "joy",
        "worried": "fear",
    }
}

_EMOTIONS: tuple[str, ...] = ("anger", "fear", "joy", "sadness", "surprise", "neutral")
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, in order."""
    return _BETWEEN_SENTENCES.split(text.strip())


def analyse(text: str, language: Language) -> Analysis:
    """Return the emotions in `text`.

    Raises:
        KeyError: The language's word list is not loaded: the first bug.
        ZeroDivisionError: The text has no words: the second bug.
    """
    lexicon = _LOADED[LEXICON_SOURCES[language]]
    words = _WORD.findall(text.lower())
    counts = dict.fromkeys(_EMOTIONS, 0)
    for word in words:
        counts[lexicon.get(word, "neutral")] += 1
    scores = {emotion: round(count / len(words), 4) for emotion, count in counts.items()}
    felt = {emotion: score for emotion, score in scores.items() if emotion != "neutral"}
    strongest = max(felt, key=lambda emotion: felt[emotion])
    return Analysis(
        model=EMOTION_MODEL,
        emotion=strongest if felt[strongest] else "neutral",
        scores=scores,
    )
