"""kafka-python behind the operations of program-client.ts."""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from loop import answer_all, from_record, to_bytes, to_headers

WAIT_SECONDS = 60
ACKS = {0: 0, 1: 1, -1: "all"}


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin_client = None

    def admin(self):
        if self.admin_client is None:
            self.admin_client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        return self.admin_client

    def produce(self, topic, codec, acks, idempotent, records):
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks=ACKS[acks],
            enable_idempotence=idempotent,
            compression_type=None if codec == "none" else codec,
            linger_ms=5,
            max_request_size=8 * 1024 * 1024,
        )
        try:
            sent = [
                producer.send(
                    topic,
                    value=to_bytes(record["value"]),
                    key=to_bytes(record["key"]),
                    headers=to_headers(record["headers"]),
                    partition=record["partition"],
                    timestamp_ms=record["timestamp"],
                )
                for record in records
            ]
            producer.flush(timeout=WAIT_SECONDS)
            placed = [future.get(timeout=WAIT_SECONDS).offset for future in sent]
            return [None if offset < 0 else offset for offset in placed]
        finally:
            producer.close()

    def consume(self, topic, partitions, count):
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        try:
            consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
            consumer.seek_to_beginning()
            records = []
            deadline = time.monotonic() + WAIT_SECONDS
            while len(records) < count and time.monotonic() < deadline:
                records += self.poll(consumer, 500)
            return records
        finally:
            consumer.close()

    def group(self, topic, group, partitions, first, more):
        members = [self.member(group, topic)]
        try:
            outcome = {"split": [], "first": [], "second": []}
            deadline = time.monotonic() + WAIT_SECONDS
            while len(members[0].assignment()) < partitions or len(outcome["first"]) < first:
                outcome["first"] += self.poll(members[0], 200)
                check(deadline, "the first member reads")
            outcome["alone"] = sorted(part.partition for part in members[0].assignment())
            members[0].commit()
            if more:
                members.append(self.member(group, topic))
                self.share(members, partitions, more, topic, outcome)
            places = [TopicPartition(topic, partition) for partition in range(partitions)]
            outcome["committed"] = [members[0].committed(place) or 0 for place in places]
            return outcome
        finally:
            for member in members:
                member.close()

    def share(self, members, partitions, more, topic, outcome):
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            for member in members:
                outcome["second"] += self.poll(member, 200)
            shares = [sorted(part.partition for part in member.assignment()) for member in members]
            if all(shares) and sum(map(len, shares)) == partitions:
                break
            check(deadline, "both members have a share")
        outcome["split"] = shares
        self.produce(topic, "none", -1, False, more)
        while len(outcome["second"]) < len(more):
            for member in members:
                outcome["second"] += self.poll(member, 200)
            check(deadline, "both members read")
        for member in members:
            member.commit()

    def member(self, group, topic):
        return KafkaConsumer(
            topic,
            bootstrap_servers=self.bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=500,
        )

    def poll(self, consumer, timeout_ms):
        return [
            from_record(got.partition, got.offset, got.timestamp, got.key, got.value, got.headers)
            for batch in consumer.poll(timeout_ms=timeout_ms).values()
            for got in batch
        ]

    def createTopic(self, topic, partitions, configs):
        options = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
        self.admin().create_topics({topic: options})

    def deleteTopic(self, topic):
        self.admin().delete_topics([topic])

    def listTopics(self):
        return self.admin().list_topics()

    def partitionCount(self, topic):
        return len(self.admin().describe_topics([topic])[0]["partitions"])

    def createPartitions(self, topic, total):
        self.admin().create_partitions({topic: total})

    def topicConfigs(self, topic):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self.admin().describe_configs([resource], config_filter="all")["topic"][topic]
        return {name: config["value"] for name, config in found.items()}

    def alterTopicConfigs(self, topic, configs):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)
        result = self.admin().alter_configs([resource])["topic"][topic]
        if isinstance(result, Exception) or (isinstance(result, type) and getattr(result, "errno", 0)):
            raise result

    def offset(self, topic, partition, at):
        place = TopicPartition(topic, partition)
        time_ms = {"earliest": -2, "latest": -1}.get(at, at)
        return self.admin().list_partition_offsets({place: time_ms})[place].offset


def check(deadline, what):
    if time.monotonic() > deadline:
        raise TimeoutError(f"waited {WAIT_SECONDS} s until {what}")


answer_all(Client(sys.argv[1]), lambda error: getattr(error, "errno", None))
