"""The documentation site: what `make docs` builds from docs/, the code and the tables."""
