"""The objectives with their models and batches: the cells that all tests of a run go over."""

CELLS = {
    "softmax skipgram counts": {"batch_rows": 8},
    "softmax skipgram tokens": {"batches": "tokens", "batch_tokens": 300},
    "softmax cbow": {"model": "cbow", "batch_tokens": 300},
    "negative skipgram": {"objective": "negative"},
    "negative skipgram subwords": {"objective": "negative", "inputs": "subwords"},
    "negative cbow": {"objective": "negative", "model": "cbow"},
    "hierarchical skipgram": {"objective": "hierarchical"},
    "hierarchical cbow": {"objective": "hierarchical", "model": "cbow"},
}
