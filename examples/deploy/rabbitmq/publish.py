#!/usr/bin/env python3
"""Publishes envelopes to Falaj over RabbitMQ and shows what Falaj answers. Needs pika (Debian: python3-pika).

    AMQP_URL=amqp://moi:password@broker.example:5672/falaj AGENCY=moi python3 publish.py event.json ...

Each file holds one CloudEvent. `--binary` sends its attributes as headers and its data as the body; the answer is the same.
Exit status 0: all accepted, 1: at least one was refused, or nothing was heard of it.

What every sender must do: set user_id (RabbitMQ compares it with the connection), publish persistent and mandatory with
confirms, and send again, unchanged, whatever was not answered: the same source and id is the same envelope.
"""

import json
import os
import sys

import pika

from consumer import parameters, user

AGENCY = os.environ["AGENCY"]
REPLIES = "falaj.reply." + AGENCY
# How long an answer may take.
WAIT_S = float(os.environ.get("WAIT_S", "30"))


def message(event, binary, sender):
    """Properties and body of one event."""
    common = dict(
        user_id=sender,
        # Answers go to the agency's own queue, whatever is written here; without it nobody is answered.
        reply_to=REPLIES,
        message_id=event["id"],
        correlation_id=event["id"],
        delivery_mode=2,
    )
    if not binary:
        return pika.BasicProperties(content_type="application/cloudevents+json", **common), json.dumps(event, ensure_ascii=False)
    attributes = {name: value for name, value in event.items() if name not in ("data", "datacontenttype")}
    headers = {"cloudEvents:" + name: value for name, value in attributes.items()}
    properties = pika.BasicProperties(content_type="application/json", headers=headers, **common)
    return properties, json.dumps(event["data"], ensure_ascii=False)


def main():
    binary = "--binary" in sys.argv
    events = []
    for path in [argument for argument in sys.argv[1:] if argument != "--binary"]:
        with open(path, encoding="utf-8") as file:
            events.append(json.load(file))
    where = parameters()
    connection = pika.BlockingConnection(where)
    channel = connection.channel()
    channel.confirm_delivery()
    for event in events:
        properties, body = message(event, binary, user(where))
        channel.basic_publish("falaj.in", event["type"], body.encode(), properties, mandatory=True)
    wanted = {event["id"] for event in events}
    refused = False
    answers = connection.channel()
    for method, properties, body in answers.consume(REPLIES, inactivity_timeout=WAIT_S):
        if method is None:
            break
        answer = json.loads(body)
        answers.basic_ack(method.delivery_tag)
        if properties.correlation_id not in wanted:
            # Of an earlier run, or of another program of the agency's.
            continue
        wanted.discard(properties.correlation_id)
        status = properties.headers["falaj-status"]
        refused |= status >= 400
        print(status, properties.correlation_id, json.dumps(answer, ensure_ascii=False), flush=True)
        if not wanted:
            break
    for missing in sorted(wanted):
        print("no answer yet:", missing, file=sys.stderr)
    connection.close()
    sys.exit(1 if refused or wanted else 0)


if __name__ == "__main__":
    main()
