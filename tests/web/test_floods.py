from quilt.web.floods import FloodGate


def test_an_address_comes_in_so_often_a_minute_and_harms_no_other():
    gate = FloodGate(3)
    assert [gate.lets_in("192.0.2.1", 60.0 + n) for n in range(5)] == [True, True, True, False, False]
    assert gate.lets_in("192.0.2.2", 66.0)
    assert gate.lets_in("192.0.2.1", 120.0)


def test_the_count_stays_small():
    gate = FloodGate(3, most_addresses=10)
    for number in range(100):
        gate.lets_in(f"192.0.2.{number}", 1.0)
    assert len(gate._counts) <= 11
