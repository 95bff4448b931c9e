"""`python -m pulsestage` is the command `pulsestage`."""

from pulsestage.cli import main

if __name__ == "__main__":
    main()
