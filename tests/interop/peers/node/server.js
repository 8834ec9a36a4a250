// A server of Node's tls that insists on a client certificate and sends back what comes.
//
//   node server.js CERTIFICATES KEY CA 1.2|1.3

"use strict";

const fs = require("fs");
const tls = require("tls");

const [certificate, key, ca, version] = process.argv.slice(2);
const settings = {
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  ca: fs.readFileSync(ca),
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: `TLSv${version}`,
  maxVersion: `TLSv${version}`,
};

const server = tls.createServer(settings, (client) => {
  client.on("error", (error) => console.log(`ended: ${error.message}`));
  client.pipe(client);
});
server.on("tlsClientError", (error) => console.log(`refused: ${error.message}`));
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
