"""What can go wrong with Kafka, in one clear line: what, where, what would be right."""


class KafkaError(Exception):
    """Kafka cannot do this; the message is one line, without a secret.

    Attributes:
        permanent: trying again would not help (wrong password, unknown topic, wrong setting); False: it may pass.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
