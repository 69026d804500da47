"""From strings to token ids that know where they come from; below `explain`, no files."""

from kerascope.texts.front import Texts, prepared, read_texts
from kerascope.texts.readers import Reader, reader_of

__all__ = ["Reader", "Texts", "prepared", "read_texts", "reader_of"]
