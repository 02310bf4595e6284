"""confluent-kafka (librdkafka) behind the operations of program-client.ts."""

import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

from loop import answer_all, from_record, to_bytes, to_headers

WAIT_SECONDS = 60


class Client:
    def __init__(self, bootstrap):
        self.common = {"bootstrap.servers": bootstrap, "broker.address.family": "v4"}
        self.admin_client = None

    def admin(self):
        if self.admin_client is None:
            self.admin_client = AdminClient(self.common)
        return self.admin_client

    def produce(self, topic, codec, acks, idempotent, records):
        settings = {
            "acks": acks,
            "enable.idempotence": idempotent,
            "compression.type": codec,
            "linger.ms": 5,
            "message.max.bytes": 8 * 1024 * 1024,
            "queue.buffering.max.messages": 1_000_000,
        }
        producer = Producer({**self.common, **settings})
        placed = [None] * len(records)
        failed = []

        def delivered(index):
            def tell(error, message):
                if error is not None:
                    failed.append(error)
                elif acks != 0 and message.offset() >= 0:
                    placed[index] = message.offset()

            return tell

        for index, record in enumerate(records):
            extra = {} if record["timestamp"] is None else {"timestamp": record["timestamp"]}
            producer.produce(
                topic,
                value=to_bytes(record["value"]),
                key=to_bytes(record["key"]),
                headers=to_headers(record["headers"]),
                partition=record["partition"],
                on_delivery=delivered(index),
                **extra,
            )
            producer.poll(0)
        left = producer.flush(WAIT_SECONDS)
        if failed:
            raise KafkaException(failed[0])
        if left:
            raise TimeoutError(f"{left} records were not sent within {WAIT_SECONDS} s")
        return placed

    def consume(self, topic, partitions, count):
        settings = {"group.id": "not-used", "enable.auto.commit": False, "auto.offset.reset": "error"}
        consumer = Consumer({**self.common, **settings})
        try:
            consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
            records = []
            deadline = time.monotonic() + WAIT_SECONDS
            while len(records) < count and time.monotonic() < deadline:
                records += self.poll(consumer, 0.5)
            return records
        finally:
            consumer.close()

    def group(self, topic, group, partitions, first, more):
        members = [self.member(group, topic)]
        try:
            outcome = {"split": [], "first": [], "second": []}
            deadline = time.monotonic() + WAIT_SECONDS
            while len(members[0].assignment()) < partitions or len(outcome["first"]) < first:
                outcome["first"] += self.poll(members[0], 0.2)
                check(deadline, "the first member reads")
            outcome["alone"] = sorted(part.partition for part in members[0].assignment())
            commit(members[0])
            if more:
                members.append(self.member(group, topic))
                self.share(members, partitions, more, topic, outcome)
            places = [TopicPartition(topic, partition) for partition in range(partitions)]
            committed = members[0].committed(places, timeout=10)
            outcome["committed"] = [max(place.offset, 0) for place in committed]
            return outcome
        finally:
            for member in members:
                member.close()

    def share(self, members, partitions, more, topic, outcome):
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            for member in members:
                outcome["second"] += self.poll(member, 0.2)
            shares = [sorted(part.partition for part in member.assignment()) for member in members]
            if all(shares) and sum(map(len, shares)) == partitions:
                break
            check(deadline, "both members have a share")
        outcome["split"] = shares
        self.produce(topic, "none", -1, False, more)
        while len(outcome["second"]) < len(more):
            for member in members:
                outcome["second"] += self.poll(member, 0.2)
            check(deadline, "both members read")
        for member in members:
            commit(member)

    def member(self, group, topic):
        settings = {
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 500,
        }
        consumer = Consumer({**self.common, **settings})
        consumer.subscribe([topic])
        return consumer

    def poll(self, consumer, timeout_seconds):
        records = []
        for got in consumer.consume(1000, timeout_seconds):
            if got.error() is not None:
                raise KafkaException(got.error())
            _, timestamp = got.timestamp()
            records.append(
                from_record(got.partition(), got.offset(), timestamp, got.key(), got.value(), got.headers())
            )
        return records

    def createTopic(self, topic, partitions, configs):
        wanted = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=configs)
        self.admin().create_topics([wanted])[topic].result(WAIT_SECONDS)

    def deleteTopic(self, topic):
        self.admin().delete_topics([topic])[topic].result(WAIT_SECONDS)

    def listTopics(self):
        return list(self.admin().list_topics(timeout=WAIT_SECONDS).topics)

    def partitionCount(self, topic):
        found = self.admin().list_topics(topic, timeout=WAIT_SECONDS).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        return len(found.partitions)

    def createPartitions(self, topic, total):
        self.admin().create_partitions([NewPartitions(topic, total)])[topic].result(WAIT_SECONDS)

    def topicConfigs(self, topic):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        found = self.admin().describe_configs([resource])[resource].result(WAIT_SECONDS)
        return {name: entry.value for name, entry in found.items()}

    def alterTopicConfigs(self, topic, configs):
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in configs.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        self.admin().incremental_alter_configs([resource])[resource].result(WAIT_SECONDS)

    def offset(self, topic, partition, at):
        place = TopicPartition(topic, partition)
        named = {"earliest": OffsetSpec.earliest, "latest": OffsetSpec.latest}
        spec = named[at]() if at in named else OffsetSpec.for_timestamp(at)
        return self.admin().list_offsets({place: spec})[place].result(WAIT_SECONDS).offset


def commit(member):
    try:
        member.commit(asynchronous=False)
    except KafkaException as error:
        # A member that read nothing since its last commit has nothing to commit.
        if error.args[0].name() != "_NO_OFFSET":
            raise


def check(deadline, what):
    if time.monotonic() > deadline:
        raise TimeoutError(f"waited {WAIT_SECONDS} s until {what}")


def code_of(error):
    return error.args[0].code() if isinstance(error, KafkaException) else None


answer_all(Client(sys.argv[1]), code_of)
