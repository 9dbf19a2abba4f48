"""The door to xlrd: the old .xls workbooks of KITE and early Clarius, as sheets of rows."""

from __future__ import annotations

from typing import Any

from ground.errors import InputError, MissingLibrary

Row = tuple[Any, ...]


def load_old_workbook(data: bytes, name: str) -> dict[str, list[Row]]:
    """Return the sheets of an .xls workbook: title -> rows, empty cells None.

    Raises MissingLibrary where xlrd is not installed, InputError where the bytes are no such workbook.
    """
    try:
        import xlrd
    except ImportError:
        raise MissingLibrary(
            f"{name}: reading old .xls workbooks takes xlrd, which is not installed; install it with "
            "`pip install 'cmo-reram[xls]'`, or save the workbook as .xlsx."
        ) from None
    try:
        with _Silence() as silence:
            book = xlrd.open_workbook(file_contents=data, logfile=silence)
        return {s.name: [tuple(map(_value, s.row(k))) for k in range(s.nrows)] for s in book.sheets()}
    except Exception as error:  # a damaged workbook raises many unrelated kinds
        raise InputError(
            f"{name}: the workbook cannot be opened: {error}. Was the file cut off while copying?"
        ) from None


class _Silence:
    """Takes what xlrd would print."""

    def __enter__(self) -> _Silence:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None:
        return None


def _value(cell: Any) -> Any:
    kind, value = cell.ctype, cell.value
    if kind in (0, 6):  # empty, blank
        return None
    if kind == 5:  # an error such as #REF!
        return "#REF"
    return None if value == "" else value
