"""Writes numbered records with confluent-kafka: idempotent, five requests in flight. Ends upon a line on its input.

Prints "ack PARTITION OFFSET NUMBER" for each acknowledged record, "failed TEXT" for each other, and "sent COUNT" at last.
"""

import sys
import threading
import time

from confluent_kafka import KafkaException, Producer

bootstrap, topic, name, partitions = sys.argv[1:5]
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "linger.ms": 2,
        "batch.num.messages": 20,
        "retry.backoff.ms": 50,
        "retry.backoff.max.ms": 300,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 300,
        "socket.timeout.ms": 10_000,
        "message.timeout.ms": 120_000,
    }
)
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stopped.set()), daemon=True).start()


def delivered(number):
    def report(error, message):
        if error is None:
            print("ack", message.partition(), message.offset(), number)
        else:
            print("failed", error)

    return report


number = 0
while not stopped.is_set():
    for _ in range(40):
        value = f"{name} {number} {'.' * (number % 97)}"
        try:
            producer.produce(topic, value, partition=number % int(partitions), on_delivery=delivered(number))
        except (BufferError, KafkaException) as error:
            print("refused", error)
            break
        number += 1
    producer.poll(0)
    # Many batches wait in line while nobody answers, but not without bound.
    while len(producer) > 2_000 and not stopped.is_set():
        producer.poll(0.05)
    time.sleep(0.02)
    sys.stdout.flush()
producer.flush(60)
print("sent", number)
