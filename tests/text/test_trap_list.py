"""docs/input.md lists every trap, and every trap that it lists has a test."""

import re
from pathlib import Path

from tests.model import test_setting_traps
from tests.system import test_full_disk
from tests.text import test_changing_input, test_input_traps, test_sentence_traps

PAGE = Path(__file__).parents[2] / "docs" / "input.md"
# Traps with a test of their own, as they are no line of a table there.
OWN_TESTS = {
    "standard input": test_changing_input.test_standard_input_is_told_of_and_can_be_closed,
    "a file that vanishes before it is read": (
        test_changing_input.test_a_file_that_vanishes_before_it_is_read
    ),
    "a generator that can be read only once": (
        test_sentence_traps.test_a_generator_that_can_be_read_only_once
    ),
    "a sentence of 1,000,000 tokens": (
        test_sentence_traps.test_a_sentence_of_a_million_tokens_is_never_cut
    ),
    "a line of 100 MB": test_sentence_traps.test_a_line_of_100_megabytes,
    "words that a format cannot hold": (
        test_sentence_traps.test_a_word_is_written_so_that_it_is_read_again_or_not_at_all
    ),
    **dict.fromkeys(
        (
            "vocabularies of 0, 1 and 2 words",
            "vectors of one dimension",
            "a window beyond the sentence",
        ),
        test_setting_traps.test_vocabularies_of_0_1_and_2_words_in_one_dimension,
    ),
    "a window of 0": test_setting_traps.test_a_window_of_nothing_is_refused,
    "settings that are NaN, infinite or negative": (
        test_setting_traps.test_nan_infinite_and_negative_settings_are_refused
    ),
    "no workers": test_setting_traps.test_no_workers_are_refused,
    "workers beyond the cores": test_setting_traps.test_workers_beyond_the_cores_change_nothing,
    "outputs with strange names": test_setting_traps.test_outputs_with_strange_names,
    "a full standard output": test_setting_traps.test_a_full_standard_output_is_an_error,
    "too little memory": test_setting_traps.test_too_little_memory_is_an_error,
    "a full disk": test_full_disk.test_a_full_disk,
    "a target that is read-only": test_full_disk.test_a_target_that_is_read_only,
}


def test_the_page_lists_the_traps_that_are_tested():
    section = PAGE.read_text(encoding="utf-8").split("## Traps")[1].split("\n## ")[0]
    listed = re.findall(r"^\| (.+?) \| .+ \|$", section, re.MULTILINE)
    tested = {
        *test_input_traps.TEXT_TRAPS,
        *test_changing_input.CHANGES,
        *test_changing_input.REMOVALS,
        *test_sentence_traps.SENTENCE_TRAPS,
        *OWN_TESTS,
    }
    assert listed[0] == "what comes"
    assert len(listed) == len(set(listed))
    assert set(listed[1:]) == tested
