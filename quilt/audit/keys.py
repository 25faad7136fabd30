"""Unique keys: they exist in the database, and the rows keep them; foreign keys where SQLite may forget them."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, Table, UniqueConstraint, func, select, true

from quilt.audit.report import Check
from quilt.database import Base


def check_unique_keys(connection: Connection) -> Check:
    """Each unique key of the models is enforced by the database, and no two rows share one."""
    enforced = _list_enforced_keys(connection)
    counts = {
        table: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in Base.metadata.sorted_tables
    }
    looked_at, differences = 0, []
    for table, columns, holds in _list_keys(connection.dialect.name):
        name = f"{table.name}({', '.join(columns)})"
        if frozenset(columns) not in enforced[table.name]:
            differences.append(f"{name}: the database does not enforce this key")
        looked_at += counts[table]
        if counts[table]:
            differences += [
                f"{name}: {count} rows share one key"
                for count in _count_doubled(connection, table, columns, holds)
            ]
    return Check("unique keys", looked_at, "keys", tuple(differences))


def check_links_between_tables(connection: Connection) -> Check:
    """Each foreign key finds its row. PostgreSQL always enforces them, SQLite only for connections that ask."""
    tables = Base.metadata.sorted_tables
    is_sqlite = connection.dialect.name == "sqlite"
    links = connection.exec_driver_sql(_SQLITE_LINKS if is_sqlite else _POSTGRESQL_LINKS)
    found = {table: count for table, count in links}
    looked_at = sum(found.get(table.name, 0) for table in tables)
    differences = []
    if is_sqlite:
        for child, row_id, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            differences.append(f"{child} row {row_id} points at a row that {parent} does not have")
    else:
        differences = [
            f"{name} on {table}: not validated"
            for name, table in connection.exec_driver_sql(
                "SELECT conname, conrelid::regclass FROM pg_constraint WHERE contype = 'f' AND NOT convalidated"
            )
        ]
    expected = sum(len(table.foreign_key_constraints) for table in tables)
    if looked_at != expected:
        differences.append(f"the database has {looked_at} foreign keys, the models have {expected}")
    return Check("foreign keys", looked_at, "constraints", tuple(differences), is_of_schema=True)


def _list_keys(dialect: str) -> Iterator[tuple[Table, tuple[str, ...], ColumnElement[bool]]]:
    """The tables' keys: the columns, and for which rows they hold."""
    for table in Base.metadata.sorted_tables:
        yield table, tuple(column.name for column in table.primary_key), true()
        for constraint in sorted(table.constraints, key=lambda constraint: str(constraint.name)):
            if isinstance(constraint, UniqueConstraint):
                yield table, tuple(column.name for column in constraint.columns), true()
        for index in table.indexes:
            if index.unique:
                holds = index.dialect_options[dialect]["where"]
                yield (
                    table,
                    tuple(column.name for column in index.columns),
                    true() if holds is None else holds,
                )


def _count_doubled(
    connection: Connection, table: Table, columns: tuple[str, ...], holds: ColumnElement[bool]
) -> Iterator[int]:
    """How many rows share a key, for each key that several have. Nothing equals what is unknown."""
    parts = [table.c[column] for column in columns]
    known = select(func.count()).select_from(table).where(holds, *(part.is_not(None) for part in parts))
    yield from connection.scalars(known.group_by(*parts).having(func.count() > 1))


def _list_enforced_keys(connection: Connection) -> dict[str, set[frozenset[str]]]:
    """The columns of each key that the database has, by table."""
    is_sqlite = connection.dialect.name == "sqlite"
    columns: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for table, key, column in connection.exec_driver_sql(_SQLITE_KEYS if is_sqlite else _POSTGRESQL_KEYS):
        if column is not None:  # an expression has no name
            columns[table, key].add(column)
    keys: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    for (table, _), names in columns.items():
        keys[table].add(frozenset(names))
    return keys


# The catalogues themselves: SQLAlchemy's inspector asks SQLite thrice for each table and reads its SQL, and half of
# the gate's time went there.
_SQLITE_KEYS = """
SELECT place.name, key.name, part.name
FROM sqlite_master AS place, pragma_index_list(place.name) AS key, pragma_index_info(key.name) AS part
WHERE place.type = 'table' AND key."unique"
UNION ALL
SELECT place.name, '', part.name FROM sqlite_master AS place, pragma_table_info(place.name) AS part
WHERE place.type = 'table' AND part.pk > 0
"""
_POSTGRESQL_KEYS = """
SELECT place.relname, key.indexrelid::text, part.attname
FROM pg_index AS key
JOIN pg_class AS place ON place.oid = key.indrelid
JOIN pg_attribute AS part
  ON part.attrelid = place.oid AND part.attnum = ANY((key.indkey::int2[])[0:key.indnkeyatts - 1])
WHERE key.indisunique AND place.relnamespace = current_schema()::regnamespace
"""
_SQLITE_LINKS = """
SELECT place.name, count(DISTINCT link.id)
FROM sqlite_master AS place, pragma_foreign_key_list(place.name) AS link
WHERE place.type = 'table' GROUP BY place.name
"""
_POSTGRESQL_LINKS = """
SELECT place.relname, count(*)
FROM pg_constraint AS link JOIN pg_class AS place ON place.oid = link.conrelid
WHERE link.contype = 'f' AND place.relnamespace = current_schema()::regnamespace GROUP BY place.relname
"""
