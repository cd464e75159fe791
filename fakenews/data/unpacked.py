"""How large a stranger's table may be, also once it is unpacked: some of a few hundred bytes stand for gigabytes."""

from __future__ import annotations

from pathlib import Path

from fakenews.data.delimited import check_width
from fakenews.data.formats import format_of
from fakenews.data.lines import first_bytes, json_rows

MAX_UPLOAD = 5_000_000  # bytes of the file
MAX_UNPACKED = 32_000_000  # bytes, of a table somebody uploads
MAX_VALUES = 1_000_000
_READ = 256  # rows at once


def check_unpacked(path: Path) -> None:
    """Refuse a table that is too large to be read whole: compressed, parquet or JSON; CSV is as large as it looks.

    Of JSON lines every key is a column, and what a line lacks is a value too. Of parquet, sizes are those of the
    file's own metadata first, then of the texts its rows stand for, which repeat without taking any room in the file:
    they are measured by their dictionary, without being written out.

    Raise `ValueError` if it is too large, has columns other than plain ones, or cannot be read; the message says so in
    a sentence.
    """
    large = f"{path.name} unpacks to more than {MAX_UNPACKED // 1_000_000} MB: that is for the commands."
    kind = format_of(path)
    if kind != "parquet":
        content = first_bytes(path, MAX_UNPACKED + 1)
        if len(content) > MAX_UNPACKED:
            raise ValueError(large)
        if kind == "jsonl":
            _check_values(path)
        if kind == "json" and sum(map(content.count, (b"{", b"[", b","))) > MAX_VALUES:
            raise ValueError(f"{path.name} unpacks to more than {MAX_VALUES:,} values: that is for the commands.")
        return
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        texts = [field.name for field in schema if _is_text(field.type)]
        unfit = [field.name for field in schema if not (_is_text(field.type) or _is_plain(field.type))]
        if unfit:
            raise ValueError(f"{path.name} has columns that are neither text nor numbers: {', '.join(unfit)}.")
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
            if (
                sum(chunk.total_uncompressed_size for chunk in chunks) > MAX_UNPACKED
                or sum(chunk.num_values for chunk in chunks) > MAX_VALUES
            ):
                raise ValueError(large)
            size = 0
            for batch in file.iter_batches(_READ):
                for column in batch.columns:
                    if pa.types.is_dictionary(column.type):
                        lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
                        size += pc.sum(lengths).as_py() or 0
                if size > MAX_UNPACKED:
                    raise ValueError(large)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as parquet: {error}") from error


def _check_values(path: Path) -> None:
    n_rows, keys = 0, set[str]()
    for _, row, _ in json_rows(path):
        if isinstance(row, dict):
            n_rows += 1
            keys.update(row)
            check_width(keys, path.name)
    if n_rows * len(keys) > MAX_VALUES:
        raise ValueError(f"{path.name} unpacks to more than {MAX_VALUES:,} values: that is for the commands.")


def _is_text(kind: object) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or (pa.types.is_dictionary(kind) and _is_text(kind.value_type))  # type: ignore[attr-defined]
    )


def _is_plain(kind: object) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_primitive(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind))
