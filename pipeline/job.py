"""What a worker needs to know of a job: plain values that pickle, and how its parts are put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from classifiers.cascade import Cascade
from classifiers.plan import tiny_of
from classifiers.rules import Rules
from clustering.registry import Registry
from connectors.formats.parse import Reading, parse
from connectors.lake import Lake
from connectors.privacy import Masks
from pipeline.labelling import Labeller
from pipeline.settings_models import RemoteSettings
from pipeline.settings_precision import PrecisionSettings
from schemas.ledger import Coefficients


@dataclass(frozen=True)
class Job:
    """One job's settings.

    Attributes:
        lake: the lake's folder; None: nothing is stored, nothing known.
        floor: confidence below which a label is `unknown`; None: what the model's card says.
        batch_rows, batch_bytes: a segment holds at most so many lines and bytes.
        topics: how the records of a topic are to be read, by its name; `reading` holds for the others.
        refresh_s: so often a running worker looks for labels that were published; 0: never.
        run: named in the footer of each segment, so that a run can tell its own; "": not named.
        coefficients: what the ledger reckons with.
        large: a Hugging Face model in the place of large. edge: tiny alone. remote: who is asked last, if anybody.
        precision: how sure labels shall be.
    """

    lake: Path | None
    reading: Reading = field(default_factory=Reading)
    masks: Masks = field(default_factory=Masks)
    rules: Path | None = None
    model: Path | None = None
    floor: float | None = None
    batch_rows: int = 131_072
    batch_bytes: int = 16 << 20
    topics: Mapping[str, Reading] = field(default_factory=dict)
    refresh_s: float = 0.0
    run: str = ""
    coefficients: Coefficients = field(default_factory=Coefficients)
    large: str | None = None
    edge: bool = False
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    precision: PrecisionSettings = field(default_factory=PrecisionSettings)

    def parse(self, records: pa.RecordBatch) -> pa.RecordBatch:
        """RECORDS -> PARSED, masked."""
        topic = (records.schema.metadata or {}).get(b"topic", b"").decode()
        return self.masks.parsed(parse(records, self.topics.get(topic, self.reading)))

    def cascade(self) -> Cascade:
        """Put the inline models together; they are loaded when first asked."""
        tiny, floor = tiny_of(self.model, edge=self.edge)
        return Cascade([tiny], floor if self.floor is None else self.floor)

    def check(self) -> None:
        """Load models and rules once, so that what is wrong with them is told before anything is written."""
        tiny_of(self.model, edge=self.edge)[0].lazy.get()
        if self.rules:
            Rules.load(self.rules)

    def labeller(self, kinds: pa.Table | None = None) -> Labeller:
        """Put the labeller together.

        Args:
            kinds: what is known beforehand, of the schema KINDS; by default what the lake knows.
        """
        if kinds is None and self.lake is not None:
            kinds = Lake.open(self.lake).kinds()
        rules = Rules.load(self.rules).classify if self.rules else None
        labeller = Labeller(Registry(), self.cascade(), rules)
        if kinds is not None:
            labeller.refresh(kinds)
        return labeller
