// An agency that takes its deliveries from Falaj over RabbitMQ. Needs amqplib: npm install amqplib
//
//     AMQP_URL=amqp://moi:password@broker.example:5672/falaj AGENCY=moi node consumer.js
//
// It does what consumer.py does, and says there why. Its register is a file; with a database, put what was seen into the same
// transaction as what was done.

const fs = require("node:fs");
const amqp = require("amqplib");

const agency = process.env.AGENCY;
const url = process.env.AMQP_URL;
const user = decodeURIComponent(new URL(url).username) || agency;
// To try a refusal: subjects that begin with this are refused.
const unknown = process.env.UNKNOWN || "";

/** What was seen and done, one line of JSON each, on the disk before it counts. */
class Register {
  constructor(path) {
    this.seen = new Map();
    this.newest = new Map();
    if (fs.existsSync(path)) fs.readFileSync(path, "utf8").split("\n").filter(Boolean).forEach((line) => this.take(JSON.parse(line)));
    this.file = fs.openSync(path, "a");
  }

  take(entry) {
    this.seen.set(entry.id, entry);
    if (entry.word === "applied") this.newest.set(entry.subject, entry.sequence);
  }

  write(entry) {
    fs.writeSync(this.file, JSON.stringify(entry) + "\n");
    fs.fsyncSync(this.file);
    this.take(entry);
    return entry;
  }

  apply(id, subject, sequence, redrive, data) {
    const seen = this.seen.get(id);
    // What was refused and is sent again because a person asked for it is looked at again.
    if (seen && !(redrive && seen.outcome === "refused")) return { ...seen, word: "repeat" };
    if (this.newest.get(subject) > sequence && !redrive) return this.write({ id, subject, sequence, word: "stale", outcome: "applied" });
    if (unknown && subject.startsWith(unknown)) {
      const reason = "the register does not know this person";
      return this.write({ id, subject, sequence, word: "refused", outcome: "refused", reason });
    }
    return this.write({ id, subject, sequence, word: "applied", outcome: "applied", data });
  }
}

/** Subject and data of a message in structured or binary mode; throws where it is neither. */
function read(message) {
  const data = JSON.parse(message.content.toString("utf8"));
  if ((message.properties.contentType || "").startsWith("application/cloudevents+json")) return [data.subject || "", data.data];
  return [message.properties.headers["cloudEvents:subject"] || "", data];
}

async function consume(register) {
  const connection = await amqp.connect(url);
  const ended = new Promise((resolve) => {
    connection.on("close", resolve);
    connection.on("error", (error) => console.error("the connection ended:", error.message));
  });
  const outcomes = await connection.createConfirmChannel();
  const deliveries = await connection.createChannel();
  // A channel that the broker closes ends all of it: it is connected again.
  for (const channel of [outcomes, deliveries]) channel.on("error", () => connection.close().catch(() => {}));
  await deliveries.prefetch(20);
  // One after the other: two at once would overtake each other.
  let turn = Promise.resolve();
  const work = async (message) => {
    // The broker has ended the consumer: the queue is gone.
    if (message === null) return connection.close();
    const headers = message.properties.headers || {};
    const id = message.properties.messageId;
    let subject, data;
    try {
      [subject, data] = read(message);
      if (!id || !Number.isInteger(headers["falaj-sequence"])) throw new Error("not from Falaj");
    } catch {
      console.log("rejected", id);
      return deliveries.reject(message, false);
    }
    const entry = register.apply(id, subject, headers["falaj-sequence"], headers["falaj-redrive"] === true, data);
    const report = { delivery: headers["falaj-delivery"] || id, outcome: entry.outcome, reason: entry.reason };
    const options = { userId: user, contentType: "application/json", persistent: true, mandatory: true };
    // Confirmed before the delivery is acknowledged: whoever dies in between is offered it again, and says it again.
    outcomes.publish("falaj.outcome", agency, Buffer.from(JSON.stringify(report)), options);
    await outcomes.waitForConfirms();
    deliveries.ack(message);
    console.log(entry.word, id, subject, headers["falaj-sequence"]);
  };
  await deliveries.consume("falaj.out." + agency, (message) => {
    turn = turn.then(() => work(message)).catch((error) => {
      console.error("connecting again:", error.message);
      return connection.close().catch(() => {});
    });
  });
  console.log("waiting for deliveries to " + agency);
  await ended;
}

async function main() {
  const register = new Register(process.env.REGISTER || agency + ".jsonl");
  for (let wait = 1; ; wait = Math.min(wait * 2, 30)) {
    const begun = Date.now();
    await consume(register).catch((error) => console.error("connecting again:", error.message));
    if (Date.now() - begun > 60_000) wait = 1;
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

main();
