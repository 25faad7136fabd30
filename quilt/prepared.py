"""Statements of the hot paths: compiled once by SQLAlchemy, run by the database's own driver.

A Core statement costs about 50 µs each time it is executed, the driver's own call a tenth of that, and a vote
runs half a dozen. The SQL, the types of what goes in and the types of what comes out stay SQLAlchemy's.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Executable,
    FromClause,
    LargeBinary,
    bindparam,
    column,
    func,
    select,
    true,
    values,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]
Row = Mapping[str, Any]
MOST_ROWS = 32  # of one statement on SQLite: there is a text of it for each number of rows


class Prepared:
    """One statement for both databases.

    `build` is the statement, or makes it for a dialect's name. For an INSERT, `columns` names all that is given: defaults that live
    in Python are not filled in here. Lists of any length (`IN`) cannot be prepared.
    """

    def __init__(self, build: Executable | Callable[[str], Executable], columns: Sequence[str] = ()) -> None:
        self._build = build
        self._columns = columns
        self._kept: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Row) -> list[Any]:
        """Run it and return all rows, as named tuples."""
        return self._run(connection.connection.driver_connection, connection.dialect, values)

    def read_first(self, engine: Engine, values: Row) -> Any:
        """Read the first row, or None, outside any transaction of the caller's."""
        connection = engine.raw_connection()
        try:
            rows = self._run(connection.driver_connection, engine.dialect, values)
        finally:
            connection.close()
        return rows[0] if rows else None

    def first(self, connection: Connection, values: Row) -> Any:
        """Run it and return the first row, or None."""
        rows = self.rows(connection, values)
        return rows[0] if rows else None

    def scalar(self, connection: Connection, values: Row) -> Any:
        """Run it and return the first value of the first row, or None."""
        row = self.first(connection, values)
        return None if row is None else row[0]

    def _run(self, raw: Any, dialect: Dialect, values: Row) -> list[Any]:
        compiled = self._compile(dialect)
        return compiled.run(raw, compiled.bind(values))

    def _compile(self, dialect: Dialect) -> "_Compiled":
        compiled = self._kept.get(dialect.name)
        if compiled is None:
            statement = self._build(dialect.name) if callable(self._build) else self._build
            compiled = self._kept[dialect.name] = _Compiled(statement, self._columns, dialect)
        return compiled


class PreparedRows:
    """A statement about many rows at a time, such as an INSERT of all of them.

    `build` makes it for a dialect's name and a table "asked", whose rows are those that are given; `columns` are
    the table's, each of the type of a column that there is. SQLite takes the rows as VALUES, in a text for each number of them. PostgreSQL
    takes an array for each column: psycopg looks through a long text anew each time it is executed.
    """

    def __init__(
        self, columns: Mapping[str, ColumnElement[Any]], build: Callable[[str, FromClause], Executable]
    ) -> None:
        self._columns = columns
        self._build = build
        self._kept: dict[tuple[str, int], _CompiledRows] = {}

    def rows(self, connection: Connection, given: Sequence[Row]) -> list[Any]:
        """Run it for all that is given, in as few statements as may be; what comes back, in no order."""
        return self.send(connection, given)()

    def send(self, connection: Connection, given: Sequence[Row]) -> Callable[[], list[Any]]:
        """The same, to be read later by what is returned: after a block of `sent_together`, where it stands in one."""
        raw: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            parts = [given[start : start + MOST_ROWS] for start in range(0, len(given), MOST_ROWS)]
            rows = [row for part in parts for row in self._find(connection, len(part)).run_all(raw, part)]
            return lambda: rows
        if not given:
            return list
        compiled = self._find(connection, 0)
        cursor = compiled.send(raw, compiled.bind_all(given))
        return lambda: compiled.read(cursor)

    def _find(self, connection: Connection, count: int) -> "_CompiledRows":
        key = (connection.dialect.name, count)
        compiled = self._kept.get(key)
        if compiled is None:
            compiled = self._kept[key] = self._compile(connection.dialect, count)
        return compiled

    def _compile(self, dialect: Dialect, count: int) -> "_CompiledRows":
        asked = self._list_rows(count) if count else self._unnest()
        columns = {name: like.type for name, like in self._columns.items()}
        return _CompiledRows(self._build(dialect.name, asked), columns, count, dialect)

    def _list_rows(self, count: int) -> FromClause:
        rows = [
            tuple(bindparam(f"{name}_{place}", type_=like.type) for name, like in self._columns.items())
            for place in range(count)
        ]
        columns = (column(name, like.type) for name, like in self._columns.items())
        return values(*columns, name="asked").data(rows).cte("asked")

    def _unnest(self) -> FromClause:
        arrays = (bindparam(name, type_=ARRAY(like.type)) for name, like in self._columns.items())
        columns = (column(name, like.type) for name, like in self._columns.items())
        return func.unnest(*arrays).table_valued(*columns, name="asked").render_derived()


