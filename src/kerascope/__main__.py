"""`python -m kerascope`: the command line."""

from kerascope.cli.main import run

if __name__ == "__main__":
    run()
