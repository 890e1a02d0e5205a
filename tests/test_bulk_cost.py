"""The cost of a large collection, against sums done by hand."""

import pytest

from benchmarks.bulk_cost import estimate


def test_a_million_pictures_by_hand():
    # 100 a second, of which 80 are left: 12,500 s of one core; on 16 cores 781.25 s; 40 machines of those read
    # 40 x 16 x 80 pictures of 0.5 MB a second.
    cost = estimate(1e6, rate=100, cores=16, price=1.44, megabytes=0.5, machines=40, efficiency=0.8, path_bytes=40)
    assert cost.core_hours == pytest.approx(12_500 / 3600)
    assert cost.machine_hours == pytest.approx(781.25 / 3600)
    assert cost.price == pytest.approx(0.3125)
    assert cost.days_alone == pytest.approx(781.25 / 86_400)
    assert cost.terabytes == pytest.approx(0.5)
    assert cost.gigabits == pytest.approx(51_200 * 0.5 * 8 / 1000)
    assert cost.table_gigabytes == pytest.approx(0.1)


def test_a_billion_are_a_thousand_millions():
    small, large = (estimate(count, rate=50, cores=8, price=2.0, machines=5) for count in (1e6, 1e9))
    assert large.gigabits == small.gigabits  # it lasts longer, but reads no faster
    for name in ("core_hours", "machine_hours", "price", "days_alone", "terabytes", "table_gigabytes"):
        assert getattr(large, name) == pytest.approx(1000 * getattr(small, name))
