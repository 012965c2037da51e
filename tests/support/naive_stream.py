"""A pass over a text in float64 and plain loops: the twin of the stream kernels.

It knows no randomness: reaches are 1 (``window=1``), nothing is dropped, and every negative is
word 0, as it is when the noise puts all its weight there.
"""

import numpy as np

from fastw2v.kernels.formulas.sigmoid_losses import hierarchical_loss_and_gradients
from fastw2v.objectives.huffman import huffman_tree


class NaiveStream:
    """Parameters in float64; `sabotage` names a mistake to make."""

    def __init__(self, counts, settings, start, sabotage="", locks=None, held=()):
        self.settings, self.sabotage = settings.hyperparameters, sabotage
        self.divides = settings.divides_step
        self.locks = np.ones(len(counts)) if locks is None else locks
        self.inputs, self.outputs = (np.array(table, np.float64) for table in start)
        self.tree = huffman_tree(counts)
        self.held = list(held)  # words whose outputs stay
        self.loss = 0.0
        self.pairs = 0

    def answers(self, word):
        """Return the rows that a word is predicted by, and their codes."""
        if self.settings.objective == "hierarchical":
            place = slice(self.tree.starts[word], self.tree.starts[word + 1])
            return self.tree.points[place], self.tree.codes[place]
        negative = self.settings.negative
        return np.array([word] + [0] * negative), np.array([0] + [1] * negative, np.uint8)

    def meet(self, hidden, word, rate):
        """Update the outputs of some inputs together; return the gradients of the inputs."""
        rows, codes = self.answers(word)
        if self.sabotage == "flipped codes":
            codes = 1 - codes
        before = self.outputs[rows].copy()
        stay = self.outputs[self.held].copy()
        gradients = []
        for vector in hidden:
            found = hierarchical_loss_and_gradients(vector, before, codes)
            self.loss += found.loss
            self.pairs += 1
            np.subtract.at(self.outputs, rows, rate * found.outputs)
            gradients.append(found.hidden)
        self.outputs[self.held] = stay
        return gradients

    def train(self, sentences, block_tokens, held_out=()):
        settings = self.settings
        text = [(i, sentence) for sentence in sentences for i in range(len(sentence))]
        for number in range(settings.epochs):
            self.loss, self.pairs = 0.0, 0
            for position, (i, sentence) in enumerate(text):
                begin = position - position % block_tokens
                done = (number + begin / len(text)) / settings.epochs
                if self.sabotage == "constant rate":
                    done = 0.0
                rate = settings.learning_rate * (1 - (1 - settings.final_rate) * done)
                around = [sentence[j] for j in (i - 1, i + 1) if 0 <= j < len(sentence)]
                if around and position not in held_out:
                    self.window(around, sentence[i], rate)
        return self

    def window(self, around, word, rate):
        settings = self.settings
        if settings.model == "skipgram":
            together = settings.negatives_shared or settings.objective == "hierarchical"
            for group in [around] if together else [[other] for other in around]:
                gradients = self.meet(self.inputs[group].copy(), word, rate)
                for other, gradient in zip(group, gradients, strict=True):
                    self.inputs[other] -= rate * self.locks[other] * gradient
            return
        scale = 1 / len(around) if settings.cbow_mean else 1.0
        (gradient,) = self.meet([scale * self.inputs[around].sum(axis=0)], word, rate)
        divides = self.divides
        if self.sabotage == "other scale of steps":
            divides = not divides
        scale = 1 / len(around) if divides else 1.0
        for other in around:
            self.inputs[other] -= rate * scale * self.locks[other] * gradient
