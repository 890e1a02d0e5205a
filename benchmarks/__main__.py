"""`python -m benchmarks` (or `make bench`) prints all ratios, with their spread."""

from benchmarks import decode, predict, start
from benchmarks.measure import table

print(table([*decode.measure(), *predict.measure(), *start.measure()]))
