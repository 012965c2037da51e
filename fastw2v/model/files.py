"""A model as a folder, and as files of other programs."""

from dataclasses import replace
from pathlib import Path
from typing import Self

from fastw2v.callbacks import stage_of
from fastw2v.config import TokenizeFunction, VectorChoice
from fastw2v.formats import FormatName, export
from fastw2v.model.progress import ProgressChoice, showing
from fastw2v.model.state import ModelState
from fastw2v.model.tokenizer import with_tokenizer
from fastw2v.text.rules import TextRules
from fastw2v.training.checkpoints import checkpoint_path
from fastw2v.training.saved import read_saved, write_saved

__all__ = ["Files"]


class Files(ModelState):
    """Saving, loading, and exporting."""

    def save(self, folder: str | Path) -> None:
        """Write the model as a folder, whole or not at all.

        If its run was saved on the way to this folder, the checkpoint is removed.
        """
        write_saved(self._result, Path(folder))
        if self._checkpoints and self._checkpoints.path == checkpoint_path(Path(folder)):
            self._checkpoints.path.unlink(missing_ok=True)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        mmap: bool = False,
        verify: bool | None = None,
        workers: int | None = None,
        tokenizer: str | TokenizeFunction | None = None,
    ) -> Self:
        """Read a model folder written by `save`, of this or any earlier version.

        Parameters
        ----------
        folder : path
        mmap : bool
            Map the arrays instead of reading them: opening takes milliseconds whatever the size,
            and memory is used for what is looked at. Words are decoded when first asked for.
        verify : bool, optional
            Whether to compare the arrays with their digest, which reads all of them. Default:
            unless `mmap`. Sizes and shapes are always checked.
        workers : int, optional
            Threads; default: the cores at hand.
        tokenizer : callable, optional
            The function that cut the text of the model, to cut other texts by (`perplexity`). A
            model knows its name, and imports nothing: what a file says is not run.

        Raises
        ------
        ModelFormatError
            If it is missing, no model, damaged, or of a newer schema.
        ConfigurationError
            If the model was trained with another kind of tokenizer than is given.
        """
        trained = read_saved(Path(folder), mapped=mmap, verify=verify)
        trained = replace(trained, settings=with_tokenizer(trained.settings, tokenizer))
        model = cls._of_stored(trained.settings, workers)
        model._become(trained)
        return model

    def export(
        self,
        target: str | Path,
        form: FormatName | None = None,
        vectors: VectorChoice | None = None,
        *,
        progress: ProgressChoice = None,
    ) -> None:
        """Write the vectors in another program's format; see `fastw2v.formats.export`.

        `progress` is as in `fit`; a function gets ("writing", vectors written, vectors).
        """
        rules = TextRules.of(self.settings)
        with showing(progress) as reports:
            written = stage_of(reports.stage, "writing")
            export(self.embeddings, Path(target), form, vectors, rules, written)
