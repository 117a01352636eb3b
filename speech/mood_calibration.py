"""How good a head is and how sure it may be: figures, temperature, and anger as a probability.

Works on logits and true moods alone. Needs scikit-learn; only training and measuring import it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score, roc_auc_score

from speech.mood_head import MOODS, Floats, anger_odds, softmax


def figures(logits: Floats, moods: NDArray[np.int64]) -> dict[str, float]:
    """How well anger stands out, and the unweighted average recall over the moods."""
    anger = anger_odds(logits)
    plain = np.isin(moods, (MOODS.index("angry"), MOODS.index("neutral")))
    return {
        "anger_auroc": round(float(roc_auc_score(moods == 0, anger)), 3),
        "anger_neutral_auroc": round(float(roc_auc_score(moods[plain] == 0, anger[plain])), 3),
        "uar": round(float(recall_score(moods, logits.argmax(axis=1), average="macro")), 3),
    }


def temperature(logits: Floats, moods: NDArray[np.int64]) -> float:
    """The temperature of the least weighed cross-entropy (Guo et al. 2017), by search."""
    weights, row = _even(moods), np.arange(len(moods))
    tried = np.geomspace(0.2, 5.0, 60)
    losses = [-(weights * np.log(softmax(logits / t)[row, moods] + 1e-12)).sum() for t in tried]
    return float(tried[int(np.argmin(losses))])


def calibrate_anger(logits: Floats, moods: NDArray[np.int64]) -> tuple[float, float]:
    """Slope and offset of anger's log odds (Platt 1999), as if a quarter of speech were angry."""
    platt = LogisticRegression(C=1e6)
    platt.fit(anger_odds(logits)[:, None], moods == 0, sample_weight=1000.0 * _even(moods))
    return float(platt.coef_[0, 0]), float(platt.intercept_[0])


def _even(moods: NDArray[np.int64]) -> Floats:
    """Weights under which every mood is as frequent as any other."""
    return np.asarray(1.0 / np.maximum(np.bincount(moods, minlength=len(MOODS)), 1)[moods])
