"""One module for each command; `fastw2v.cli.main` imports it when it is asked for."""
