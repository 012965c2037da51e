"""What becomes of tokens in a count in shards: settled once, in the work folder for all steps."""

from fastw2v.callbacks import StageProgress, stage_of
from fastw2v.counts.sharded.plan import Plan
from fastw2v.counts.sharded.work_folder import WORD_RULES, known_rules, write_json_whole
from fastw2v.errors import ConfigurationError
from fastw2v.text.encoded_folder import NumbersOnDisk
from fastw2v.text.numbered_corpus import NumberedCorpus, PhraseSearch
from fastw2v.text.phrase_finding import phrase_settings
from fastw2v.text.rules import TextRules
from fastw2v.text.word_rules import WordRules

__all__ = ["settled_rules"]


def settled_rules(plan: Plan, given: WordRules, progress: StageProgress | None = None) -> WordRules:
    """Return what becomes of tokens, and leave it in the work folder.

    Where phrases are asked for, this process finds them in all shards: their text as numbers is in
    files beside the work folder's, their candidates within the budget of memory.

    Parameters
    ----------
    plan : Plan
    given : WordRules
        What was given, or that of a reference.
    progress : callable, optional
        Gets the stage "finding phrases".

    Raises
    ------
    ConfigurationError
        If candidates for phrases do not fit, or phrases are to be found in partitions of a cluster.
    CorpusError, TokenKindError
        If the text cannot be read, or its tokens are no text.
    """
    path = plan.folder / WORD_RULES
    if path.exists():  # of the run that was interrupted
        return known_rules(plan.folder)
    asked = phrase_settings(plan.job.counting)
    words = given
    if asked is not None and given.phrases is None and not plan.job.vocabulary_given:
        report = stage_of(progress, "finding phrases")
        words = _found(plan, PhraseSearch(asked, None, plan.job.memory_bytes, report), given)
    if words:
        write_json_whole(path, words.as_dict())
    return words


def _found(plan: Plan, search: PhraseSearch, given: WordRules) -> WordRules:
    if any(shard.is_given for shard in plan.shards):
        raise ConfigurationError(
            "phrases: expected files or tables to find them in, got partitions of a cluster; find "
            "them in a part of the text by 'fastw2v phrases PART --output FILE', and give that file"
        )
    folder = plan.folder / "encoded"
    counting = plan.job.counting
    with NumbersOnDisk(folder) as store:
        text = NumberedCorpus.of_all_words(TextRules.of(counting), store)
        for shard in plan.shards:
            shard.read(text.reader, None, counting.errors)
        text.require_tokens(plan.name)
        return text.join(search, given.stop_words, folder, plan.name)
