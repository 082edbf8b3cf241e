"""`[ledger]`: one's own coefficients, in place of the packaged ones, for what a lake's work took."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from pipeline.settings_checks import MisfitError
from schemas.ledger import Coefficients

Three = tuple[float, float, float]


def a_band(value: Any) -> Three:
    """Read one number, or low, central and high."""
    told = list(value) if isinstance(value, list | tuple) else [value]
    try:
        numbers = [float(one) for one in told if not isinstance(one, bool)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) == 1 == len(told):
        numbers *= 3
    if len(numbers) != 3 or not 0 <= numbers[0] <= numbers[1] <= numbers[2] < float("inf"):
        raise MisfitError("a number, or [low, central, high], rising and not negative, would be right")
    return numbers[0], numbers[1], numbers[2]


Band = Annotated[Three | None, BeforeValidator(a_band)]
"""One number, or low, central and high."""


@dataclass(frozen=True)
class LedgerSettings:
    """`[ledger]`: what CPU-seconds, requests and tokens cost, if you know it better than the packaged estimates."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    watts: Annotated[
        Band, Field(description="Watts of a busy vCPU, or [low, central, high].", examples=[[3.5, 3.76, 4.26]])
    ] = None
    pue: Annotated[
        Band,
        Field(description="Wh drawn per Wh used, of the site, or [low, central, high].", examples=[[1.17, 1.56, 2.0]]),
    ] = None
    gco2e_per_kwh: Annotated[
        Band,
        Field(
            description="Grams of CO2e per kWh, by location, or [low, central, high].", examples=[[44.0, 473.0, 700.0]]
        ),
    ] = None
    litres_site: Annotated[
        Band,
        Field(
            description="Litres of water per kWh at the site, or [low, central, high].", examples=[[0.27, 0.36, 1.8]]
        ),
    ] = None
    litres_grid: Annotated[
        Band,
        Field(
            description="Litres of water per kWh at power plants, or [low, central, high].",
            examples=[[0.54, 3.142, 4.52]],
        ),
    ] = None
    wh_per_request: Annotated[
        Band,
        Field(
            description="Wh of a request to a remote server, or [low, central, high].", examples=[[0.047, 0.24, 0.42]]
        ),
    ] = None
    money_per_cpu_hour: Annotated[
        Band, Field(description="Price of a vCPU-hour, or [low, central, high].", examples=[[0.012, 0.04, 0.06]])
    ] = None
    money_per_million_tokens_in: Annotated[
        Band, Field(description="Price of a million tokens sent, or [low, central, high].", examples=[[0.0, 0.15, 3.0]])
    ] = None
    money_per_million_tokens_out: Annotated[
        Band,
        Field(
            description="Price of a million tokens that come back, or [low, central, high].",
            examples=[[0.0, 0.6, 15.0]],
        ),
    ] = None
    currency: Annotated[str, Field(description="Of your prices.", max_length=8)] = "USD"

    def coefficients(self) -> Coefficients:
        """Give the packaged set, with what is set here in place of its values."""
        own = {f.name: value for f in fields(self) if f.name != "currency" and (value := getattr(self, f.name))}
        return Coefficients.with_own(own, self.currency)
