"""What may be chosen where a setting has a few values: their names, as types."""

from typing import Literal, get_args

__all__ = [
    "VECTOR_CHOICES",
    "BatchKind",
    "Bias",
    "Connectors",
    "DeviceName",
    "Errors",
    "Inputs",
    "Kind",
    "Language",
    "ModelName",
    "Normalization",
    "ObjectiveName",
    "OptimizerName",
    "Precision",
    "RareWords",
    "Start",
    "VectorChoice",
]

ModelName = Literal["skipgram", "cbow"]
ObjectiveName = Literal["softmax", "negative", "hierarchical"]
BatchKind = Literal["counts", "tokens"]
RareWords = Literal["exact", "sampled", "auto"]
OptimizerName = Literal["adam", "adagrad", "sgd"]
Inputs = Literal["words", "subwords", "features"]
Bias = Literal["unigram", "learned", "none"]
Start = Literal["spectral", "random"]
Normalization = Literal["none", "nfc", "nfkc"]
Language = Literal["none", "any", "tr", "az"]
Connectors = Literal["none", "english"]
Errors = Literal["strict", "replace", "ignore"]
Precision = Literal["auto", "float32", "bf16x2", "bf16"]
DeviceName = Literal["cpu", "cuda", "auto", "torch-cpu"]
Kind = Literal["text", "jsonl", "csv", "tsv", "parquet", "arrow"]
"""What files of a corpus are."""
VectorChoice = Literal["in", "out", "sum", "both"]
VECTOR_CHOICES: tuple[VectorChoice, ...] = get_args(VectorChoice)
