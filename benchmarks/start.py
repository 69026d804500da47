"""What starting costs: seconds of a new process, best and median, and its largest imports.

    python benchmarks/start.py [--repeats 11] [--imports 12]

Each line is a process of its own, the interpreter included; the first row is an interpreter that
does nothing. Goals: `import kerascope` under 100 ms, `kerascope --help` and `kerascope methods`
under 500 ms. A first process that is not timed writes bytecode, as pip does for what it installs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

RUN = "from kerascope.cli.main import run; run()"
CASES = {
    "python -c pass": ["-c", "pass"],
    "import kerascope": ["-c", "import kerascope"],
    "kerascope --version": ["-c", RUN, "--version"],
    "kerascope --help": ["-c", RUN, "--help"],
    "kerascope explain --help": ["-c", RUN, "explain", "--help"],
    "kerascope methods": ["-c", RUN, "methods"],
    "kerascope explain (a file that is not there)": ["-c", RUN, "explain", "none.keras", "a.png"],
}

ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(arguments: list[str]) -> float:
    """Return the seconds that one process takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False, env=ENVIRONMENT)
    return time.perf_counter() - started


def largest(arguments: list[str], count: int) -> list[tuple[int, str]]:
    """Return (milliseconds with what they import, module) of the costliest imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    rows = []
    for line in done.stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[1].strip().isdigit():
            rows.append((int(parts[1]) // 1000, parts[2].strip()))
    return sorted(rows, reverse=True)[:count]


def main() -> None:
    """Print a table, and the imports of `kerascope --help`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--imports", type=int, default=12)
    asked = parser.parse_args()
    print("| process | best, ms | median, ms |\n|---|---:|---:|")
    for name, arguments in CASES.items():
        _, *times = [seconds(arguments) for _ in range(asked.repeats + 1)]
        print(f"| `{name}` | {1000 * min(times):.0f} | {1000 * statistics.median(times):.0f} |")
    print("\nlargest imports of `kerascope --help`, ms:")
    for cost, name in largest(CASES["kerascope --help"], asked.imports):
        print(f"  {cost:5} {name}")


if __name__ == "__main__":
    main()
