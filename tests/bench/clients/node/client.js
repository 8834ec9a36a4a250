#!/usr/bin/env node
// Node's tls, as its documentation shows it. clients/crowd.h lists the orders, clients/plan.h tells what is said.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const tls = require("tls");

const bufferSize = 64 << 10;
const openedAtOnce = 64;

function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at > 0 ? process.argv[at + 1] : otherwise;
}

function fail(error) {
  console.error(String(error));
  process.exit(1);
}

const folder = option("--dir");
const port = Number(option("--port"));
const strict = option("--strict") === "1";
const read = (name) => fs.readFileSync(path.join(folder, name));
const secureContext = tls.createSecureContext({ cert: read("client.pem"), key: read("client.key"), ca: read("ca.pem") });
const sessions = [];

// That of servers/pattern.h, twice.
const pattern = Buffer.alloc(2 * bufferSize);
for (let i = 0; i < pattern.length; ++i) {
  const at = i % bufferSize;
  pattern[i] = at + 3 * (at >> 8);
}

function command(work, size, count) {
  const wire = Buffer.alloc(16);
  wire.write(work, 0, "latin1");
  wire.writeUInt32LE(size, 4);
  wire.writeBigUInt64LE(BigInt(count), 8);
  return wire;
}

function connect(resume) {
  const session = resume ? sessions.pop() : undefined;
  const socket = tls.connect({ host: "127.0.0.1", port, servername: "localhost", secureContext, session });
  socket.setNoDelay(true);
  socket.on("error", fail);
  if (resume) socket.on("session", (given) => sessions.push(given));
  return socket;
}

// One connection.
class Peer {
  constructor(opened) {
    this.sent = this.received = this.left = 0;
    this.socket = connect(false);
    this.socket.on("data", (data) => this.take(data));
    this.socket.on("secureConnect", opened);
  }

  talk(job, done) {
    this.job = job;
    this.done = done;
    this.left = job.expected;
    if (!job.goesOn) this.sent = this.received = 0;
    this.socket.cork();
    if (job.command) this.socket.write(job.command);
    for (let i = 0; i < job.writes; ++i) {
      const at = this.sent % bufferSize;
      this.socket.write(pattern.subarray(at, at + job.size));
      this.sent += job.size;
    }
    this.socket.uncork();
  }

  take(data) {
    if (data.length > this.left) fail("more came than was asked for");
    if (!this.fits(data)) fail("something else came than was sent");
    this.received += data.length;
    this.left -= data.length;
    if (this.left === 0) this.done();
  }

  fits(data) {
    if (!this.job.patterned) return data[0] === 121;
    const at = this.received % bufferSize;
    if (strict) return pattern.compare(data, 0, data.length, at, at + data.length) === 0;
    return pattern[at] === data[0] && pattern[at + data.length - 1] === data[data.length - 1];
  }
}

let peers = [];

function open(count, work) {
  const job = { command: command(work, 0, 0), size: 1, writes: work === "E" ? 1 : 0, expected: 1, patterned: work === "E" };
  return new Promise((resolve) => {
    let begun = 0;
    let ended = 0;
    const next = () => {
      if (ended === count) resolve(count);
      if (begun === count) return;
      ++begun;
      const peer = new Peer(() => peer.talk(job, () => (++ended, next())));
      peers.push(peer);
    };
    for (let i = 0; i < Math.min(count, openedAtOnce); ++i) next();
  });
}

function talk(job, ms) {
  const end = performance.now() + ms;
  return Promise.all(
    peers.map(
      (peer) =>
        new Promise((resolve) => {
          let operations = 0;
          const done = () => {
            operations += job.operations;
            if (performance.now() < end) peer.talk(job, done);
            else resolve(operations);
          };
          peer.talk(job, done);
        }),
    ),
  ).then((all) => all.reduce((sum, each) => sum + each, 0));
}

function shakeHands(resume, pending, ms, limit) {
  const end = performance.now() + ms;
  let begun = 0;
  let operations = 0;
  return new Promise((resolve) => {
    let active = pending;
    const next = () => {
      if ((ms !== 0 && performance.now() >= end) || (limit !== 0 && begun === limit)) {
        if (--active === 0) resolve(operations);
        return;
      }
      ++begun;
      const socket = connect(resume);
      socket.on("secureConnect", () => socket.end());
      socket.resume();
      socket.on("close", () => (++operations, next()));
    };
    for (let i = 0; i < pending; ++i) next();
  });
}

async function obey(line) {
  const [order, first, second, third] = line.split(" ");
  const [a, b, ms] = [Number(first), Number(second), Number(third)];
  if (order === "open") return open(a, second === "echo" ? "E" : "I");
  if (order === "echo") return talk({ size: a, writes: b, expected: a * b, patterned: true, goesOn: true, operations: b }, ms);
  if (order === "upload") return talk({ command: command("U", 0, b), size: a, writes: b / a, expected: 1, operations: b }, ms);
  if (order === "download") return talk({ command: command("D", a, b), writes: 0, expected: b, patterned: true, operations: b }, ms);
  if (order === "full" || order === "resumed") return shakeHands(order === "resumed", a, b, ms);
  if (order !== "close") fail(`not an order: ${line}`);
  for (const peer of peers) peer.socket.destroy();
  peers = [];
  return 0;
}

const lines = readline.createInterface({ input: process.stdin });
let turn = Promise.resolve();
lines.on("line", (line) => {
  turn = turn.then(() => obey(line)).then((operations) => console.log(JSON.stringify({ operations })), fail);
});
lines.on("close", () => turn.then(() => process.exit(0)));
