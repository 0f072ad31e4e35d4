"""Faust's own figures, with batches: they count records.

Faust's monitors count one message and one event for each batch. :class:`BatchMonitor` adds the batch's other records,
and says offsets as Faust does: the last one read. How long an event took stays the time that the agent had the batch.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from faust.sensors.monitor import Monitor
from faust.types import TP

from faust_batches.batch import BatchMessage

if TYPE_CHECKING:
    from faust.types import EventT, Message, StreamT


class CountsRecords(Monitor):
    """What a monitor needs to be right about batches; put it before the monitor's class."""

    def on_message_in(self, tp: TP, offset: int, message: "Message") -> None:
        """A batch reaches its first agent."""
        if not isinstance(message, BatchMessage):
            super().on_message_in(tp, offset, message)
            return
        super().on_message_in(tp, message.batch.next_offset - 1, message)
        self.add_messages_in(tp, len(message.batch) - 1)

    def on_message_out(self, tp: TP, offset: int, message: "Message") -> None:
        """The last agent is done with a batch, or it became stale."""
        super().on_message_out(tp, offset, message)
        if isinstance(message, BatchMessage):
            self.add_messages_out(len(message.batch) - 1)

    def on_stream_event_in(self, tp: TP, offset: int, stream: "StreamT[Any]", event: "EventT[Any]") -> Any:
        """An agent begins with a batch."""
        state = super().on_stream_event_in(tp, offset, stream, event)
        if isinstance(event.message, BatchMessage):
            more = len(event.message.batch) - 1
            self.add_events_in(stream, more)
            event.message.batch.when_acked(event, self._ending(tp, offset, stream, event, state, more))
        return state

    def on_stream_event_out(
        self, tp: TP, offset: int, stream: "StreamT[Any]", event: "EventT[Any]", state: Any = None
    ) -> None:
        """Streams say this of messages that they ack on their own, so never rightly of a batch."""
        if not isinstance(event.message, BatchMessage):
            super().on_stream_event_out(tp, offset, stream, event, state)

    def track_tp_end_offset(self, tp: TP, offset: int | None) -> None:
        """Note the end of a partition; Faust does not know it while a rebalance is under way."""
        if offset is not None:
            super().track_tp_end_offset(tp, offset)

    def add_messages_in(self, tp: TP, more: int) -> None:
        """Count further records of a message that was counted as one."""
        self.messages_received_total += more
        self.messages_received_by_topic[tp.topic] += more
        self.messages_active += more

    def add_messages_out(self, more: int) -> None:
        """Count further records that are done."""
        self.messages_active -= more

    def add_events_in(self, stream: "StreamT[Any]", more: int) -> None:
        """Count further records of an event that was counted as one."""
        self.events_total += more
        self.events_active += more
        self.events_by_stream[self.stream_lookup[stream]] += more
        self.events_by_task[self.task_lookup[stream.task_owner]] += more

    def add_events_out(self, more: int) -> None:
        """Count further records that an agent is done with."""
        self.events_active -= more

    def _ending(
        self, tp: TP, offset: int, stream: "StreamT[Any]", event: "EventT[Any]", state: Any, more: int
    ) -> Callable[[], None]:
        event_out = super().on_stream_event_out

        def end() -> None:
            event_out(tp, offset, stream, event, state)
            self.add_events_out(more)

        return end


class BatchMonitor(CountsRecords, Monitor):
    """Faust's monitor for applications with batch topics: ``faust.App(..., Monitor=BatchMonitor)``."""
