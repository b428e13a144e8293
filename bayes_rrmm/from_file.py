"""The content of a file the user names, or an error in words."""

from __future__ import annotations

from pathlib import Path

from bayes_rrmm.errors import AnalysisError, BayesRrmmError


def content_of(path: Path, error: type[BayesRrmmError], wanted: str) -> bytes:
    """The bytes of a file. Raises `error` with the path, what is wrong and what is `wanted` there."""
    if path.is_dir():
        raise error(f"{path}: this is a directory; give the path of {wanted}.")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise error(f"{path}: there is no such file; check the path, and give that of {wanted}.") from None
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror}); check the path and its permissions.") from None


def toml_text(path: Path, wanted: str) -> str:
    """The text of a file in UTF-8. Raises AnalysisError as `content_of` does, and where a line is not UTF-8."""
    content = content_of(path, AnalysisError, wanted)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise AnalysisError(f"{path}: line {line} is not UTF-8 text; save the file as UTF-8.") from None
