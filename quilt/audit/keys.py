"""Unique keys: they exist in the database, and the rows keep them; foreign keys where SQLite may forget them."""

from collections.abc import Iterator

from sqlalchemy import Connection, Inspector, Table, UniqueConstraint, func, inspect, select

from quilt.audit.report import Check
from quilt.database import Base


def check_unique_keys(connection: Connection) -> Check:
    """Each unique key of the models is enforced by the database, and no two rows share one."""
    inspector = inspect(connection)
    looked_at, differences = 0, []
    for table, columns in _list_keys():
        name = f"{table.name}({', '.join(columns)})"
        if frozenset(columns) not in _enforced_keys(inspector, table.name):
            differences.append(f"{name}: the database does not enforce this key")
        parts = [table.c[column] for column in columns]
        looked_at += connection.execute(select(func.count()).select_from(table)).scalar_one()
        doubled = (
            select(func.count())
            .select_from(table)
            .where(*(part.is_not(None) for part in parts))
            .group_by(*parts)
            .having(func.count() > 1)
        )
        for count in connection.scalars(doubled):
            differences.append(f"{name}: {count} rows share one key")
    return Check("unique keys", looked_at, "keys", tuple(differences))


def check_links_between_tables(connection: Connection) -> Check:
    """Each foreign key finds its row. PostgreSQL always enforces them, SQLite only for connections that ask."""
    inspector = inspect(connection)
    tables = Base.metadata.sorted_tables
    looked_at = sum(len(inspector.get_foreign_keys(table.name)) for table in tables)
    differences = []
    if connection.dialect.name == "sqlite":
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
    return Check("foreign keys", looked_at, "constraints", tuple(differences))


def _list_keys() -> Iterator[tuple[Table, tuple[str, ...]]]:
    for table in Base.metadata.sorted_tables:
        yield table, tuple(column.name for column in table.primary_key)
        for constraint in sorted(table.constraints, key=lambda constraint: str(constraint.name)):
            if isinstance(constraint, UniqueConstraint):
                yield table, tuple(column.name for column in constraint.columns)
        for index in table.indexes:
            if index.unique:
                yield table, tuple(column.name for column in index.columns)


def _enforced_keys(inspector: Inspector, table: str) -> set[frozenset[str]]:
    keys = {frozenset(inspector.get_pk_constraint(table)["constrained_columns"])}
    keys |= {frozenset(key["column_names"]) for key in inspector.get_unique_constraints(table)}
    indexes = inspector.get_indexes(table)
    return keys | {
        frozenset(name for name in index["column_names"] if name) for index in indexes if index["unique"]
    }
