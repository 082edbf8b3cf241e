"""What can go wrong with Kafka, in one clear line: what, where, what would be right."""

import re
from typing import Any


class KafkaError(Exception):
    """Kafka cannot do this; the message is one line, without a secret.

    Attributes:
        permanent: trying again would not help (wrong password, unknown topic, wrong setting); False: it may pass.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


_TLS = (
    (r"Hostname mismatch.*not valid for '([^']*)'|IP address mismatch.*not valid for '([^']*)'",
     "its certificate is not for this name; name the broker as its certificate does, or set check_hostname = false"),
    (r"certificate has expired|certificate is not yet valid",
     "its certificate is out of date; renew it, or set the clock"),
    (r"CERTIFICATE_VERIFY_FAILED|unknown ca",
     "its certificate is signed by nobody trusted here; set ca_file to the authority that signed it"),
    (r"CERTIFICATE_REQUIRED|certificate required|HANDSHAKE_FAILURE|BAD_CERTIFICATE|bad certificate",
     "wants a certificate that it trusts; set cert_file and key_file"),
    (r"WRONG_VERSION_NUMBER|UNEXPECTED_EOF|RECORD_LAYER_FAILURE|EOF occurred",
     "speaks no TLS at this port; name its TLS port, or set tls = false"),
)  # fmt: skip
"""What an error of OpenSSL holds -> what it means."""

_TOLD = {
    "IllegalSaslStateError": "asks for no login at this port; name its SASL port, or leave sasl_mechanism out",
    "TopicAuthorizationFailedError": "this user may not read it; grant READ and DESCRIBE on the topic",
    "GroupAuthorizationFailedError": "this user may not use the group; grant READ on the group",
    "ClusterAuthorizationFailedError": "this user may not do that; grant DESCRIBE on the cluster",
    "UnsupportedVersionError": "the broker is too old for this; Kafka 0.11 or newer is needed",
    "IncompatibleBrokerVersion": "the broker is too old for this; Kafka 0.11 or newer is needed",
    "UnrecognizedBrokerVersion": "the broker is too old for this; Kafka 0.11 or newer is needed",
    "UnsupportedCodecError": "records are compressed in a way this reader does not know; use gzip, snappy, lz4 or zstd",
    "UnsupportedCompressionTypeError": "records are compressed in a way this reader does not know; use lz4 or zstd",
    "InvalidReceiveError": "speaks another protocol at this port; does it want TLS (tls)?",
    "InvalidTopicError": "no name for a topic; use A-Z a-z 0-9 . _ -",
}
"""Errors that no second try mends, by the name of kafka-python's class."""


def told(error: BaseException, where: str, user: str | None = None) -> KafkaError:
    """Say in one line what an error of kafka-python or the system means.

    Args:
        error: what was raised.
        where: the broker, or the topic and partition.
        user: as whom the client logs in.
    """
    if isinstance(error, KafkaError):
        return error
    kind, text = type(error).__name__, " ".join(str(error).split())
    if kind == "UnsupportedSaslMechanismError":
        offered = re.search(r"Enabled mechanisms: \[([^\]]*)\]", text)
        names = offered[1].replace("'", "") if offered else "another"
        return KafkaError(f"{where}: takes no such sasl_mechanism; set it to {names}", permanent=True)
    if kind == "SaslAuthenticationFailedError":
        who = f"the login of {user!r}" if user else "the login"
        right = "check username and DIOPTRE_KAFKA_PASSWORD or password_file" if user else "check DIOPTRE_KAFKA_TOKEN"
        return KafkaError(f"{where}: refused {who}; {right}", permanent=True)
    if kind in _TOLD:
        return KafkaError(f"{where}: {_TOLD[kind]}", permanent=True)
    for pattern, meaning in _TLS:
        if re.search(pattern, text):
            return KafkaError(f"{where}: {meaning}", permanent=True)
    return KafkaError(f"{where}: {_passing(kind, text)}")


def _passing(kind: str, text: str) -> str:
    """Say what failed that may be better next time."""
    if "ECONNREFUSED" in text or "Connection refused" in text:
        return "nobody listens there; start the broker, or mend brokers"
    if "DNS" in text:
        return "no host has this name; mend brokers, or the name service"
    if "CorruptRecord" in kind:
        return f"a record was damaged on its way or on the broker's disk ({text}); it is fetched again"
    if "disconnected" in text or "Connection reset" in text or "ECONNRESET" in text:
        return "hung up; does it want TLS (tls), or a login (sasl_mechanism)?"
    if "imeout" in kind or "timed out" in text.lower() or "NodeNotReady" in kind or "NoBrokers" in kind:
        return "no answer in time; see that the broker runs and can be reached"
    return f"{kind}: {text}" if text else kind


def config_error(error: Any) -> KafkaError:
    """Tell of a setting that kafka-python refused; its words name the setting."""
    return KafkaError(f"client: {' '.join(str(error).split())}; mend the setting it names", permanent=True)
