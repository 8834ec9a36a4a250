#!/usr/bin/env node
// Node's tls, as its documentation shows it.
"use strict";

const fs = require("fs");
const path = require("path");
const tls = require("tls");

const headerSize = 16;
const bufferSize = 64 << 10;
const zeroes = Buffer.alloc(bufferSize);

function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at > 0 ? process.argv[at + 1] : otherwise;
}

// One connection: reads commands and does what they say.
class Session {
  constructor(socket) {
    this.socket = socket;
    this.waiting = Buffer.alloc(0);
    this.uploading = 0;
    this.echoing = false;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.take(data));
    socket.on("error", () => socket.destroy());
  }

  take(data) {
    if (this.echoing) {
      this.socket.write(data);
    } else if (this.uploading > 0) {
      this.uploading -= data.length;
      if (this.uploading <= 0) this.socket.write("y");
    } else {
      this.command(data);
    }
  }

  command(data) {
    this.waiting = Buffer.concat([this.waiting, data]);
    if (this.waiting.length < headerSize) return;
    const rest = this.waiting.subarray(headerSize);
    const work = String.fromCharCode(this.waiting[0]);
    const size = this.waiting.readUInt32LE(4);
    const count = Number(this.waiting.readBigUInt64LE(8));
    this.waiting = Buffer.alloc(0);
    if (work === "E") this.echoing = true;
    if (work === "U") this.uploading = count;
    if (work === "I") this.socket.write("y");
    if (work === "D") this.give(count, (left) => Math.min(size, left));
    if (work === "S" || work === "V") this.give(count * size, () => size);
    if (rest.length > 0) this.take(rest);
  }

  give(left, next) {
    while (left > 0) {
      const size = next(left);
      left -= size;
      if (!this.socket.write(zeroes.subarray(0, size))) {
        if (left > 0) this.socket.once("drain", () => this.give(left, next));
        return;
      }
    }
  }
}

const folder = option("--dir");
if (folder === undefined) {
  console.error("usage: server.js --dir CERTDIR");
  process.exit(2);
}
const read = (name) => fs.readFileSync(path.join(folder, name));
const server = tls.createServer(
  { cert: read("server.pem"), key: read("server.key"), ca: read("ca.pem"), requestCert: true, rejectUnauthorized: true },
  (socket) => new Session(socket),
);
server.on("tlsClientError", () => {});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => console.log(`port ${server.address().port}`));
