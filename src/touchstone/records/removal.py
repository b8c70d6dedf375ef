"""Folders of a destroyed case: gone, or told of."""

import shutil
from pathlib import Path


def is_left(folder: Path) -> bool:
    """Whether anything lies at `folder`: a folder, a link, a file, or what cannot be looked at."""
    try:
        folder.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def remove_folder(folder: Path) -> bool:
    """Delete a folder with all that can be deleted in it; gives whether nothing is left of it.

    A link stays, and so does what it leads to: that may be somebody else's.
    """
    shutil.rmtree(folder, ignore_errors=True)
    return not is_left(folder)
