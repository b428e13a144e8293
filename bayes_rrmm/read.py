"""Files become records: TOML an Analysis, CSV or Parquet a Cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bayes_rrmm.catalogue import data_names, is_synthetic, load_data, model_text
from bayes_rrmm.errors import AnalysisError, DataError, listed, nearest
from bayes_rrmm.from_file import content_of, toml_text
from bayes_rrmm.specification import Analysis, parse_analysis

if TYPE_CHECKING:
    import pandas as pd

    from bayes_rrmm.cohort import Cohort


def load_analysis(name_or_path: str | Path) -> Analysis:
    """A shipped analysis by its name, or the one written in a file whose path ends in .toml.

    Raises AnalysisError naming the file, the key, its value, the rule, and the nearest valid key or name.
    """
    if isinstance(name_or_path, str) and not name_or_path.lower().endswith(".toml"):
        return parse_analysis(model_text(name_or_path), origin=name_or_path)
    path = Path(name_or_path)
    if path.suffix.lower() != ".toml":
        raise AnalysisError(f"{path}: an analysis is a file whose name ends in .toml; rename it, or give another.")
    text = toml_text(path, "an analysis file (`bayes-rrmm models copy NAME FILE` writes one to start from)")
    return parse_analysis(text, origin=str(path))


def read_cohort(source: str | Path | pd.DataFrame, analysis: Analysis) -> Cohort:
    """The cohort for `analysis` in a CSV or Parquet file, a DataFrame, or an embedded data set given by its name.

    Rows are numbered from 1, the first below a CSV's header. Raises DataError naming the file, row, column, value, rule
    and remedy at the first rule broken.
    """
    import pandas as pd

    from bayes_rrmm.cohort import build_cohort

    if isinstance(source, pd.DataFrame):
        return build_cohort(source, analysis, name_of(source))
    if not isinstance(source, str | Path):
        raise DataError(
            f"the data are a {type(source).__name__}; give a path to a .csv or .parquet file, a pandas DataFrame, "
            f"or the name of an embedded data set ({listed(data_names())})."
        )
    frame = table_of(source)
    synthetic = is_synthetic(frame) and "synthetic" not in str(source)
    try:
        return build_cohort(frame, analysis, f"{source} (synthetic)" if synthetic else str(source))
    except DataError as error:
        message = str(error)
        raise DataError(message if message.startswith(str(source)) else f"{source}: {message}") from None


def name_of(frame: pd.DataFrame) -> str:
    """What a DataFrame is called: the embedded data set it was made from, where pandas still knows it."""
    return str(frame.attrs.get("origin", "the DataFrame (synthetic)" if is_synthetic(frame) else "the DataFrame"))


def table_of(source: str | Path) -> pd.DataFrame:
    """The table of an embedded data set given by its name, or of a file. Raises DataError as `read_table` does."""
    return load_data(source) if isinstance(source, str) and source in data_names() else read_table(source)


def read_table(path: str | Path) -> pd.DataFrame:
    """The table in a .csv file (every field as stripped text, '' where empty) or in a .parquet file (typed).

    Raises DataError naming the file, the rule and the remedy where the file is not there or is no such table.
    """
    from bayes_rrmm.cohort.table import SAVE_AS, table_from_csv

    file = Path(path)
    if not file.suffix and not file.exists():
        raise DataError(
            f"{str(path)!r} is neither an embedded data set nor a path ending in .csv or .parquet; "
            f"{nearest(str(path), data_names())}"
        )
    content = content_of(file, DataError, "a table of patients")
    if file.suffix.lower() == ".csv":
        return table_from_csv(content, str(path))
    if file.suffix.lower() == ".parquet":
        return _table_from_parquet(content, str(path))
    raise DataError(f"{path}: files ending in {file.suffix!r} are not read; open it in the program that wrote it and {SAVE_AS}.")


def _table_from_parquet(content: bytes, origin: str) -> pd.DataFrame:
    import pandas as pd
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content)).read()
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{origin}: not a Parquet file ({reason}); write it again, or give a CSV file.") from None
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise DataError(f"{origin}: {listed(map(repr, twice))} names more than one column; rename or remove the copies.")
    return pd.DataFrame(table.to_pandas(ignore_metadata=True))
