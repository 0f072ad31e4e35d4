"""A transport for Faust that hands an agent a whole Kafka fetch of a partition as one event."""

from faust_batches.batch import BatchSchema, FetchedBatch
from faust_batches.monitor import BatchMonitor
from faust_batches.transport import Transport

__all__ = ["BatchMonitor", "BatchSchema", "FetchedBatch", "Transport"]
