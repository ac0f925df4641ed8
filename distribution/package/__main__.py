"""Runs the `headway` command as `python -m headway`.

This module must not do anything but start the command; `tasks` says what it is.
"""

from tasks import main

if __name__ == "__main__":
    main()
