"""``python -m bench.cli`` for places where the console script is not on the path."""

from bench.cli.main import main

if __name__ == "__main__":
    main()
