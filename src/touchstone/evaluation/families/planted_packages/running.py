"""How a program and its calls are built and run, by language. Standard library only.

The judge, the campaign that verifies flaws, and the scripted solver read the same text of it.
"""

import pathlib
import shutil
import subprocess
from collections.abc import Sequence

CHECKED = ("-g0", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
QUIET = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "ASAN_OPTIONS": "detect_leaks=0:log_path=/dev/null",
    "UBSAN_OPTIONS": "log_path=/dev/null",
    "PYTHONDONTWRITEBYTECODE": "1",
}
RUN = {
    "python": ("python3", "-S", "calls.py"),
    "javascript": ("node", "calls.js"),
    "c": ("./calls",),
}
MOST_OUTPUT = 1 << 20


class ProgramFailedError(Exception):
    """It does not build, or does not end in time."""


def told_by(
    folder: pathlib.Path, language: str, calls: Sequence[str], seconds: float, flags: Sequence[str]
) -> list[str]:
    """What the program in a folder answers to the calls, a line each; "" where it says nothing.

    Args:
        folder: Where the program and `calls.py`, `calls.js` or `calls.c` lie.
        language: python, javascript or c.
        calls: The calls.
        seconds: How long it may take; building it, as long again.
        flags: What the compiler is told, where there is one.

    Raises:
        ProgramFailedError: it does not build, or does not end in time.
    """
    if language == "c":
        argv = ["gcc", "-w", *flags, "calls.c", "-o", "calls"]
        _run(folder, argv, "", seconds, "it does not build")
    told = _run(folder, RUN[language], "".join(f"{each}\n" for each in calls), seconds, "")
    lines = told.splitlines()[: len(calls)]
    return lines + [""] * (len(calls) - len(lines))


def _run(
    folder: pathlib.Path, argv: Sequence[str], given: str, seconds: float, refused: str
) -> str:
    out = folder / "told"
    # A program that never stops writing must not fill the folder; a compiler's file is larger.
    bound = () if refused else ("prlimit", f"--fsize={MOST_OUTPUT}")
    if not argv[0].startswith("./") and not shutil.which(argv[0], path=QUIET["PATH"]):
        # No fault of the program's: whoever runs this is to end.
        raise SystemExit(f"{argv[0]} is not installed")
    with out.open("wb") as file:
        try:
            run = subprocess.run(
                [*bound, *argv],
                cwd=folder,
                env=QUIET,
                input=given.encode(),
                stdout=file,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise ProgramFailedError(f"it did not end within {seconds:g} s") from None
        if refused and run.returncode:
            raise ProgramFailedError(refused)
    return out.read_bytes().decode("utf-8", "replace")
