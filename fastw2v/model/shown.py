"""A model as it is shown: on one line, and in a notebook."""

from html import escape

from fastw2v.model.state import ModelState
from fastw2v.system.notebooks import html_table, line_picture
from fastw2v.training.result import TrainingSummary

__all__ = ["Shown"]


class Shown(ModelState):
    """What is seen of a model that is printed."""

    def __repr__(self) -> str:
        """Return the settings beside their defaults, and what training ended in, on one line."""
        parts = [f"{name}={value!r}" for name, value in self.settings.changed.items()]
        if self._trained is None:
            parts.append("not trained")
        else:
            parts.append(f"{len(self._trained.embeddings.vocabulary):,} words")
            summary = self._trained.summary
            if summary is not None:
                parts.append(f"loss {summary.loss_nats:.4f} nats, {_total_s(summary):,.1f} s")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _repr_html_(self) -> str:
        settings = self.settings
        rows = [("settings", _as_text(settings.changed) or "the defaults")]
        picture = ""
        if self._trained is not None:
            vocabulary, summary = self._trained.embeddings.vocabulary, self._trained.summary
            rows += [
                ("words", f"{len(vocabulary):,} of {vocabulary.n_raw_types:,}"),
                ("tokens", f"{vocabulary.n_tokens:,} of {vocabulary.n_raw_tokens:,}"),
            ]
            if summary is not None:
                rows += [("loss", _loss(summary)), ("seconds", _seconds(summary))]
            picture = self._loss_picture(summary)
        others = settings.as_dict()
        more = (
            f"{picture}<details><summary>all settings</summary>{escape(_as_text(others))}</details>"
        )
        kind = f"{type(self).__name__}: {settings.model}, {settings.objective}"
        return html_table(kind if self._trained else f"{kind}, not trained", rows, more)

    def _loss_picture(self, summary: TrainingSummary | None) -> str:
        """Return the loss of each epoch between the entropies, where these are known."""
        named: dict[str, float | None] = {}
        if summary is not None:
            named["unigram entropy"] = summary.unigram_entropy_nats
            named["conditional entropy"] = summary.conditional_entropy_nats
        levels = [(name, value) for name, value in named.items() if value is not None]
        between = f" between {' and '.join(name for name, _ in levels)}" if levels else ""
        return line_picture(
            [
                [record.loss_nats for record in self.history],
                [record.held_out_loss_nats for record in self.history],
            ],
            levels,
            f"loss of each epoch{between}",
        )


def _as_text(settings: dict[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


def _total_s(summary: TrainingSummary) -> float:
    stages = (summary.read_s, summary.count_s, summary.train_s, summary.finish_s)
    return sum(stages) + summary.compile_s


def _seconds(summary: TrainingSummary) -> str:
    parts = {
        "reading": summary.read_s,
        "counting": summary.count_s,
        "training": summary.train_s,
        "finishing": summary.finish_s,
        "compiling": summary.compile_s,
    }
    shown = ", ".join(
        f"{seconds:,.1f} {name}" for name, seconds in parts.items() if seconds >= 0.05
    )
    return f"{_total_s(summary):,.1f}" + (f" ({shown})" if shown else "")


def _loss(summary: TrainingSummary) -> str:
    loss = f"{summary.loss_nats:.4f} nats a pair"
    if summary.unigram_entropy_nats is None or summary.conditional_entropy_nats is None:
        return loss
    return (
        f"{loss}, between {summary.conditional_entropy_nats:.4f}, the conditional entropy of the "
        f"counts, and {summary.unigram_entropy_nats:.4f}, the unigram entropy"
    )
