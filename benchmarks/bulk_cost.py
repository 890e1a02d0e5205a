"""What it takes to classify a million or a billion pictures, on paper, from a rate that was measured.

    python -m benchmarks.bulk_cost --rate 60 --cores 16 --megabytes 0.2 --price 1

The rate is what `python -m benchmarks.bulk` gives for one process. Nothing else is known here: a price, a machine's
cores and the size of the pictures are yours to say.
"""

from typing import NamedTuple

import click

_ROW = 60  # bytes of a row, about, besides the path: in memory, in the parts and in a CSV


class Cost(NamedTuple):
    """What a collection takes.

    Attributes:
        core_hours: of work.
        machine_hours: on machines of so many cores.
        price: of those, in the currency that the price of an hour has.
        days_alone: on one such machine.
        terabytes: that are read.
        gigabits: a second that the storage must give so that `machines` of them do not wait.
        table_gigabytes: that the table has.
    """

    core_hours: float
    machine_hours: float
    price: float
    days_alone: float
    terabytes: float
    gigabits: float
    table_gigabytes: float


def estimate(
    pictures: float,
    *,
    rate: float,
    cores: int,
    price: float = 0.0,
    megabytes: float = 0.2,
    machines: int = 1,
    efficiency: float = 0.8,
    path_bytes: int = 60,
) -> Cost:
    """Work out the cost of a collection.

    Args:
        pictures: how many.
        rate: pictures a second of one core that works alone.
        cores: of a machine.
        price: of a machine for an hour.
        megabytes: a picture has on average, as a file.
        machines: that work at once.
        efficiency: what is left of the rate when all cores of a machine work, 0-1: they share memory and storage.
        path_bytes: that a path has on average.
    """
    core_hours = pictures / (rate * efficiency) / 3600
    machine_hours = core_hours / cores
    return Cost(
        core_hours=core_hours,
        machine_hours=machine_hours,
        price=machine_hours * price,
        days_alone=machine_hours / 24,
        terabytes=pictures * megabytes / 1e6,
        gigabits=machines * cores * rate * efficiency * megabytes * 8 / 1000,
        table_gigabytes=pictures * (path_bytes + _ROW) / 1e9,
    )


@click.command()
@click.option("--rate", type=float, required=True, help="Pictures a second of one process, measured.")
@click.option("--cores", type=click.IntRange(1), default=16, show_default=True, help="Cores of a machine.")
@click.option("--megabytes", type=float, default=0.2, show_default=True, help="Of a picture's file, on average.")
@click.option("--price", type=float, default=1.0, show_default=True, help="Of a machine for an hour.")
@click.option("--machines", type=click.IntRange(1), default=10, show_default=True, help="That work at once.")
@click.option("--efficiency", type=float, default=0.8, show_default=True, help="Of a core among busy ones.")
def main(machines: int, **assumed) -> None:
    """Print what a million and a billion pictures take."""
    head = ("pictures", "core hours", "machine hours", "price", f"on {machines}", "reading", "bandwidth", "table")
    click.echo(" | ".join(head))
    for pictures in (1e6, 1e9):
        cost = estimate(pictures, machines=machines, **assumed)
        hours = cost.machine_hours / machines
        together = f"{hours:,.1f} h" if hours < 48 else f"{hours / 24:,.1f} days"
        row = (
            f"{pictures:,.0f}",
            f"{cost.core_hours:,.1f}",
            f"{cost.machine_hours:,.1f}",
            f"{cost.price:,.2f}",
            together,
        )
        row += (f"{cost.terabytes:,.1f} TB", f"{cost.gigabits:,.1f} Gbit/s", f"{cost.table_gigabytes:,.1f} GB")
        click.echo(" | ".join(row))


if __name__ == "__main__":
    main()
