"""What `kerascope explain` is given: pictures and arrays, or texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kerascope.errors import BadInput

TEXT_SUFFIX = ".txt"


def samples_of(
    net: Any, sources: list[str], *, text: list[str], vocabulary: str, length: int, **pictures: Any
) -> Any:
    """Return the samples of a command: `Texts` where there is any text, else `Images`.

    sources: files and folders, of which .txt files hold one text a line. pictures: options of
    `load_images`.
    """
    from kerascope.loading import load_images, load_texts

    files = [source for source in sources if Path(source).suffix.lower() == TEXT_SUFFIX]
    if not (text or files):
        if vocabulary or length:
            raise BadInput("--vocabulary and --length are for texts: give --text or a .txt file")
        if not sources:
            raise BadInput("nothing to explain: give pictures, a .txt file or --text")
        return load_images(sources[0] if len(sources) == 1 else list(sources), net, **pictures)
    if len(files) < len(sources):
        other = next(source for source in sources if source not in files)
        raise BadInput(f"texts and other files cannot be explained together: '{other}' is no text")
    from kerascope.loading.texts import read_lines

    texts = [*text, *(line for file in files for line in read_lines(file))]
    return load_texts(texts, net, vocabulary=vocabulary or None, length=length or None)
