"""Small corpora, made from a seed: sentences of topics, of random words, of noisy pairs."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

Sentences = list[list[str]]

TOPICS = 6
WORDS_OF_TOPIC = 15


def topic_sentences(seed: int, sentences: int = 900, length: int = 10) -> Sentences:
    """Sentences whose words all come from one topic; "t3w07" is word 7 of topic 3."""
    generator = np.random.default_rng(seed)
    topics = generator.integers(0, TOPICS, sentences)
    words = generator.integers(0, WORDS_OF_TOPIC, (sentences, length))
    return [
        [f"t{topic}w{word:02}" for word in row] for topic, row in zip(topics, words, strict=True)
    ]


def topic_of(word: str) -> str:
    return word[:2]


def random_sentences(
    seed: int, n_words: int, sentences: int = 200, longest: int = 12, skew: float = 1.0
) -> Sentences:
    """Sentences of 0 to `longest` words; word k comes with a probability like 1 / (k + 1)^skew."""
    generator = np.random.default_rng(seed)
    chances = 1.0 / np.arange(1, n_words + 1) ** skew
    chances /= chances.sum()
    lengths = generator.integers(0, longest + 1, sentences)
    return [[f"w{k}" for k in generator.choice(n_words, size, p=chances)] for size in lengths]


def chain_sentences(
    seed: int,
    n_words: int,
    sentences: int = 300,
    length: int = 12,
    noise: float = 0.5,
    skew: float = 0.0,
) -> Sentences:
    """Sentences that mostly step from word k to word k + 1, so that contexts depend on centres.

    With probability `noise` they jump, to word k with a probability like 1 / (k + 1)^skew.
    """
    generator = np.random.default_rng(seed)
    chances = 1.0 / np.arange(1, n_words + 1) ** skew
    jumps = generator.choice(n_words, (sentences, length), p=chances / chances.sum())
    steps = generator.random((sentences, length)) >= noise
    made = []
    for row in range(sentences):
        words = [int(jumps[row, 0])]
        for place in range(1, length):
            following = (words[-1] + 1) % n_words
            words.append(following if steps[row, place] else int(jumps[row, place]))
        made.append([f"w{word}" for word in words])
    return made


def as_text(sentences: Iterable[Iterable[str]]) -> str:
    return "".join(" ".join(sentence) + "\n" for sentence in sentences)


def write_text(path: Path, sentences: Iterable[Iterable[str]]) -> Path:
    path.write_text(as_text(sentences), encoding="utf-8")
    return path
