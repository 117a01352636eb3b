"""The demo: starts everything, pushes the sample calls, shows what was heard, searches, checks,
stops.

It works through the HTTP API as a customer's pipeline would, on a data folder of its own that is
thrown away. Exit status 1 says which sample did not come out as its JSON file expects.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import typer

from api.client import Client
from api.commands import marked
from api.local import LOCAL_KEY
from lexicons.text import analyze

SAMPLES = Path(__file__).parent
NEAR_S = 2.0
START_TIMEOUT_S = 60
HEAR_TIMEOUT_S = 300
FINISHED = ("done", "failed")


@dataclass(slots=True)
class Report:
    """What did not come out as expected."""

    wrong: list[str] = field(default_factory=list)

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)


def main() -> int:
    """Run the demo; returns the exit status."""
    since = time.monotonic()
    samples = {path.stem: json.loads(path.read_text()) for path in sorted(SAMPLES.glob("*.json"))}
    report = Report()
    with tempfile.TemporaryDirectory(prefix="overtone-demo-") as folder:
        typer.echo("Starting queue, worker and API ...")
        with running(Path(folder)) as client:
            calls = push_and_wait(client, samples)
            for name, call in calls.items():
                show(call)
                compare(name, samples[name]["expect"], call, report)
            search(client, samples, report)
        typer.echo("\nEverything that was started is stopped.")
    typer.echo(f"The demo took {time.monotonic() - since:.0f} s.")
    for what in report.wrong:
        typer.echo(f"NOT AS EXPECTED  {what}")
    if report.wrong:
        return 1
    typer.echo("All samples came out as their JSON files expect.")
    typer.echo("To keep it running on your own recordings: make up")
    return 0


@contextmanager
def running(folder: Path) -> Iterator[Client]:
    """`overtone up` on a data folder and a free port, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OVERTONE_")}
    environment |= {"OVERTONE_DATA_DIR": str(folder), "OVERTONE_API_PORT": str(port)}
    log = folder / "up.log"
    with log.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "overtone", "up"],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(up, url, log)
        with Client(url, (folder / LOCAL_KEY).read_text().strip()) as client:
            yield client
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(30)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def wait_until_ready(up: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until the API says that it can serve; ends the demo with the log where it never does."""
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until and up.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass  # not listening yet
        time.sleep(0.2)
    raise SystemExit(f"overtone up did not start:\n{log.read_text(errors='replace')}")


def push_and_wait(client: Client, samples: dict[str, Any]) -> dict[str, Any]:
    """Push every sample, and show progress until all are heard."""
    numbers = {name: client.push(SAMPLES / f"{name}.wav").id for name in samples}
    for name, number in numbers.items():
        typer.echo(f"pushed   {name}.wav as call {number}")
    calls: dict[str, Any] = {}
    since = time.monotonic()
    states: dict[str, str] = {}
    while len(calls) < len(numbers):
        if time.monotonic() - since > HEAR_TIMEOUT_S:
            raise SystemExit(f"not heard within {HEAR_TIMEOUT_S} s: {set(numbers) - set(calls)}")
        for name in numbers.keys() - calls.keys():
            call = client.get(f"/calls/{numbers[name]}")
            if call["status"] != states.get(name):
                states[name] = call["status"]
                typer.echo(f"{time.monotonic() - since:5.1f} s  {call['status']:<8} {name}")
            if call["status"] in FINISHED:
                calls[name] = call
        time.sleep(0.3)
    return {name: calls[name] for name in numbers}


def show(call: dict[str, Any]) -> None:
    """One call as a person wants to see it."""
    anger = "unknown" if call["anger"] is None else f"{call['anger']:.2f}"
    typer.echo(f"\n{call['external_id']}  (call {call['id']}, {call['duration_s']:.0f} s)")
    typer.echo(f"  anger of the call {anger}   tags: {', '.join(call['tags']) or 'none'}")
    if call["error"]:
        typer.echo(f"  failed: {call['error']}")
    for speaker in call["speakers"]:
        mood = (
            "" if speaker["anger"] is None else f", {speaker['mood']}, anger {speaker['anger']:.2f}"
        )
        typer.echo(f"  {speaker['name']:<9} spoke {speaker['talk_s']:.0f} s{mood}")
    for hit in call["hits"]:
        typer.echo(
            f"  {hit['start_s']:6.2f} s  {hit['lexicon']:<8} {hit['term']}  "
            f"({hit['speaker']}: “{hit['matched']}”)"
        )
    for alert in call["alerts"]:
        typer.echo(f"  {alert['start_s']:6.2f} s  ALERT {alert['rule']}: {alert['reason']}")


def compare(name: str, expect: dict[str, Any], call: dict[str, Any], report: Report) -> None:
    """Hold a call against what its sample expects."""
    report.check(call["status"] == "done", f"{name}: status is {call['status']}: {call['error']}")
    spoke = sorted(speaker["name"] for speaker in call["speakers"])
    report.check(spoke == expect["speakers"], f"{name}: {spoke} spoke")
    for word in expect["words"]:
        report.check(heard(word, call), f"{name}: “{word['text']}” not heard at {word['at_s']} s")
    for hit in expect["hits"]:
        report.check(found(hit, call), f"{name}: no {hit['lexicon']} hit at {hit['at_s']} s")
    unwanted = {hit["lexicon"] for hit in call["hits"]} & set(expect["no_hits"])
    report.check(not unwanted, f"{name}: hits of {unwanted}")
    report.check(bool(call["alerts"]) == expect["alert"], f"{name}: {len(call['alerts'])} alerts")
    angry = "angry" in call["tags"]
    report.check(angry == expect["angry"], f"{name}: angry is {angry} (anger {call['anger']})")


def heard(word: dict[str, Any], call: dict[str, Any]) -> bool:
    """Whether the speaker said the phrase, its first word within two seconds of the expected
    time.
    """
    wanted = [token.key for token in analyze(word["text"])]
    for turn in call["turns"]:
        if turn["speaker"] != word["speaker"]:
            continue
        tokens = analyze(turn["text"])
        keys = [token.key for token in tokens]
        for at in range(len(keys) - len(wanted) + 1):
            if keys[at : at + len(wanted)] == wanted:
                start_s = second_of(turn["words"], tokens[at].start)
                if abs(start_s - word["at_s"]) <= NEAR_S:
                    return True
    return False


def second_of(words: list[list[Any]], character: int) -> float:
    """When the word that holds this character of the turn's text begins."""
    at = 0
    for text, start_s, _end_s, _probability in words:
        at += len(text) + 1
        if character < at:
            return float(start_s)
    raise ValueError("no such character")


def found(hit: dict[str, Any], call: dict[str, Any]) -> bool:
    """Whether there is such a hit near the expected time."""
    return any(
        one["lexicon"] == hit["lexicon"]
        and one["speaker"] == hit["speaker"]
        and hit["term"] in (None, one["term"])
        and abs(one["start_s"] - hit["at_s"]) <= NEAR_S
        for one in call["hits"]
    )


def search(client: Client, samples: dict[str, Any], report: Report) -> None:
    """The three searches: by words, by mood, by lexicon."""
    names = {sample["external_id"]: name for name, sample in samples.items()}
    asked = ask(client, "words: bearing no 204", q="bearing no 204")
    first = samples["bearing-enquiry"]
    when = next(word["at_s"] for word in first["expect"]["words"] if "204" in word["text"])
    report.check(
        [call["external_id"] for call in asked] == [first["external_id"]]
        and any(abs(snippet["start_s"] - when) <= NEAR_S for snippet in asked[0]["snippets"]),
        "search for words: the enquiry for the bearing, at the second it is asked for",
    )
    asked = ask(client, "mood: angriest first", sort="-anger")
    order = [samples[names[call["external_id"]]]["expect"]["angry"] for call in asked]
    report.check(order == sorted(order, reverse=True), "search by mood: angry calls first")
    asked = ask(client, "lexicon: praise", lexicon="praise")
    praised = {names[call["external_id"]] for call in asked}
    wanted = {
        name
        for name, sample in samples.items()
        if any(hit["lexicon"] == "praise" for hit in sample["expect"]["hits"])
    }
    report.check(praised == wanted, f"search by lexicon: found {praised}, expected {wanted}")


def ask(client: Client, title: str, **parameters: Any) -> list[dict[str, Any]]:
    """One search, printed."""
    typer.echo(f"\nSearch by {title}")
    items: list[dict[str, Any]] = client.get("/calls", **parameters)["items"]
    for call in items:
        anger = "" if call["anger"] is None else f"anger {call['anger']:.2f}"
        typer.echo(f"  {call['external_id']:<32} {anger}")
        for snippet in call["snippets"]:
            marks = tuple((start, end) for start, end in snippet["marks"])
            text = marked(snippet["text"], marks)
            typer.echo(f"    {snippet['start_s']:6.2f} s  {snippet['speaker']}: {text}")
    return items


if __name__ == "__main__":
    sys.exit(main())
