"""Unique keys: they exist in the database, and the rows keep them; foreign keys where SQLite may forget them."""

from collections.abc import Iterator

from sqlalchemy import Connection, Inspector, Table, UniqueConstraint, func, inspect, select

from quilt.audit.report import Check
from quilt.database import Base


def check_unique_keys(connection: Connection) -> Check:
    """Each unique key of the models is enforced by the database, and no two rows share one."""
    enforced = _list_enforced_keys(inspect(connection))
    looked_at, differences = 0, []
    for table, columns in _list_keys():
        name = f"{table.name}({', '.join(columns)})"
        if frozenset(columns) not in enforced[table.name]:
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
    tables = Base.metadata.sorted_tables
    found = {name: keys for (_, name), keys in inspect(connection).get_multi_foreign_keys().items()}
    looked_at = sum(len(found[table.name]) for table in tables)
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


def _list_enforced_keys(inspector: Inspector) -> dict[str, set[frozenset[str]]]:
    """The columns of each key that the database has, by table: asked once for all tables, not for each."""
    keys = {
        table: {frozenset(key["constrained_columns"])}
        for (_, table), key in inspector.get_multi_pk_constraint().items()
    }
    for (_, table), constraints in inspector.get_multi_unique_constraints().items():
        keys[table] |= {frozenset(constraint["column_names"]) for constraint in constraints}
    for (_, table), indexes in inspector.get_multi_indexes().items():
        keys[table] |= {
            frozenset(name for name in index["column_names"] if name) for index in indexes if index["unique"]
        }
    return keys
