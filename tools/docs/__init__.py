"""The documentation: `make docs` builds the site, `make reference` writes the pages that are generated from code."""
