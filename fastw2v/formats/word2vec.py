"""The formats of the original word2vec program, text and binary, through gensim."""

from pathlib import Path

from fastw2v.embeddings import Embeddings, VectorChoice
from fastw2v.errors import OutputError
from fastw2v.files import whole_file


def write_word2vec(
    embeddings: Embeddings, target: Path, vectors: VectorChoice | None, *, binary: bool
) -> None:
    """Write one table in word2vec's text or binary format, most frequent words first.

    Raises
    ------
    OutputError
        If a word holds white space, which a reader would take for the end of the word.
    """
    for word in embeddings.vocabulary.words:
        # The text format is cut at any white space, the binary one at blanks and line ends.
        split = any(mark in word for mark in " \n") if binary else word.split() != [word]
        if split or not word:
            raise OutputError(
                f"{target}: the word2vec format cannot hold the word {word!r}, which is empty or "
                "holds white space; export to npz, or replace white space in the corpus"
            )
    keyed = embeddings.keyed_vectors(vectors)
    with whole_file(target) as temporary:
        keyed.save_word2vec_format(str(temporary), binary=binary)
