"""Fuzzing guided by coverage: every reader of files, with libFuzzer through atheris.

    pip install atheris          # Linux and macOS
    python tests/fuzz.py [SUFFIX READER] [--seconds 60]

Where `unit/loading/test_fuzzing.py` changes bytes by chance, this keeps what reaches new lines of
Kerascope's own code and changes that further. It starts from a valid file of the kind. One process
for each reader; without a name, all of them one after the other. A file that a reader answers by
anything but a value or one of our errors is left beside the corpus under build/fuzz, and the exit
code is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path("build/fuzz")
LONGEST = 20  # seconds that one file may take
MEMORY = 8192  # MB of a process, frameworks included


def main() -> None:
    """Read the command line, and fuzz one reader here or every reader in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suffix", nargs="?")
    parser.add_argument("reader", nargs="?")
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    if asked.reader:
        _fuzz(asked.suffix, asked.reader, asked.seconds)
        return
    from files_read import READERS, named

    command = [sys.executable, __file__]
    tail = ["--seconds", str(asked.seconds)]
    wrong = []
    for suffix, reader in READERS:
        own = [*command, suffix, named(reader), *tail]
        found = subprocess.run(own, capture_output=True, text=True, errors="replace", check=False)
        runs = [line for line in found.stderr.splitlines() if line.startswith("Done ")]
        print(f"{suffix} {named(reader)}: {runs[-1] if runs else 'stopped'}", flush=True)
        if found.returncode:
            wrong.append(f"{suffix} {named(reader)}")
            print(found.stdout[-3000:], found.stderr[-3000:], flush=True)
    sys.exit(f"wrong: {', '.join(wrong)}" if wrong else 0)


def _fuzz(suffix: str, name: str, seconds: int) -> None:
    """Fuzz one reader; libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["kerascope"]):
        from files_read import READERS, named, read, valid_files

    reader = next(r for s, r in READERS if s == suffix and named(r) == name)
    corpus = FOLDER / f"{name}{suffix}"
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "valid").write_bytes(valid_files(FOLDER)[suffix])
    file = FOLDER / f"{name}-now{suffix}"
    options = [f"-max_total_time={seconds}", f"-timeout={LONGEST}", f"-rss_limit_mb={MEMORY}",
               f"-artifact_prefix={FOLDER}/{name}{suffix}-", "-max_len=4096"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: read(reader, file, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
