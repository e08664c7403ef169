// The real binary over a town of agencies whose servers stand in this process and do as they are told.
//
// A town that is torn down takes its process and its folder with it. Nothing is waited for by sleeping for a fixed time: `until` asks again and
// again, with a bound.

import { spawn } from "node:child_process";
import { cp, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { AGENCIES, KEYS, SOURCE, TYPES, write } from "./deployment.mjs";

export { AGENCIES, KEYS, TYPES };

/** How long anything is waited for. Generous: two busy cores. */
export const PATIENCE_MS = 60_000;

/** Asks until there is an answer that is not false. */
export async function until(what, ask, patience = PATIENCE_MS) {
  const begun = Date.now();
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() - begun > patience) throw new Error(`waited ${patience / 1000} s in vain: ${what}`);
    await new Promise((go) => setTimeout(go, 40));
  }
}

let hosts = 0;
/** An address of this machine that nobody else uses: a port of it stays free for whoever left it, and refuses meanwhile. */
export function host() {
  hosts += 1;
  return `127.${1 + (hosts % 254)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
}

/** An agency's server: it answers by `react`, and may be closed and opened again. */
class Desk {
  constructor(id) {
    this.id = id;
    this.seen = [];
    this.held = [];
    this.react = () => ({ status: 200 });
    this.host = host();
    this.port = 0;
  }

  async open() {
    this.server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => { body += piece; });
      request.on("end", () => {
        const event = JSON.parse(body);
        const nth = this.seen.filter((one) => one.id === event.id).push(event);
        this.seen.push(event);
        const { status, text, hold } = this.react(event, nth);
        const answer = () => response.writeHead(status ?? 200, { "content-type": "application/json" }).end(text ?? "");
        if (hold) this.held.push(answer); else answer();
      });
    });
    await new Promise((done, failed) => this.server.once("error", failed).listen(this.port, this.host, done));
    this.port = this.server.address().port;
  }

  async close() {
    const { server } = this;
    this.server = null;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }

  /** Answers what is held, and holds nothing any more. */
  release() {
    this.react = () => ({ status: 200 });
    for (const answer of this.held.splice(0)) answer();
  }
}

const towns = new Set();
process.on("exit", () => { for (const town of towns) town.child?.kill("SIGKILL"); });
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(1));

export class Town {
  /** Opens a town: with these agencies, over a copy of this ledger or a new one. */
  static async open({ agencies = AGENCIES, ledger, env = {} } = {}) {
    const town = new Town();
    towns.add(town);
    town.root = await mkdtemp(join(tmpdir(), "falaj-browser-"));
    town.env = env;
    town.desks = {};
    const urls = {};
    for (const id of Object.keys(agencies)) {
      const desk = new Desk(id);
      await desk.open();
      town.desks[id] = desk;
      urls[id] = `http://${desk.host}:${desk.port}/falaj`;
    }
    await write(town.root, { agencies, urls });
    if (ledger) await cp(ledger, join(town.root, "data"), { recursive: true });
    return town;
  }

  /** Starts the bus and waits until it listens. */
  async start() {
    const binary = process.env.FALAJ_BIN ?? fileURLToPath(new URL("../../../target/debug/falaj", import.meta.url));
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("FALAJ_")));
    const log = await open(join(this.root, "log.jsonl"), "a");
    this.child = spawn(binary, ["serve", "--listen", this.listen ?? "127.0.0.1:0", "--config", join(this.root, "falaj.toml"), "--data", join(this.root, "data")],
      { cwd: this.root, env: { ...clean, ...this.env }, stdio: ["ignore", "pipe", log.fd] });
    this.ended = new Promise((done) => this.child.once("exit", (code, signal) => { this.left = code ?? signal; done(); }));
    let out = "";
    this.child.stdout.on("data", (piece) => { out += piece; });
    const ready = () => /listening on (\S+)/.exec(out)?.[1];
    await until("the bus listens", async () => {
      if (this.left !== undefined) throw new Error(`the bus ended with ${this.left}:\n${await readFile(join(this.root, "log.jsonl"), "utf8")}`);
      return ready();
    });
    await log.close();
    this.base = ready().replace(/\/$/, "");
    return this;
  }

  /** Kills the bus as a power cut would; its ledger stays. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async tear() {
    towns.delete(this);
    if (this.child && this.left === undefined) await this.kill();
    for (const desk of Object.values(this.desks)) await desk.close();
    const log = await readFile(join(this.root, "log.jsonl"), "utf8");
    await rm(this.root, { recursive: true, force: true });
    if (log.includes("panicked at")) throw new Error(`the bus panicked:\n${log.split("\n").filter((line) => line.includes("panicked")).join("\n")}`);
  }

  /** Calls the interface as the holder of a key. */
  async call(who, method, path, body, type = "application/json") {
    const response = await fetch(this.base + path, {
      method,
      headers: { authorization: `Bearer ${KEYS[who].key}`, ...(body === undefined ? {} : { "content-type": type }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const answer = text && response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return answer;
  }

  /** Posts an envelope about a person, and returns its receipt. */
  async post(subject, { type = "moved", id = randomUUID(), correlationid } = {}) {
    const data = type === "moved" ? { qid: subject, address: { zone: 66, street: "شارع الكورنيش" } } : { qid: subject, name: "نورة" };
    const event = { specversion: "1.0", id, source: SOURCE, type: TYPES[type].id, subject, time: new Date().toISOString(), data };
    if (correlationid) event.correlationid = correlationid;
    return this.call("portal", "POST", "/v1/envelopes", event, "application/cloudevents+json");
  }

  async status(id) {
    return this.call("admin", "GET", `/v1/envelopes/${id}`);
  }

  /** The delivery of an envelope to an agency, once it stands like this. */
  async stands(id, agency, ...states) {
    return until(`the delivery of ${id} to ${agency} is ${states}`, async () => {
      const delivery = (await this.status(id)).deliveries.filter((one) => one.agency === agency).at(-1);
      return [delivery.state, delivery.waiting?.reason].some((state) => states.includes(state)) && delivery;
    });
  }

  /** An agency's queue, once it is so. */
  async queue(agency, is = () => true) {
    return until(`the queue of ${agency} is as expected`, async () => {
      const queue = await this.call("admin", "GET", `/v1/agencies/${agency}`);
      return is(queue) && queue;
    });
  }
}
