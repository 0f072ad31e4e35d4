"""What a Kafka client knows of topics."""

from aiokafka import AIOKafkaConsumer


def follow_all_topics(consumer: AIOKafkaConsumer) -> None:
    """Have a started consumer without subscription know all topics at once.

    By itself it learns of a topic when it is first asked for its offsets, and waits a tenth of a second for each.
    """
    consumer.unsubscribe()
