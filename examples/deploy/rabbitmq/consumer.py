#!/usr/bin/env python3
"""An agency that takes its deliveries from Falaj over RabbitMQ. Needs pika (Debian: python3-pika).

    AMQP_URL=amqp://moi:password@broker.example:5672/falaj AGENCY=moi python3 consumer.py

What every consumer must do, in any language:

1. Acknowledge only after the work is committed. What was not acknowledged comes again.
2. Drop what comes again: it has the same message_id.
3. Compare falaj-sequence within one subject: whatever is older than what is there already must not overwrite it, unless
   falaj-redrive says that a person at Falaj has asked for it.
4. Say what was done: an outcome to the exchange falaj.outcome, under your own user_id.
5. Reject (without requeue) only what cannot be read at all. It goes back to Falaj, where a person looks at it.
6. Never requeue because your own database is down: stop, wait, connect again. Every offer counts, and there are 100 of them.
"""

import json
import os
import sqlite3
import ssl
import sys
import time

import pika

AGENCY = os.environ["AGENCY"]
# To try a refusal: subjects that begin with this are refused, as a person would be whom the register does not know.
UNKNOWN = os.environ.get("UNKNOWN", "")


class Refused(Exception):
    """The register says no; the text is for the sender of the envelope."""


def register():
    """The agency's own database. What was seen stands in the same transactions as what was done."""
    database = sqlite3.connect(os.environ.get("DATABASE", AGENCY + ".sqlite"), isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS person (subject TEXT PRIMARY KEY, sequence INTEGER, data TEXT)")
    database.execute("CREATE TABLE IF NOT EXISTS seen (message_id TEXT PRIMARY KEY, outcome TEXT, reason TEXT)")
    return database


def read(properties, body):
    """Subject and data of a message in structured or binary mode. Raises ValueError where it is neither."""
    headers = properties.headers or {}
    if (properties.content_type or "").startswith("application/cloudevents+json"):
        event = json.loads(body)
        return event.get("subject"), event.get("data")
    return headers.get("cloudEvents:subject"), json.loads(body)


def apply(database, message_id, subject, sequence, redrive, data):
    """Does the work, once. Returns a word for the log, the outcome and its reason."""
    seen = database.execute("SELECT outcome, reason FROM seen WHERE message_id = ?", (message_id,)).fetchone()
    # What was refused and is sent again because a person asked for it is looked at again.
    if seen and not (redrive and seen[0] == "refused"):
        return "repeat", *seen
    outcome, reason, word = "applied", None, "applied"
    database.execute("BEGIN IMMEDIATE")
    try:
        newest = database.execute("SELECT sequence FROM person WHERE subject = ?", (subject,)).fetchone()
        if newest and newest[0] > sequence and not redrive:
            # Newer data is there: nothing is left to do.
            word = "stale"
        elif UNKNOWN and (subject or "").startswith(UNKNOWN):
            raise Refused("the register does not know this person")
        else:
            row = (subject, sequence, json.dumps(data, ensure_ascii=False))
            database.execute("INSERT OR REPLACE INTO person VALUES (?, ?, ?)", row)
    except Refused as refused:
        outcome, reason, word = "refused", str(refused), "refused"
    database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", (message_id, outcome, reason))
    database.execute("COMMIT")
    return word, outcome, reason


def parameters():
    parameters = pika.URLParameters(os.environ["AMQP_URL"])
    if "AMQP_CA" in os.environ:
        context = ssl.create_default_context(cafile=os.environ["AMQP_CA"])
        if "AMQP_CERT" in os.environ:
            context.load_cert_chain(os.environ["AMQP_CERT"], os.environ["AMQP_KEY"])
            parameters.credentials = pika.credentials.ExternalCredentials()
        parameters.ssl_options = pika.SSLOptions(context, parameters.host)
    return parameters


def user(parameters):
    """The agency's user at the broker; where a certificate signs in, its common name, which should be the agency's id."""
    return getattr(parameters.credentials, "username", AGENCY)


def consume(database):
    where = parameters()
    connection = pika.BlockingConnection(where)
    outcomes = connection.channel()
    outcomes.confirm_delivery()
    deliveries = connection.channel()
    deliveries.basic_qos(prefetch_count=20)

    def on_message(channel, method, properties, body):
        headers = properties.headers or {}
        try:
            subject, data = read(properties, body)
            message_id, sequence = properties.message_id, int(headers["falaj-sequence"])
        except (ValueError, KeyError, AttributeError):
            print("rejected", properties.message_id, flush=True)
            channel.basic_reject(method.delivery_tag, requeue=False)
            return
        redrive = bool(headers.get("falaj-redrive"))
        word, outcome, reason = apply(database, message_id, subject, sequence, redrive, data)
        report = {"delivery": headers.get("falaj-delivery", message_id), "outcome": outcome, "reason": reason}
        report = {name: value for name, value in report.items() if value is not None}
        says = pika.BasicProperties(user_id=user(where), content_type="application/json", delivery_mode=2)
        # Confirmed before the delivery is acknowledged: whoever dies in between is offered it again, and says it again.
        outcomes.basic_publish("falaj.outcome", AGENCY, json.dumps(report), says, mandatory=True)
        channel.basic_ack(method.delivery_tag)
        print(word, message_id, subject, sequence, flush=True)

    deliveries.basic_consume("falaj.out." + AGENCY, on_message)
    print("waiting for deliveries to " + AGENCY, flush=True)
    deliveries.start_consuming()


def main():
    database, wait = register(), 1
    while True:
        begun = time.monotonic()
        try:
            consume(database)
        except KeyboardInterrupt:
            return
        except (pika.exceptions.AMQPError, sqlite3.OperationalError, OSError) as error:
            # What was out goes back to the head of the queue, in its order.
            print("connecting again: " + repr(error)[:200], file=sys.stderr, flush=True)
        wait = 1 if time.monotonic() - begun > 60 else min(wait * 2, 30)
        time.sleep(wait)


if __name__ == "__main__":
    main()
