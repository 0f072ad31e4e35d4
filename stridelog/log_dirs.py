"""How many bytes topics take on the brokers' disks: Kafka's DescribeLogDirs, which aiokafka does not have yet."""

import asyncio
import logging
from collections import Counter
from typing import Any, Final

from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Int64, Schema, String

log = logging.getLogger(__name__)

API_KEY = 35
_TRIES: Final = 10
_BETWEEN_S: Final = 0.1


class DescribeLogDirsResponse_v1(Response):  # type: ignore[misc]  # noqa: N801 - named as aiokafka does
    """Sizes by folder, topic and partition."""

    API_KEY = API_KEY
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            Array(
                ("error_code", Int16),
                ("log_dir", String("utf-8")),
                (
                    "topics",
                    Array(
                        ("name", String("utf-8")),
                        (
                            "partitions",
                            Array(("partition", Int32), ("size", Int64), ("lag", Int64), ("future", Boolean)),
                        ),
                    ),
                ),
            ),
        ),
    )


class DescribeLogDirsRequest_v1(RequestStruct):  # type: ignore[misc]  # noqa: N801
    """Asks for all topics when ``topics`` is None."""

    API_KEY = API_KEY
    API_VERSION = 1
    RESPONSE_TYPE = DescribeLogDirsResponse_v1
    SCHEMA = Schema(("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))))


class DescribeLogDirsRequest(Request[DescribeLogDirsRequest_v1]):  # type: ignore[misc]
    """The request in the only version that we speak; Kafka 1.0 to 4.x answer it."""

    API_KEY = API_KEY

    def build(self, request_struct_class: type[DescribeLogDirsRequest_v1]) -> DescribeLogDirsRequest_v1:
        """All topics of the broker."""
        return request_struct_class(None)


async def bytes_by_topic(admin: Any) -> Counter[str] | None:
    """Bytes on disk of every topic, replicas included. ``admin`` is a started ``AIOKafkaAdminClient``.

    ``None`` where a broker cannot say, as in a file system whose mount point it does not find.
    """
    sizes: Counter[str] = Counter()
    for broker in (await admin.describe_cluster())["brokers"]:
        folders = await _folders(admin, broker["node_id"])
        if folders is None:
            return None
        for _folder, topics in folders:
            for name, partitions in topics:
                sizes[name] += sum(size for _partition, size, _lag, _future in partitions)
    return sizes


async def _folders(admin: Any, node: int) -> list[tuple[str, Any]] | None:
    """A broker's folders and what is in them. It fails while files of a deleted topic go away: asked again then."""
    for _ in range(_TRIES):
        response = await admin._send_request_to_node(node, DescribeLogDirsRequest())
        errors = [error for error, _folder, _topics in response.results if error]
        if not errors:
            return [(folder, topics) for _error, folder, topics in response.results]
        await asyncio.sleep(_BETWEEN_S)
    log.warning(
        "broker %d cannot say how large its topics are (%s): its log has the reason", node, for_code(errors[0]).__name__
    )
    return None