@contextmanager
def sent_together(connection: Connection) -> Iterator[None]:
    """Have PostgreSQL asked once for all that is asked in this block: what comes back is read after it.

    For statements of this module only: SQLAlchemy's own want their answer at once.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    raw: Any = connection.connection.driver_connection
    with raw.pipeline():
        yield


def insert_asked(insert: Any, asked: FromClause) -> Any:
    """The INSERT of all rows that are asked for."""
    # SQLite would take ON CONFLICT for a part of the SELECT, if that had no WHERE.
    return insert.from_select(asked.c.keys(), select(asked).where(true()), include_defaults=False)


class _Compiled:
    def __init__(self, statement: Executable, columns: Sequence[str], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(columns) or None)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._dialect = dialect
        driver: Any = dialect.dbapi
        self.error: type[Exception] = driver.Error
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._convert: dict[str, Convert] = {}
        for name, bind in compiled.binds.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._convert[name] = convert
        # SQLite takes values by their place, psycopg by their name.
        self._places = compiled.positiontup
        self._steps = self._places and [(name, self._convert.get(name)) for name in self._places]
        results = list(compiled._result_columns)
        self.has_rows = bool(results)
        names = [column.keyname for column in results]
        row_class: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        self._make_row: Callable[[Any], Any] = row_class._make
        found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in results]
        self._read = [(place, convert) for place, convert in enumerate(found) if convert is not None]

    def bind(self, values: Row) -> Any:
        """The driver's parameters, in its own types."""
        given = {**self._fixed, **values} if self._fixed else values
        if self._steps is not None:
            return [given[name] if convert is None else convert(given[name]) for name, convert in self._steps]
        converted = {name: convert(given[name]) for name, convert in self._convert.items()}
        return {**given, **converted}

    def run(self, raw: Any, bound: Any) -> list[Any]:
        """Run it on a connection of the driver's; its rows as named tuples in Python's types."""
        return self.read(self.send(raw, bound))

    def send(self, raw: Any, bound: Any) -> Any:
        """Run it, and return the driver's cursor."""
        try:
            return raw.execute(self.sql, bound)
        except self.error as error:
            raise self.explain(error) from error

    def read(self, cursor: Any) -> list[Any]:
        """The rows of a cursor, as `run` gives them."""
        if not self.has_rows:
            return []
        try:
            return [self._read_row(row) for row in cursor.fetchall()]
        except self.error as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> Exception:
        """The driver's error as SQLAlchemy itself would raise it; what was bound stays out of every log."""
        return DBAPIError.instance(
            self.sql, None, error, self.error, hide_parameters=True, dialect=self._dialect
        )

    def _read_row(self, row: Any) -> Any:
        if self._read:
            row = list(row)
            for place, convert in self._read:
                row[place] = convert(row[place])
        return self._make_row(row)


class _CompiledRows(_Compiled):
    """A statement about so many rows, each by its place, or (0) about any number, each column an array."""

    def __init__(
        self, statement: Executable, columns: Mapping[str, TypeEngine[Any]], count: int, dialect: Dialect
    ) -> None:
        super().__init__(statement, (), dialect)
        self._count = count
        # The driver's wrapper of bytes is for single values: in an array it costs more than all else.
        converts = {
            name: None
            if isinstance(kind, LargeBinary)
            else kind.dialect_impl(dialect).bind_processor(dialect)
            for name, kind in columns.items()
        }
        owners = {f"{name}_{place}": (place, name) for place in range(count) for name in columns}
        self._row_steps = [(*owners[name], converts[owners[name][1]]) for name in self._places or ()]
        self._column_steps = list(converts.items())
        if not count:
            self.sql = self.sql.replace(")s::", ")b::")  # psycopg writes an array as bytes in half the time

    def run_all(self, raw: Any, given: Sequence[Row]) -> list[Any]:
        """Run it for these."""
        return self.run(raw, self.bind_all(given))

    def bind_all(self, given: Sequence[Row]) -> Any:
        """The driver's parameters, in its own types."""
        if self._count:
            return [
                given[place][name] if convert is None else convert(given[place][name])
                for place, name, convert in self._row_steps
            ]
        return {
            name: [row[name] if convert is None else convert(row[name]) for row in given]
            for name, convert in self._column_steps
        }
