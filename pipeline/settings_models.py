"""What can be configured of the models: a server that is asked about what the packaged ones are not sure of."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from pipeline.settings_checks import MisfitError

_STRICT = ConfigDict(extra="forbid", strict=True)
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?")


def _url(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise MisfitError("http://HOST:PORT/v1 or https://HOST/v1 would be right; a key goes into remote.key")
    return text


@dataclass(frozen=True)
class RemoteSettings:
    """`[remote]`: a language model that learning asks last; it sees masked text only, and is off by default."""

    __pydantic_config__ = _STRICT
    url: Annotated[
        str,
        AfterValidator(_url),
        Field(
            description="Base URL of an OpenAI-compatible server (vLLM, Ollama, llama.cpp); empty: none is asked.",
            examples=["http://localhost:11434/v1"],
        ),
    ] = ""
    model: Annotated[str, Field(description="Its name there.", examples=["qwen3:4b"])] = ""
    key: Annotated[
        str | None,
        Field(
            description="Better not here: in DIOPTRE_REMOTE_KEY, or in a file that key_file names.",
            json_schema_extra={"secret": True},
            examples=[""],
        ),
    ] = field(default=None, repr=False)
    timeout_s: Annotated[
        float, Field(gt=0, le=600, description="Seconds for one answer; beyond, the kind is asked about again later.")
    ] = 20.0
    pass_s: Annotated[
        float,
        Field(gt=0, le=600, description="Seconds of asking in one pass of learning; who is left waits for the next."),
    ] = 120.0
    calls_per_hour: Annotated[
        int, Field(ge=0, le=10_000_000, description="Calls within an hour, of one process; a server has other users.")
    ] = 600
    money_per_hour: Annotated[
        float | None,
        Field(
            gt=0,
            le=1e9,
            description="Money within an hour, by the prices below; no bound unless given.",
            examples=[1.0],
        ),
    ] = None
    price_in: Annotated[
        float, Field(ge=0, le=1e9, description="Price of a million tokens sent; 0: your own machine.")
    ] = 0.0
    price_out: Annotated[float, Field(ge=0, le=1e9, description="Price of a million tokens that come back.")] = 0.0
    examples: Annotated[
        int, Field(ge=0, le=20, description="Nearest labelled kinds shown with each question; each costs 60 tokens.")
    ] = 4
    ca_file: Annotated[
        Path | None, Field(description="Whom to trust over https; the system's unless given.", examples=["ca.pem"])
    ] = None
