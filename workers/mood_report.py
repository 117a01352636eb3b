"""How far a mood model agrees with the verdicts on what it heard, as figures and in words.

Knows no database: verdicts are handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from models.agreement import (
    FEW_VERDICTS,
    Bin,
    Pair,
    Reached,
    binned,
    calibration_error,
    lowest_threshold,
    reached,
)
from models.verdict import Judged
from settings import PREFIX

BAR = 20
HOW_TO_JUDGE = (
    "Give verdicts with PUT /calls/NUMBER/verdict and a key with the scope `review`, such as\n"
    '  curl -X PUT -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
    '       -d \'{"speaker": "customer", "angry": true}\' http://127.0.0.1:8080/calls/4711/verdict'
)


@dataclass(frozen=True, slots=True)
class MoodReport:
    """How far one mood model agrees with the verdicts on what it heard.

    `at_alert` is what the alert threshold reaches, `suggested` the lowest threshold of at least
    `wanted_precision`, None where none gives it. Left out are `without_mood` speakers who have no
    mood now, and `other_model` whose mood is another model's.
    """

    model: str | None
    verdicts: int
    angry: int
    without_mood: int
    other_model: int
    at_alert: Reached
    calibration_error: float | None
    bins: tuple[Bin, ...]
    wanted_precision: float
    suggested: Reached | None


def make_report(
    rows: Sequence[Judged], model: str | None, *, alert_anger: float, precision: float
) -> MoodReport:
    """What the verdicts say of this mood model."""
    moody = [(row.mood_model, row.anger, row.angry) for row in rows if row.anger is not None]
    pairs = [Pair(anger, angry) for name, anger, angry in moody if name == model]
    bins = binned(pairs)
    return MoodReport(
        model=model,
        verdicts=len(pairs),
        angry=sum(pair.angry for pair in pairs),
        without_mood=len(rows) - len(moody),
        other_model=len(moody) - len(pairs),
        at_alert=reached(pairs, alert_anger),
        calibration_error=calibration_error(bins),
        bins=bins,
        wanted_precision=precision,
        suggested=lowest_threshold(pairs, precision),
    )


def as_dict(made: MoodReport) -> dict[str, object]:
    """The report for JSON: everything that the words tell."""
    at_alert, suggested = _figures(made.at_alert), made.suggested and _figures(made.suggested)
    return asdict(made) | {
        "few_verdicts": made.verdicts < FEW_VERDICTS,
        "at_alert": at_alert,
        "suggested": suggested,
    }


def _figures(at: Reached) -> dict[str, object]:
    return asdict(at) | {"precision": at.precision, "recall": at.recall}


def in_words(made: MoodReport) -> Iterator[str]:
    """The report line by line; without verdicts, how to give one."""
    if made.model is None:
        yield "no call was heard with a mood model yet"
    else:
        yield f"mood model {made.model}: {_verdicts(made.verdicts)}, {made.angry} of them angry"
    if made.without_mood:
        yield f"left out: {_verdicts(made.without_mood)} on speakers without a mood"
    if made.other_model:
        yield (
            f"left out: {_verdicts(made.other_model)} on speakers judged under another model "
            "(have their calls heard again, or give --model)"
        )
    if not made.verdicts:
        yield HOW_TO_JUDGE
        return
    if made.verdicts < FEW_VERDICTS:
        yield f"fewer than {FEW_VERDICTS} verdicts: these figures may be chance, give more"
    yield f"at anger {made.at_alert.threshold}, where alerts begin: {_reach(made.at_alert)}"
    yield "recall knows only judged speakers: judge some of calls that raised no alert, too"
    yield f"expected calibration error {made.calibration_error:.3f} over {len(made.bins)} bins:"
    yield "  anger       count   mean  angry   # share found angry, | mean anger"
    yield from map(_bar, made.bins)
    yield from _advice(made)


def _verdicts(count: int) -> str:
    return "1 verdict" if count == 1 else f"{count} verdicts"


def _reach(at: Reached) -> str:
    precision, recall = "precision unknown (nobody reaches it)", "recall unknown (nobody is angry)"
    if at.precision is not None:
        precision = f"precision {at.precision:.2f} ({at.right} of {at.flagged})"
    if at.recall is not None:
        recall = f"recall {at.recall:.2f} ({at.right} of {at.angry})"
    return f"{precision}, {recall}"


def _bar(one: Bin) -> str:
    span = f"  {one.low:.1f} to {one.high:.1f}  {one.count:>5}"
    if one.mean_anger is None or one.share_angry is None:
        return f"{span}      -      -"
    bar = list(("#" * round(one.share_angry * BAR)).ljust(BAR + 1))
    bar[round(one.mean_anger * BAR)] = "|"
    return f"{span}   {one.mean_anger:.2f}   {one.share_angry:.2f}   {''.join(bar).rstrip()}"


def _advice(made: MoodReport) -> Iterator[str]:
    wanted, found = made.wanted_precision, made.suggested
    if found is not None:
        yield (
            f"lowest threshold of precision {wanted:g} or more on these verdicts: "
            f"{found.threshold}, {_reach(found)}"
        )
        if made.verdicts < FEW_VERDICTS:
            yield f"give {FEW_VERDICTS - made.verdicts} more verdicts before you change a threshold"
        else:
            yield f"to set it: {PREFIX}ALERT_ANGER={found.threshold}"
    elif not made.angry:
        yield "nobody was found angry yet: no threshold can be told from these verdicts"
    else:
        yield (
            f"no threshold gives a precision of {wanted:g} on these verdicts: ask for less with "
            "--precision, or train a head on your own calls with `overtone mood train`"
        )
