"""Repositories of git as bundles: a commit's id is a digest of all that it holds."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from touchstone.evaluation.assets.errors import AssetFetchError
from touchstone.handin import printable_line

_SECONDS = 3600
_QUIET = {
    # Nothing of this machine's or its user's configuration, no question, and no hook.
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
}
_PASSED_ON = ("PATH", "SSL_CERT_FILE", "GIT_SSL_CAINFO", "https_proxy", "HTTPS_PROXY", "no_proxy")
# Objects are held against their ids as they come.
_STRICT = ("-c", "transfer.fsckObjects=true", "-c", "core.hooksPath=/dev/null")


def installed() -> bool:
    """Whether git is here."""
    return shutil.which("git") is not None


def make_bundle(url: str, commit: str, path: Path, most: int) -> None:
    """Fetch a repository's branches and tags, and write them as a bundle that holds the commit.

    Raises:
        AssetFetchError: it cannot be had, does not hold the commit, or is larger than `most` bytes.
    """
    with tempfile.TemporaryDirectory(prefix="touchstone-git-", dir=path.parent) as folder:
        _git(folder, "init", "--bare", "--quiet", folder, most=most)
        allowed = ("-c", "protocol.allow=never", "-c", "protocol.https.allow=always")
        references = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        _git(folder, *allowed, "fetch", "--quiet", "--no-tags", url, *references, most=most)
        if not _holds(folder, commit):
            raise AssetFetchError(f"{url}: no branch or tag holds the commit {commit}")
        # By this name it is found again, whatever becomes of the branches.
        _git(folder, "update-ref", "refs/heads/touchstone-asset", commit, most=most)
        _git(folder, "bundle", "create", "--quiet", str(path), "--all", most=most)
    if path.stat().st_size > most:
        path.unlink()
        raise AssetFetchError(f"{url}: its bundle is larger than {most} bytes")


def bundle_fault(bundle: Path, commit: str) -> str:
    """Why a bundle is not one of the commit; empty where it is."""
    if not installed():
        return "git is not installed, and what the bundle holds cannot be seen"
    with tempfile.TemporaryDirectory(prefix="touchstone-git-") as folder:
        try:
            _git(folder, "init", "--bare", "--quiet", folder)
            _git(folder, "fetch", "--quiet", str(bundle), "+refs/*:refs/*")
        except AssetFetchError as error:
            return str(error)
        return "" if _holds(folder, commit) else "it does not hold the commit"


def _holds(folder: str, commit: str) -> bool:
    try:
        _git(folder, "cat-file", "-e", f"{commit}^{{commit}}")
        # Reachable, so that a bundle of all branches holds it.
        branches = _git(folder, "for-each-ref", "--contains", commit)
    except AssetFetchError:
        return False
    return bool(branches.strip())


def _git(folder: str, *words: str, most: int | None = None) -> bytes:
    argv = ["git", *_STRICT, *words]
    # No file that it writes grows beyond the bound: what comes is not known beforehand.
    if most is not None and shutil.which("prlimit"):
        argv = ["prlimit", f"--fsize={most}", *argv]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _QUIET
    try:
        run = subprocess.run(
            argv, cwd=folder, env=environment, capture_output=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AssetFetchError(f"git: {type(error).__name__}") from error
    if run.returncode:
        said = run.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word of why"]
        raise AssetFetchError(printable_line(f"git {words[0]}: {said[-1]}", 300))
    return run.stdout
