"""The part of a model folder that has vectors of features: n-grams', or those of given names."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastw2v.objectives.embeddings import Embeddings
from fastw2v.objectives.feature_vectors import NamedFeatures, NgramVectors, UnknownWords
from fastw2v.objectives.features import Ngrams
from fastw2v.system.array_files import Arrays
from fastw2v.text.stored_vocabulary import packed_words, unpacked_words

__all__ = ["described_features", "feature_arrays", "read_feature_vectors"]

_FIRST_POWER = 0.5  # what folders without one have


def described_features(embeddings: Embeddings) -> dict[str, Any] | None:
    """Return what config.json says of a model's features; None if it has none."""
    if embeddings.unknown is not None:
        ngrams = embeddings.unknown.ngrams
        return {
            "kind": "ngrams",
            "min_n": ngrams.min_n,
            "max_n": ngrams.max_n,
            "bucket": ngrams.bucket,
            "power": embeddings.unknown.power,
        }
    return {"kind": "names"} if embeddings.named_features is not None else None


def feature_arrays(embeddings: Embeddings) -> Arrays:
    """Return the arrays of a model's features, by name."""
    unknown, named = embeddings.unknown, embeddings.named_features
    if unknown is not None:
        arrays = {
            "ngram_buckets": unknown.table.buckets,
            "ngram_vectors": unknown.table.vectors,
        }
        if unknown.are_trained_means:  # the centres are these vectors
            return arrays
        return arrays | {"ngram_centres": unknown.centres, "centre_offset": unknown.offset}
    if named is not None:
        name_bytes, name_ends = packed_words(named.names)
        return {
            "feature_name_bytes": name_bytes,
            "feature_name_ends": name_ends,
            "feature_vectors": named.vectors,
            "feature_centres": named.centres,
            "centre_offset": named.offset,
        }
    return {}


def read_feature_vectors(arrays: Arrays, described: Any) -> dict[str, Any]:
    """Return a model's features, as `Embeddings` takes them.

    Raises
    ------
    ValueError, LookupError, TypeError, VocabularyError
        If something is missing, or not as it was written.
    """
    if described is None:
        return {}
    dimensions = arrays["in_vectors"].shape[-1]
    if described["kind"] == "names":
        _require(arrays, "centre_offset", np.float32, (dimensions,))
        names = unpacked_words(arrays["feature_name_bytes"], arrays["feature_name_ends"])
        for name in ("feature_vectors", "feature_centres"):
            _require(arrays, name, np.float32, (len(names), dimensions))
        tables = arrays["feature_vectors"], arrays["feature_centres"]
        return {"named_features": NamedFeatures(names, *tables, arrays["centre_offset"])}
    if described["kind"] != "ngrams":
        raise ValueError(f"features: expected 'ngrams' or 'names', got {described['kind']!r}")
    ngrams = _read_ngrams(described)
    buckets = arrays["ngram_buckets"]
    _require(arrays, "ngram_buckets", np.int32, (len(buckets),))
    if len(buckets) and (
        buckets[0] < 0 or buckets[-1] >= ngrams.bucket or not (np.diff(buckets) > 0).all()
    ):
        raise ValueError(f"ngram_buckets: expected rising numbers below {ngrams.bucket}")
    power = described.get("power", _FIRST_POWER)
    if isinstance(power, bool) or power not in (_FIRST_POWER, 1.0):
        raise ValueError(f"power: expected {_FIRST_POWER} or 1.0, got {str(power)[:60]}")
    _require(arrays, "ngram_vectors", np.float32, (len(buckets), dimensions))
    table = NgramVectors(ngrams, buckets, arrays["ngram_vectors"])
    if power == 1.0:
        return {"unknown": UnknownWords.of_trained_means(table)}
    _require(arrays, "ngram_centres", np.float32, (len(buckets), dimensions))
    _require(arrays, "centre_offset", np.float32, (dimensions,))
    return {"unknown": UnknownWords(table, arrays["ngram_centres"], arrays["centre_offset"])}


def _read_ngrams(described: Mapping[str, Any]) -> Ngrams:
    numbers = [described[name] for name in ("min_n", "max_n", "bucket")]
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
        raise ValueError(f"features: expected whole numbers, got {numbers}")
    low, high, bucket = numbers
    if not (1 <= low <= high <= 1000 and 1 <= bucket < 2**31):
        raise ValueError(f"features: expected min_n, max_n and bucket in range, got {numbers}")
    return Ngrams(low, high, bucket)


def _require(arrays: Arrays, name: str, dtype: type, shape: tuple[int, ...]) -> None:
    came = arrays[name]
    if came.dtype != dtype or came.shape != shape:
        raise ValueError(
            f"{name}: expected {np.dtype(dtype).name} of shape {shape}, got {came.dtype.name} of "
            f"shape {came.shape}"
        )
