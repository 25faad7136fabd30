from quilt.web.floods import FloodGate


def test_an_address_comes_in_so_often_a_minute_and_harms_no_other():
    gate = FloodGate(3)
    assert [gate.lets_in("192.0.2.1", 60.0 + n) for n in range(5)] == [True, True, True, False, False]
    assert gate.lets_in("192.0.2.2", 66.0)
    assert gate.lets_in("192.0.2.1", 120.0)


def test_a_crowd_shares_a_small_table_and_nobody_is_refused_for_the_others():
    gate = FloodGate(600)
    assert all(gate.lets_in(f"2001:db8::{number:x}", 1.0) for number in range(100_000))
    assert gate._counts.itemsize * len(gate._counts) == 131_072
    assert not all(gate.lets_in("192.0.2.1", 2.0) for _ in range(601))


def test_a_request_that_asks_twice_is_counted_once():
    gate = FloodGate(2)
    first, second, third = ({"REMOTE_ADDR": "192.0.2.1"} for _ in range(3))
    assert [gate.lets_in_once(first, 60.0) for _ in range(5)] == [True] * 5
    assert [gate.lets_in_once(environ, 61.0) for environ in (second, third, second)] == [True, False, True]
