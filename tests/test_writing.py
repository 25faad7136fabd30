"""A group whose database is away hears of it together, and the next finds the database again."""

from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from quilt.writing import Committer, Piece


def find_one(connection):
    return connection.execute(text("SELECT 1")).scalar()


def test_one_attempt_to_reach_a_database_that_is_away_answers_the_whole_group(tmp_path):
    place, attempts = tmp_path / "away" / "quilt.db", []
    engine = create_engine(f"sqlite:///{place}")
    event.listen(engine, "do_connect", lambda *_: attempts.append(1))
    committer = Committer(engine)
    group = [Piece(find_one, ()) for _ in range(5)]
    committer.commit(group)
    assert len(attempts) == 1
    assert all(isinstance(piece.error, OperationalError) for piece in group)
    place.parent.mkdir()
    again = [Piece(find_one, ()) for _ in range(5)]
    committer.commit(again)
    assert [(piece.result, piece.error) for piece in again] == [(1, None)] * 5
    committer.close()
    engine.dispose()
