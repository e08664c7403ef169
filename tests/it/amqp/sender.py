#!/usr/bin/python3
"""A sender that behaves as one should: it publishes the changes of each subject one after the other, and what the broker did not
confirm again, unchanged, until it does. Each confirmed id is a line on standard output.

    sender.py URL USER SUBJECTS CHANGES PAUSE_S
"""

import json
import sys
import time

import pika

TYPE, SOURCE = "qa.test.thing.changed", "urn:qa:test:pub"


def main():
    url, user, subjects, changes, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.blocked_connection_timeout = 10
    connection = channel = None
    for n in range(1, changes + 1):
        for number in range(subjects):
            subject = f"person-{number}"
            event = {
                "specversion": "1.0", "id": f"{subject}.{n}", "source": SOURCE, "type": TYPE, "subject": subject,
                "datacontenttype": "application/json", "data": {"n": n, "note": "over AMQP"},
            }
            properties = pika.BasicProperties(
                content_type="application/cloudevents+json", user_id=user, message_id=event["id"], delivery_mode=2
            )
            while True:
                try:
                    if channel is None:
                        connection = pika.BlockingConnection(parameters)
                        channel = connection.channel()
                        channel.confirm_delivery()
                    channel.basic_publish("falaj.in", TYPE, json.dumps(event).encode(), properties, mandatory=True)
                    break
                except (pika.exceptions.AMQPError, OSError):
                    channel = None
                    try:
                        connection and connection.close()
                    except (pika.exceptions.AMQPError, OSError):
                        pass
                    time.sleep(0.2)
            print(event["id"], flush=True)
            time.sleep(pause)


main()
