"""kafka-python's connections, but hearing out a broker that says why before it hangs up. Imports kafka."""

from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector


class _Patient(KafkaConnectionManager):
    """Its transports keep what came together with the end of a connection; kafka-python 3.0 throws that away.

    A broker that refuses a login says so and closes at once, so the reason was lost in two cases of three.
    """

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        receive = transport._sock_recv

        def received() -> tuple[bytes, Any]:
            data, error = receive()
            return data, None if data else error

        transport._sock_recv = received
        return transport


def client(settings: dict[str, Any]) -> Any:
    """Make a client; nothing is sent before its loop is started."""
    net = NetworkSelector(**settings)
    return KafkaNetClient(net=net, manager=_Patient(net, **settings))
