"""How many bytes topics take on the brokers' disks: Kafka's DescribeLogDirs, which aiokafka does not have yet."""

from collections import Counter
from typing import Any

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Int64, Schema, String

API_KEY = 35


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


async def bytes_by_topic(admin: Any) -> Counter[str]:
    """Bytes on disk of every topic, replicas included. ``admin`` is a started ``AIOKafkaAdminClient``."""
    sizes: Counter[str] = Counter()
    for broker in (await admin.describe_cluster())["brokers"]:
        response = await admin._send_request_to_node(broker["node_id"], DescribeLogDirsRequest())
        for _error, _folder, topics in response.results:
            for name, partitions in topics:
                sizes[name] += sum(size for _partition, size, _lag, _future in partitions)
    return sizes
