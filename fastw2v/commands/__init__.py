"""The commands of the command line, one module each; `fastw2v.cli` finds them by name."""
