"""`python -m fastw2v` is the command line."""

from fastw2v.cli.main import main

if __name__ == "__main__":
    main()
