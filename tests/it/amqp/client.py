#!/usr/bin/python3
"""Somebody at a RabbitMQ, told what to do line by line: JSON on standard input, JSON on standard output.

It knows nothing of Falaj: what comes is shown as the broker gives it. A channel that the broker closes is told as
{"closed": code, "text": ...}, and the next command has a new one.
"""

import json
import ssl
import sys
import time

import pika


class Client:
    def __init__(self):
        self.parameters = None
        self.connection = None
        self.channel = None
        self.readers = {}
        self.out = {}

    def open(self, host, port, vhost, user=None, password=None, ca=None, certificate=None, key=None):
        options = {}
        if ca:
            context = ssl.create_default_context(cafile=ca)
            context.load_cert_chain(certificate, key)
            options["ssl_options"] = pika.SSLOptions(context, "localhost")
        if user is None:
            options["credentials"] = pika.credentials.ExternalCredentials()
        else:
            options["credentials"] = pika.PlainCredentials(user, password)
        self.parameters = pika.ConnectionParameters(host, port, vhost, heartbeat=30, blocked_connection_timeout=60, **options)
        self.connection = pika.BlockingConnection(self.parameters)
        return {"opened": True}

    def on(self):
        if self.channel is None or not self.channel.is_open:
            self.channel = self.connection.channel()
            self.channel.confirm_delivery()
        return self.channel

    def publish(self, exchange, key, body, properties=None, headers=None, mandatory=True):
        properties = pika.BasicProperties(delivery_mode=2, headers=headers, **(properties or {}))
        self.on().basic_publish(exchange, key, body.encode(), properties, mandatory=mandatory)
        return {"published": True}

    def get(self, queue, wait=0.0):
        """Waits for one message. By a consumer: RabbitMQ gives nothing by basic.get where one consumer at a time is active."""
        channel = self.readers.get(queue)
        if channel is None or not channel.is_open:
            channel = self.readers[queue] = self.connection.channel()
            channel.basic_qos(prefetch_count=100)
        for method, properties, body in channel.consume(queue, inactivity_timeout=wait or 0.5):
            if method is None:
                return {"message": None}
            tag = len(self.out) + 1
            self.out[tag] = (channel, method.delivery_tag)
            return {"message": message(tag, method, properties, body)}

    def ack(self, tag):
        channel, tag = self.out[tag]
        channel.basic_ack(tag)
        return {"acked": True}

    def reject(self, tag, requeue=False):
        channel, tag = self.out[tag]
        channel.basic_reject(tag, requeue=requeue)
        return {"rejected": True}

    def declare(self, queue, passive=False, arguments=None):
        found = self.on().queue_declare(queue, passive=passive, durable=True, arguments=arguments).method
        return {"messages": found.message_count, "consumers": found.consumer_count}

    def bind(self, queue, exchange, key):
        self.on().queue_bind(queue, exchange, key)
        return {"bound": True}

    def delete(self, queue):
        self.on().queue_delete(queue)
        return {"deleted": True}

    def close(self):
        self.connection.close()
        return {"closed_in_order": True}


def message(tag, method, properties, body):
    shown = {name: value for name, value in properties.__dict__.items() if value is not None and name != "headers"}
    return {
        "tag": tag,
        "key": method.routing_key,
        "redelivered": method.redelivered,
        "properties": shown,
        "headers": plain(properties.headers or {}),
        "body": body.decode(errors="replace"),
    }


def plain(value):
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def main():
    client = Client()
    for line in sys.stdin:
        command = json.loads(line)
        do = command.pop("do")
        try:
            answer = getattr(client, do)(**command)
        except (pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as closed:
            answer = {"closed": closed.reply_code, "text": closed.reply_text}
        except pika.exceptions.UnroutableError:
            answer = {"closed": 312, "text": "unroutable"}
        except pika.exceptions.NackError:
            answer = {"closed": 0, "text": "nacked"}
        except pika.exceptions.ProbableAuthenticationError:
            answer = {"closed": 403, "text": "authentication"}
        except pika.exceptions.ProbableAccessDeniedError:
            answer = {"closed": 530, "text": "access"}
        except pika.exceptions.AMQPError as error:
            answer = {"closed": -1, "text": repr(error)}
        print(json.dumps(answer), flush=True)


main()
