"""A pass over a text whose inputs are means of rows, in float64 and plain loops.

As `tests.support.naive_stream` it knows no randomness, and windows reach one token.
"""

from tests.support.naive_stream import NaiveStream


class NaiveMeans(NaiveStream):
    """Inputs are means of the rows that `features` (a list for each word) names.

    A token's mean is taken when it comes into reach, and what it gained goes to each row when it is
    out of reach, at the latest at the end of a block.
    """

    def __init__(self, counts, settings, start, features, sabotage=""):
        super().__init__(counts, settings, start, sabotage)
        self.features = features
        self.means, self.before = {}, {}

    def mean_of(self, word):
        rows = self.features[word]
        total = sum(self.inputs[row] for row in rows)
        return total if self.sabotage == "sums" else total / len(rows)

    def enter(self, place, word):
        if len(self.features[word]) == 1:  # trained where it lies
            self.means[place] = self.inputs[self.features[word][0]]
            return
        self.means[place] = self.mean_of(word)
        self.before[place] = self.means[place].copy()

    def leave(self, place, word):
        mean = self.means.pop(place)
        if len(self.features[word]) == 1:
            return
        gain = mean - self.before.pop(place)
        if self.sabotage == "shared steps":
            gain = gain / len(self.features[word])
        rows = self.features[word]
        if self.sabotage == "rows once":
            rows = sorted(set(rows))
        for row in rows:
            self.inputs[row] += gain

    def train(self, sentences, block_tokens):
        words = [word for sentence in sentences for word in sentence]
        owner = [number for number, sentence in enumerate(sentences) for _ in sentence]
        for epoch in range(self.settings.epochs):
            self.loss, self.pairs = 0.0, 0
            for begin in range(0, len(words), block_tokens):
                done = (epoch + begin / len(words)) / self.settings.epochs
                rate = self.settings.learning_rate * (1 - (1 - self.settings.final_rate) * done)
                end = min(begin + block_tokens, len(words))
                self.block(words, owner, (begin, end), rate)
        return self

    def block(self, words, owner, limits, rate):
        begin, end = limits
        first = begin - (begin > 0 and owner[begin - 1] == owner[begin])
        last = end - (end == len(words) or owner[end] != owner[end - 1])
        entered = first
        for here in range(begin, end):
            for place in sorted(self.means):
                if place < here - 1:
                    self.leave(place, words[place])
            while entered <= min(here + 1, last):
                self.enter(entered, words[entered])
                entered += 1
            around = [
                place
                for place in (here - 1, here + 1)
                if 0 <= place < len(words) and owner[place] == owner[here]
            ]
            if around:
                self.window(around, words[here], rate)
        for place in sorted(self.means):
            if self.sabotage != "lost at the end":
                self.leave(place, words[place])
        self.means, self.before = {}, {}

    def window(self, around, word, rate):
        settings = self.settings
        together = settings.negatives_shared or settings.objective == "hierarchical"
        for group in [around] if together else [[place] for place in around]:
            gradients = self.meet([self.means[place].copy() for place in group], word, rate)
            for place, gradient in zip(group, gradients, strict=True):
                self.means[place] -= rate * gradient
