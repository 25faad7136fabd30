"""Statements of the hot paths: compiled once by SQLAlchemy, run by the database's own driver.

A Core statement costs about 50 µs each time it is executed, the driver's own call a tenth of that, and a vote
runs a dozen. The SQL, the types of what goes in and the types of what comes out stay SQLAlchemy's.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Executable, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

Convert = Callable[[Any], Any]


class Prepared:
    """One statement for both databases.

    `build` is the statement, or makes it for a dialect's name. For an INSERT, `columns` names all that is given: defaults that live
    in Python are not filled in here. Lists of any length (`IN`) cannot be prepared.
    """

    def __init__(self, build: Executable | Callable[[str], Executable], columns: Sequence[str] = ()) -> None:
        self._build = build
        self._columns = columns
        self._kept: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Run it and return all rows, as named tuples."""
        return self._run(connection.connection, connection.dialect, values)

    def read_first(self, engine: Engine, values: Mapping[str, Any]) -> Any:
        """Read the first row, or None, outside any transaction of the caller's."""
        connection = engine.raw_connection()
        try:
            rows = self._run(connection, engine.dialect, values)
        finally:
            connection.close()
        return rows[0] if rows else None

    def _run(
        self, connection: PoolProxiedConnection, dialect: Dialect, values: Mapping[str, Any]
    ) -> list[Any]:
        compiled = self._kept.get(dialect.name) or self._compile(dialect)
        driver: Any = dialect.dbapi
        raw: Any = connection.driver_connection
        try:
            cursor = raw.execute(compiled.sql, compiled.bind(values))
            return [compiled.read(row) for row in cursor.fetchall()] if compiled.has_rows else []
        except driver.Error as error:
            # As SQLAlchemy itself would raise it; what was bound stays out of every log.
            raise DBAPIError.instance(
                compiled.sql, None, error, driver.Error, hide_parameters=True, dialect=dialect
            ) from error

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it and return the first row, or None."""
        rows = self.rows(connection, values)
        return rows[0] if rows else None

    def scalar(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it and return the first value of the first row, or None."""
        row = self.first(connection, values)
        return None if row is None else row[0]

    def _compile(self, dialect: Dialect) -> "_Compiled":
        statement = self._build(dialect.name) if callable(self._build) else self._build
        compiled = self._kept[dialect.name] = _Compiled(statement, self._columns, dialect)
        return compiled


class _Compiled:
    def __init__(self, statement: Executable, columns: Sequence[str], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(columns) or None)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._convert: dict[str, Convert] = {}
        for name, bind in compiled.binds.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._convert[name] = convert
        # SQLite takes values by their place, psycopg by their name.
        places = compiled.positiontup
        self._steps = None if places is None else [(name, self._convert.get(name)) for name in places]
        results = list(compiled._result_columns)
        self.has_rows = bool(results)
        names = [column.keyname for column in results]
        row_class: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        self._make_row: Callable[[Any], Any] = row_class._make
        found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in results]
        self._read = [(place, convert) for place, convert in enumerate(found) if convert is not None]

    def bind(self, values: Mapping[str, Any]) -> Any:
        """The driver's parameters, in its own types."""
        given = {**self._fixed, **values} if self._fixed else values
        if self._steps is not None:
            return [given[name] if convert is None else convert(given[name]) for name, convert in self._steps]
        converted = {name: convert(given[name]) for name, convert in self._convert.items()}
        return {**given, **converted}

    def read(self, row: Any) -> Any:
        """A row of the driver's as a named tuple in Python's types."""
        if self._read:
            row = list(row)
            for place, convert in self._read:
                row[place] = convert(row[place])
        return self._make_row(row)
