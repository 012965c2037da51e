"""Analogies against gensim for 3CosAdd, a loop for 3CosMul, and planted answers."""

import numpy as np
import pytest

from fastw2v.errors import EvaluationError
from fastw2v.evaluation import WordTable, evaluate_analogies
from fastw2v.evaluation import analogies as analogies_module
from fastw2v.evaluation.analogies import EPSILON, best_answers
from fastw2v.evaluation.test_sets import AnalogySet, read_analogies
from tests.evaluation.test_similarity import keyed_of


def grid(side, dimensions=20, noise=0.0, seed=0):
    """Words "rRcC" whose vector is that of the row plus that of the column."""
    generator = np.random.default_rng(seed)
    rows, columns = generator.standard_normal((2, side, dimensions))
    words = [f"r{r}c{c}" for r in range(side) for c in range(side)]
    vectors = (rows[:, None] + columns[None]).reshape(-1, dimensions)
    vectors += noise * generator.standard_normal(vectors.shape)
    return WordTable(words, vectors.astype(np.float32))


def grid_questions(side, n_questions, seed=0):
    """r c : r' c as r c' : r' c'."""
    generator = np.random.default_rng(seed)
    sections = {"first": [], "second one": []}
    for number in range(n_questions):
        r, r2 = generator.choice(side, 2, replace=False)
        c, c2 = generator.choice(side, 2, replace=False)
        four = (f"r{r}c{c}", f"R{r2}C{c}", f"r{r}c{c2}", f"r{r2}c{c2}")
        sections["first" if number % 3 else "second one"].append(four)
    return AnalogySet("grid", sections)


def as_file(path, questions):
    lines = []
    for name, section in questions.sections.items():
        lines += [f": {name}", *(" ".join(four) for four in section)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("noise", [0.3, 2.0])
@pytest.mark.parametrize("restrict", [60, 1000])
def test_cos_add_is_gensim_s(tmp_path, monkeypatch, noise, restrict):
    monkeypatch.setattr(analogies_module, "_BLOCK_WORDS", 37)  # many blocks
    table = grid(12, noise=noise)
    upper = [word.upper() for word in table.words[:40:3]]  # variants in capitals
    generator = np.random.default_rng(3)
    near = table.vectors[:40:3] + generator.normal(0, 0.1, (len(upper), 20)).astype(np.float32)
    order = generator.permutation(len(table) + len(upper))
    words = [*table.words, *upper]
    mixed = WordTable([words[k] for k in order], np.concatenate([table.vectors, near])[order])
    questions = grid_questions(13, 300)  # r12 and c12 are unknown
    path = as_file(tmp_path / "questions.txt", questions)
    accuracy, sections = keyed_of(mixed).evaluate_word_analogies(str(path), restrict_vocab=restrict)
    result = evaluate_analogies(mixed, read_analogies(path), restrict=restrict, workers=2)
    assert result.overall.cos_add_accuracy == pytest.approx(accuracy)
    assert [s.name for s in result.sections] == [s["section"] for s in sections[:-1]]
    for own, other in zip(result.sections, sections[:-1], strict=True):
        assert own.cos_add == len(other["correct"])
        assert own.covered == len(other["correct"]) + len(other["incorrect"])
    assert 0 < result.overall.covered < result.overall.total == 300


def naive_answers(table, questions, method):
    answers = []
    unit = table.unit.astype(np.float64)
    for a, b, c in questions:
        cos = [unit @ unit[row] for row in (a, b, c)]
        if method == "add":
            values = cos[1] - cos[0] + cos[2]
        else:
            p = [(1 + x) / 2 for x in cos]
            values = p[1] * p[2] / (p[0] + EPSILON)
        best = None
        for d in range(len(table)):
            if d not in (a, b, c) and (best is None or values[d] > values[best]):
                best = d
        answers.append(best)
    return answers


def test_both_methods_equal_a_loop_over_all_words(monkeypatch):
    monkeypatch.setattr(analogies_module, "_BLOCK_WORDS", 50)
    monkeypatch.setattr(analogies_module, "_CHUNK_QUESTIONS", 7)
    generator = np.random.default_rng(0)
    table = WordTable([f"w{k}" for k in range(120)], generator.standard_normal((120, 5), "f4"))
    questions = generator.integers(0, 120, (80, 3))
    reports = []
    found = [
        best_answers(
            table, questions, workers=workers, progress=lambda *place: reports.append(place)
        )
        for workers in (1, 3)
    ]
    assert reports == [(50, 120), (100, 120), (120, 120)] * 2
    for answers in found:
        assert answers.cos_add.tolist() == naive_answers(table, questions, "add")
        assert answers.cos_mul.tolist() == naive_answers(table, questions, "mul")
    assert (found[0].cos_add != found[0].cos_mul).sum() > 5  # one method for the other is caught


def test_planted_analogies_are_solved_and_shuffled_ones_are_not():
    table, questions = grid(10), grid_questions(10, 200)
    overall = evaluate_analogies(table, questions).overall
    assert overall.cos_add_accuracy > 0.9
    assert overall.cos_mul_accuracy > 0.9
    shuffled = WordTable(table.words, np.random.default_rng(1).permutation(table.vectors))
    overall = evaluate_analogies(shuffled, questions).overall
    assert overall.cos_add_accuracy < 0.1
    assert overall.cos_mul_accuracy < 0.1


def test_words_of_the_question_never_answer_it_in_any_case():
    vectors = np.array([[1, 0], [0.99, 0.1], [0.9, 0.3], [0, 1]], np.float32)
    table = WordTable(["a", "A", "b", "far"], vectors)
    assert best_answers(table, np.array([[0, 0, 0]])).cos_add.tolist() == [2]
    assert best_answers(table, np.array([[0, 2, 0]])).cos_add.tolist() == [3]
    alone = WordTable(["a", "b"], vectors[[0, 2]])
    assert best_answers(alone, np.array([[0, 1, 0]])).cos_add.tolist() == [-1]


def test_unknown_words_are_not_asked():
    table = grid(3)
    questions = AnalogySet("none", {"x": [("no", "such", "words", "here")], "empty": []})
    result = evaluate_analogies(table, questions)
    assert result.as_dict()["cos_add_accuracy"] is None
    assert [section["covered"] for section in result.as_dict()["sections"]] == [0, 0]
    assert result.overall.total == 1


def test_lines_that_are_no_questions_are_refused(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(": section\na b c d\na b c\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="line 3: expected four words, or ': SECTION', got"):
        read_analogies(path)
    path.write_text(": section\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="expected lines of four words, got none"):
        read_analogies(path)
    path.write_text("a b c d\n: later\ne f g h\n", encoding="utf-8")
    assert list(read_analogies(path).sections) == ["questions", "later"]
