#!/usr/bin/python3
"""Reads a queue for as long as it lives, through lost connections, and acknowledges each message after it has written it down: a
line of JSON on standard output.

    reader.py URL QUEUE PREFETCH
"""

import json
import sys
import time

import pika


def main():
    url, queue, prefetch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.blocked_connection_timeout = 10
    while True:
        try:
            connection = pika.BlockingConnection(parameters)
            channel = connection.channel()
            channel.basic_qos(prefetch_count=prefetch)
            for method, properties, body in channel.consume(queue):
                headers, event = properties.headers or {}, json.loads(body)
                line = {
                    "message_id": properties.message_id, "sequence": headers["falaj-sequence"],
                    "subject": event["subject"], "event_id": event["id"],
                }
                print(json.dumps(line), flush=True)
                channel.basic_ack(method.delivery_tag)
        except (pika.exceptions.AMQPError, OSError):
            time.sleep(0.2)


main()
