"""From strings to token ids that know where they come from; below `explain`, no files."""

from kerascope.texts.front import Texts, net_of_ids, prepared, read_texts, reads_texts
from kerascope.texts.readers import Reader
from kerascope.texts.source import reader_of

__all__ = ["Reader", "Texts", "net_of_ids", "prepared", "read_texts", "reader_of", "reads_texts"]
