"""What kafka-python and OpenSSL say, told in one line with what would be right."""

import pickle

import pytest
from kafka import errors as theirs

from connectors.kafka.errors import KafkaError, told

CASES = [
    (theirs.SaslAuthenticationFailedError("SaslAuthenticationFailedError: bad"), "refused the login of 'me'", True),
    (
        theirs.UnsupportedSaslMechanismError("no PLAIN. Enabled mechanisms: ['SCRAM-SHA-512']"),
        "set it to SCRAM-SHA-512",
        True,
    ),
    (theirs.IllegalSaslStateError(), "asks for no login", True),
    (theirs.TopicAuthorizationFailedError({"logs"}), "grant READ and DESCRIBE", True),
    (theirs.GroupAuthorizationFailedError("g"), "grant READ on the group", True),
    (theirs.UnsupportedCodecError("zstd"), "use gzip, snappy, lz4 or zstd", True),
    (theirs.IncompatibleBrokerVersion("x"), "Kafka 0.11 or newer", True),
    (theirs.KafkaConnectionError("111 ECONNREFUSED"), "nobody listens there", False),
    (theirs.KafkaConnectionError("DNS Resolution failure"), "no host has this name", False),
    (theirs.KafkaTimeoutError("Timed out after 10 ms"), "no answer in time", False),
    (theirs.NodeNotReadyError(1), "no answer in time", False),
    (theirs.KafkaConnectionError("socket disconnected"), "does it want TLS", False),
    (theirs.CorruptRecordError("crc"), "it is fetched again", False),
    (theirs.NotLeaderForPartitionError(), "NotLeaderForPartitionError", False),
    (
        theirs.KafkaConnectionError(
            "Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, "
            "certificate is not valid for 'localhost'. (_ssl.c:1006)"
        ),
        "check_hostname = false",
        True,
    ),
    (
        theirs.KafkaConnectionError(
            "Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate "
            "in certificate chain (_ssl.c:1006)"
        ),
        "set ca_file",
        True,
    ),
    (theirs.KafkaConnectionError("Handshake failed: [SSL: WRONG_VERSION_NUMBER] wrong version"), "speaks no TLS", True),
]


@pytest.mark.parametrize(("error", "words", "permanent"), CASES)
def test_an_error_is_told_in_one_line_with_its_place(error: Exception, words: str, permanent: bool) -> None:
    found = told(error, "kafka:9092", "me")
    assert str(found).startswith("kafka:9092: ")
    assert words in str(found)
    assert "\n" not in str(found)
    assert found.permanent is permanent


def test_our_own_error_is_told_as_it_is() -> None:
    ours = KafkaError("logs: gone", permanent=True)
    assert told(ours, "elsewhere") is ours


def test_an_error_keeps_whether_it_is_permanent_over_a_pickle() -> None:
    for permanent in (True, False):
        again = pickle.loads(pickle.dumps(KafkaError("logs: gone", permanent=permanent)))
        assert (str(again), again.permanent) == ("logs: gone", permanent)
