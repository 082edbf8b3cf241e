"""The ledger: what each stage did and took, by hour and domain; and the coefficients that turn it into Wh and money."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pyarrow as pa

from schemas.events import TS

PIPELINE, LEARN, CLUSTER, COMPACT = "pipeline", "learn", "cluster", "compact"
"""Stages that are no models: reading, parsing, keying and committing; merging kinds into templates; vectors and
clusters; putting small files of events together."""


def _field(name: str, kind: pa.DataType, doc: str) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata={"doc": doc})


LEDGER = pa.schema(
    [
        _field("hour", TS, "The hour, UTC, in which it was done (not when the events happened)."),
        _field(
            "stage",
            pa.string(),
            "pipeline, rule, tiny, small, cluster, large, remote, learn, compact, ...; none: nobody.",
        ),
        _field("domain", pa.string(), "Domain of the label it came to; empty: not by domain."),
        _field("events", pa.int64(), "Events written whose label at ingest is of this stage and domain."),
        _field("kinds", pa.int64(), "Calls: kinds that went through the stage."),
        _field("exits", pa.int64(), "Kinds whose answer was this stage's."),
        _field("escalations", pa.int64(), "Kinds that this stage left to the next, or to nobody."),
        _field("deferred", pa.int64(), "Kinds that the stage could not be asked about now."),
        _field("cpu_s", pa.float64(), "CPU-seconds; of a call of many kinds, shared among them evenly."),
        _field("tokens_in", pa.int64(), "Tokens sent to a server."),
        _field("tokens_out", pa.int64(), "Tokens that came back."),
        _field("money", pa.float64(), "What a server said it took, in the currency; 0: it said nothing."),
        _field("run", pa.string(), "The run that did it."),
        _field("coefficients", pa.string(), "The coefficients that held for it, by their id."),
    ]
)
"""One row an hour, stage and domain of a run; a long run writes several of the same, which add up."""

COUNTS = ("events", "kinds", "exits", "escalations", "deferred", "cpu_s", "tokens_in", "tokens_out", "money")
"""The columns that add up."""


@dataclass(frozen=True)
class Coefficient:
    """A number that nobody knows exactly: least, likeliest and greatest value, and who says so."""

    low: float
    central: float
    high: float
    unit: str
    source: str


@dataclass(frozen=True)
class Coefficients:
    """What turns CPU-seconds, requests and tokens into Wh, gCO2e, litres and money.

    Wh = CPU-s / 3600 x watts x pue + requests x wh_per_request; gCO2e = kWh x gco2e_per_kwh;
    litres = kWh / pue x litres_site + kWh x litres_grid; money = CPU-h x money_per_cpu_hour + tokens x their price.
    Made to be low, central and high throughout: a band, not a confidence interval.

    Source: SCI, ISO/IEC 21031:2024, without embodied emissions; water as Li et al., arXiv 2304.03271.
    """

    watts: Coefficient = Coefficient(
        3.5, 3.76, 4.26, "W per busy vCPU", "Cloud Carbon Footprint methodology: AWS, Azure, GCP"
    )
    pue: Coefficient = Coefficient(
        1.17, 1.56, 2.0, "Wh drawn per Wh used", "Microsoft FY25; Uptime Institute survey 2024; an old, small room"
    )
    gco2e_per_kwh: Coefficient = Coefficient(
        44.0, 473.0, 700.0, "gCO2e/kWh, by location", "France 2024; world 2024 (Ember 2025); a grid on coal"
    )
    litres_site: Coefficient = Coefficient(
        0.27, 0.36, 1.8, "L/kWh at the site", "Microsoft FY25; LBNL 2024 US mean; LBNL 2016 US mean"
    )
    litres_grid: Coefficient = Coefficient(
        0.54, 3.142, 4.52, "L/kWh at power plants", "1.5 x the site's; Li et al. US mean; LBNL 2024 p. 57"
    )
    wh_per_request: Coefficient = Coefficient(
        0.047, 0.24, 0.42, "Wh per request to a server", "Luccioni et al. 2311.16863; Google 2025; Jegham 2505.09598"
    )
    money_per_cpu_hour: Coefficient = Coefficient(
        0.012, 0.04, 0.06, "USD per vCPU-hour", "assumed: spot, usual and small-account list prices; set your own"
    )
    money_per_million_tokens_in: Coefficient = Coefficient(
        0.0, 0.15, 3.0, "USD per million tokens sent", "assumed: own server, small and large hosted model; set your own"
    )
    money_per_million_tokens_out: Coefficient = Coefficient(
        0.0, 0.6, 15.0, "USD per million tokens back", "assumed: own server, small and large hosted model; set your own"
    )
    currency: str = "USD"

    @property
    def id(self) -> str:
        """Name the set by its content, 8 hex digits."""
        return hashlib.sha256(self.json().encode()).hexdigest()[:8]

    def each(self) -> dict[str, Coefficient]:
        """Give the coefficients by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Coefficient)}

    def json(self) -> str:
        """Write the set as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def of(text: str) -> "Coefficients":
        """Read what `json` wrote.

        Raises:
            ValueError, TypeError, KeyError: it is none of ours.
        """
        told = json.loads(text)
        currency = str(told.pop("currency"))
        return Coefficients(**{name: Coefficient(**value) for name, value in told.items()}, currency=currency)

    @staticmethod
    def with_own(own: Mapping[str, tuple[float, float, float]], currency: str = "") -> "Coefficients":
        """Give the packaged set with some values of one's own."""
        packaged = Coefficients()
        units = packaged.each()
        money = {n: c.unit.replace(packaged.currency, currency or packaged.currency) for n, c in units.items()}
        made = {n: Coefficient(*own[n], money[n], "configuration") if n in own else units[n] for n in units}
        return Coefficients(**made, currency=currency or packaged.currency)
