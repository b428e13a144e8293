"""A CSV file's bytes as a table of text; whatever is not a plain comma-separated table is refused with the remedy."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice

import numpy as np
import pandas as pd

from bayes_rrmm.errors import DataError, listed

SAVE_AS = "save it as 'CSV UTF-8 (comma delimited)'"
CHUNK = 20_000
"""Rows split into fields at a time, which keeps the memory of a million rows small."""

_BINARY = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a compressed file",
    b"PAR1": "a Parquet file (its name must end in .parquet)",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def table_from_csv(content: bytes, origin: str) -> pd.DataFrame:
    """The table in `content`, every field as stripped text, '' where it is empty; blank lines at the end are no rows.

    `origin` names the file in errors, where row 1 is the first below the header. Raises DataError for what is not UTF-8
    text separated by commas, for columns without a name or with the same one, and for rows of another length.
    """
    text = _decoded(content, origin).rstrip()
    if not text:
        raise DataError(f"{origin}: the file is empty; give a table with a header and one row a patient.")
    _refuse_other_separators(text, origin)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        header = [name.strip() for name in next(reader)]
        _check_header(header, origin)
        columns: list[list[str]] = [[] for _ in header]
        while rows := list(islice(reader, CHUNK)):
            _check_lengths(rows, header, len(columns[0]), origin)
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(map(str.strip, values))
    except csv.Error as error:
        raise DataError(
            f"{origin}: line {reader.line_num} cannot be split into fields ({error}); "
            'close every double quote, and write a quote inside a text twice ("").'
        ) from None
    return pd.DataFrame({name: np.array(column, dtype=object) for name, column in zip(header, columns, strict=True)})


def _decoded(content: bytes, origin: str) -> str:
    for magic, kind in _BINARY.items():
        if content.startswith(magic):
            raise DataError(f"{origin}: this is {kind}, not a CSV file; open it and {SAVE_AS}.")
    if b"\x00" in content:
        raise DataError(f"{origin}: this is a binary file (or UTF-16 text), not a CSV file; open it and {SAVE_AS}.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        raise DataError(f"{origin}: line {line} holds byte 0x{byte:02x}, which is not UTF-8 text; {SAVE_AS}.") from None


def _refuse_other_separators(text: str, origin: str) -> None:
    header = text.splitlines()[0] if "\n" not in text else text[: text.index("\n")]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if separator in header and "," not in header:
            raise DataError(
                f"{origin}: its columns are separated by {name}; {SAVE_AS}: commas between columns, decimals with a point."
            )


def _check_header(header: list[str], origin: str) -> None:
    unnamed = [position for position, name in enumerate(header, start=1) if not name]
    if unnamed or not header:
        raise DataError(
            f"{origin}: column {listed(unnamed or [1])} has no name in the header; name it, or remove it "
            "(R writes such a column unless told write.csv(..., row.names = FALSE))."
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{origin}: {listed(map(repr, twice))} names more than one column; rename or remove the copies.")


def _check_lengths(rows: list[list[str]], header: list[str], before: int, origin: str) -> None:
    width = len(header)
    if set(map(len, rows)) == {width}:
        return
    wrong = [number for number, row in enumerate(rows, start=before + 1) if len(row) != width]
    fields = len(rows[wrong[0] - before - 1])
    remedy = "complete it, and leave an unknown value empty between its commas"
    if fields > width:
        remedy = "put a text that holds a comma in double quotes, and write decimals with a point"
    if not fields:
        remedy = "delete the blank line"
    raise DataError(
        f"{origin}: row {wrong[0]} (the first below the header is 1) has {fields} fields, and the header has {width}; {remedy}."
    )
