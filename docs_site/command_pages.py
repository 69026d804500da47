"""The reference of the command line: every command, from its own help."""

from __future__ import annotations

import typer

from kerascope.cli.main import app

WIDTH = 84  # characters of a line of help
HEAD = """# The command line

Every command, as `kerascope COMMAND --help` says it. Exit codes: 0 done, 1 a gate found something
(`diff`, `certify`, `replay`, `audit --fail-on-finding`), 2 bad input, with one line that says what
and what would do, 130 interrupted. `--json` prints the result for programs and nothing else.
"""


def pages() -> dict[str, str]:
    """Return the page by its name."""
    group = typer.main.get_command(app)
    context = group.make_context("kerascope", [], resilient_parsing=True)
    parts = [HEAD]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        own = type(context)(
            command, parent=context, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH
        )
        parts.append(f"## {name}\n\n```text\n{command.get_help(own)}\n```\n")
    return {"command-line.md": "\n".join(parts)}
