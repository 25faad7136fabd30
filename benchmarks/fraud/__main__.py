"""How the evidence rules do against crowds of honest people and attacks.

usage: python -m benchmarks.fraud [--seeds 1 2 3 4 5] [--database sqlite]

The viral crowd has the shape of recorded cascades, of a folder that QUILT_SPREAD_DATA names (../shared/data beside the
checkout where it names none). Without them it is left out, and said so.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.aims import Aims
from benchmarks.fraud.attacks import ATTACKS
from benchmarks.fraud.cascades import FILE, get_folder
from benchmarks.fraud.crowds import CROWDS, list_crowds
from benchmarks.fraud.measure import Outcome, Share, cost_to_win, run_seeds
from quilt.integrity.facts import get_rulebook
from quilt.integrity.rules import FAMILIES, NETWORK

PATIENT = "A6"  # looks like anybody: no rule about votes can find it
MOST_HELD, MOST_HELD_OF_CROWD, LEAST_PRECISION, LEAST_RECALL = 0.005, 0.01, 0.98, 0.80


def main() -> None:
    """Run the worlds and print the tables."""
    options = read_options()
    began = time.perf_counter()
    outcomes = run_seeds(options.seeds, options.database)
    print(
        f"rules {get_rulebook().name}, {len(options.seeds)} seeds, {len(outcomes):,} presses, {time.perf_counter() - began:.0f} s\n"
    )
    sys.exit(print_all(outcomes))


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    return parser.parse_args(arguments)


def print_all(outcomes: Sequence[Outcome]) -> int:
    """Every table, and what was missed; the exit status."""
    aims = Aims()
    print_crowds(outcomes, aims)
    print_attacks(outcomes)
    print_whole(outcomes, aims)
    print_families(outcomes)
    return aims.sum_up()


def print_crowds(outcomes: Sequence[Outcome], aims: Aims) -> None:
    """What honest crowds suffer: refused is by the door, held by the rules."""
    for name in CROWDS.keys() - list_crowds().keys():
        print(f"The {name} crowd is left out: {get_folder() / FILE} is not there (QUILT_SPREAD_DATA names the folder).\n")  # fmt: skip
    print(
        "| honest crowd | votes | refused | held | held % (95 %) | worst seed % | |\n|---|---|---|---|---|---|---|"
    )
    for name in [*CROWDS, ""]:
        crowd = [one for one in outcomes if not one.press.is_fraud and name in ("", one.press.crowd)]
        if crowd:
            refused = sum(one.finding is None for one in crowd)
            held = _share(crowd, lambda one: one.is_held)
            is_met = refused == 0 and float(held) <= (MOST_HELD_OF_CROWD if name else MOST_HELD)
            word = aims.judge(f"honest crowd {name or 'all'}", is_met)
            print(f"| {name or '**all**'} | {len(crowd):,} | {refused} | {held.hits} | {_percent(held)} | {_worst(crowd):.2f} | {word} |")  # fmt: skip
    print()


def print_attacks(outcomes: Sequence[Outcome]) -> None:
    """What becomes of attacks, and what it costs to win by each."""
    print(
        "| attack | presses | at the door | held of the rest % (95 %) | seeds % | dollars a vote | dollars to win |\n|---|---|---|---|---|---|---|"
    )
    for name, attack in ATTACKS.items():
        presses = [one for one in outcomes if one.press.crowd == name]
        if not presses:
            continue
        door = sum(one.finding is None for one in presses)
        held = _share([one for one in presses if one.finding is not None], lambda one: one.is_held)
        seeds = ", ".join(f"{100 * float(_share(_of_seed(presses, seed), lambda one: one.is_stopped)):.0f}" for seed in _seeds(presses))  # fmt: skip
        print(f"| {name} {attack.words} | {len(presses):,} | {door} | {_percent(held)} | {seeds} | {attack.price:.2f} | {cost_to_win(outcomes, attack)} |")  # fmt: skip
    print()


def print_whole(outcomes: Sequence[Outcome], aims: Aims) -> None:
    """Precision and recall over everything."""
    recorded = [one for one in outcomes if one.finding is not None]
    held = [one for one in recorded if one.is_held]
    fraud = [one for one in outcomes if one.press.is_fraud]
    findable = [one for one in fraud if one.press.crowd != PATIENT]
    precision, recall = (
        _share(held, lambda one: one.press.is_fraud),
        _share(findable, lambda one: one.is_stopped),
    )
    print(
        f"precision of holds        {_percent(precision)} {aims.judge('precision', float(precision) >= LEAST_PRECISION)}"
    )
    print(
        f"recall without {PATIENT}         {_percent(recall)} {aims.judge('recall', float(recall) >= LEAST_RECALL)}"
    )
    print(f"  of recorded votes only  {_percent(_share([one for one in findable if one.finding], lambda one: one.is_held))}")  # fmt: skip
    print(f"recall, everything        {_percent(_share(fraud, lambda one: one.is_stopped))}\n")


def print_families(outcomes: Sequence[Outcome]) -> None:
    """The same with one family left out."""
    book = get_rulebook()
    print("| without | recall without A6 % | honest held % |\n|---|---|---|")
    for family in FAMILIES:
        without = [
            (one.press, one.finding is None or one.finding.find_reason(book, {family}) is not None)
            for one in outcomes
        ]
        fraud = [stopped for press, stopped in without if press.is_fraud and press.crowd != PATIENT]
        honest = [stopped for press, stopped in without if not press.is_fraud]
        note = " (points only)" if family == NETWORK else ""
        print(
            f"| {family}{note} | {100 * sum(fraud) / len(fraud):.1f} | {100 * sum(honest) / len(honest):.2f} |"
        )


def _share(outcomes: Sequence[Outcome], test: Callable[[Outcome], bool]) -> Share:
    return Share(sum(map(test, outcomes)), len(outcomes))


def _percent(share: Share) -> str:
    low, high = share.interval()
    return f"{100 * float(share):.2f} ({100 * low:.2f} to {100 * high:.2f})"


def _worst(crowd: Sequence[Outcome]) -> float:
    return max(100 * float(_share(_of_seed(crowd, seed), lambda one: one.is_held)) for seed in _seeds(crowd))


def _of_seed(outcomes: Sequence[Outcome], seed: int) -> list[Outcome]:
    return [one for one in outcomes if one.seed == seed]


def _seeds(outcomes: Sequence[Outcome]) -> list[int]:
    return sorted({one.seed for one in outcomes})


if __name__ == "__main__":
    main()
