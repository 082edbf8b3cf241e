"""The floor that any training must beat: the leaf whose definition is nearest to the kind, by a base as it comes."""

import numpy as np

from classifiers.text import message_words
from classifiers.train.dealt import Dealt
from classifiers.train.evaluate import DOMAIN_OF, LEAVES, macro_f1
from classifiers.train.finetune import spoken
from classifiers.train.network import Network, Reader
from schemas.taxonomy import taxonomy


def zero_shot(network: Network, read: Reader, dealt: Dealt) -> dict[str, float]:
    """Score the nearest definition on the split `test`."""
    at = dealt.at("test")
    asked, _ = spoken(network, read, [message_words(kind) for kind in dealt.kinds(at)])
    told, _ = spoken(network, read, [f"{leaf}: {taxonomy().leaves[leaf].definition}" for leaf in LEAVES])
    guess, truth = (asked @ told.T).argmax(1), dealt.classes[at]
    return {
        "leaf_macro_f1": round(macro_f1(truth, guess), 4),
        "leaf_accuracy": round(float((guess == truth).mean()), 4),
        "domain_macro_f1": round(macro_f1(DOMAIN_OF[truth], DOMAIN_OF[guess]), 4),
        "domain_accuracy": round(float(np.mean(DOMAIN_OF[guess] == DOMAIN_OF[truth])), 4),
    }
