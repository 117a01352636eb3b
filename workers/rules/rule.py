"""A rule that is used: its conditions looked for in a call, and the alert that it drafts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workers.alert_draft import AlertDraft
from workers.call_facts import CallFacts
from workers.rules.definition import Condition, RuleTable, Severity
from workers.rules.scene import Scene, Scenes, Who
from workers.rules.sign import Piece, Sign
from workers.rules.voice_signs import Anger

MOMENTS = ("mood", "hit", "silence", "interruption")
"""Evidence that has its own second to play; all other is of a whole window."""


@dataclass(frozen=True, slots=True)
class Check:
    """One condition with whom it means."""

    sign: Sign
    condition: Condition
    who: Who

    @classmethod
    def of(cls, condition: Condition, rule: RuleTable) -> Check:
        return cls(condition.sign, condition, condition.who or rule.who)

    def holds(self, scenes: Scenes) -> bool:
        """Whether the condition is met: what is not known meets none."""
        scene = self._scene(scenes)
        if self.sign.of_somebody and scene.speakers is None:
            return False
        if self.sign.timed and not scenes.facts.is_heard:
            return False
        found = self.sign.holds(scene)
        return found is not None and found != self.condition.negated

    def reason(self, scenes: Scenes) -> str:
        """Why it is met, in words."""
        scene = self._scene(scenes)
        return self.sign.denial(scene) if self.condition.negated else self.sign.reason(scene)

    def evidence(self, scenes: Scenes) -> list[Piece]:
        """What there is to play or see. Of what is not there, where it is not."""
        scene = self._scene(scenes)
        if self.condition.negated:
            return [{"kind": "absence", "start_s": scene.start_s, "end_s": scene.until_s}]
        return self.sign.evidence(scene)

    def _scene(self, scenes: Scenes) -> Scene:
        # Whose silence it is does not matter: one scene does for all.
        return scenes.of(self.who if self.sign.of_somebody else "anybody", self.condition.window)


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule, ready to judge calls."""

    name: str
    version: int
    severity: Severity
    acknowledge_within_s: float | None
    all_of: tuple[Check, ...]
    any_of: tuple[Check, ...]

    @classmethod
    def of(cls, name: str, table: RuleTable, *, version: int = 1) -> Rule:
        return cls(
            name,
            version,
            table.severity,
            table.acknowledge_within_s,
            tuple(Check.of(condition, table) for condition in table.all_of),
            tuple(Check.of(condition, table) for condition in table.any_of),
        )

    def fires(self, scenes: Scenes) -> bool:
        """Whether it raises an alert."""
        return all(check.holds(scenes) for check in self.all_of) and (
            not self.any_of or any(check.holds(scenes) for check in self.any_of)
        )

    def draft(self, scenes: Scenes) -> AlertDraft:
        """The alert of a call on which it fires, with each piece of evidence once, in order of
        time. Each has the version of the rule that it is of: `rule_version`.
        """
        met = [*self.all_of, *(check for check in self.any_of if check.holds(scenes))]
        pieces: list[Piece] = []
        for piece in (piece for check in met for piece in check.evidence(scenes)):
            if piece not in pieces:
                pieces.append(piece)
        pieces.sort(key=lambda piece: float(piece["start_s"]))
        to_play = [piece for piece in pieces if piece["kind"] in MOMENTS] or pieces
        return AlertDraft(
            rule=self.name,
            reason="; ".join(check.reason(scenes) for check in met),
            evidence=tuple({**piece, "rule_version": self.version} for piece in pieces),
            start_s=float(to_play[0]["start_s"]),
            severity=self.severity,
            acknowledge_within_s=self.acknowledge_within_s,
        )

    def angers(self) -> Iterator[float]:
        """From which anger on its conditions take notice of a turn."""
        for check in (*self.all_of, *self.any_of):
            if isinstance(check.sign, Anger):
                yield check.sign.at_least


def judge(rules: Iterable[Rule], facts: CallFacts) -> list[AlertDraft]:
    """The alerts that a call raises, at most one for each rule, in the order of the rules."""
    scenes = Scenes(facts)
    return [rule.draft(scenes) for rule in rules if rule.fires(scenes)]


def lowest_anger(rules: Sequence[Rule], lowest: float) -> float:
    """The lowest anger that is of any interest: `lowest`, or what a rule looks for below it."""
    return min([lowest, *(anger for rule in rules for anger in rule.angers())])
