"""Whole columns: their order, and who waits."""

from quilt.arrivals.bulk import Links, in_order


def test_columns_come_by_the_first_of_them():
    assert in_order([[2, 9, 4], ["b", "i", "d"], [20, 90, 40]]) == [[2, 4, 9], ["b", "d", "i"], [20, 40, 90]]
    assert in_order([[1, 3], [None, 1]]) == [[1, 3], [None, 1]]
    assert in_order([[], []]) == [[], []]


def test_who_waits_is_left_out_of_every_column():
    links = Links([1, 2, 5], [None, 1, 2], ["wa", "", "x"], {2})
    assert links.without({2, 7}) == Links([1, 5], [None, 2], ["wa", "x"], {2})
    assert links.without(set()) is links
