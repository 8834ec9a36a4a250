// node node_host.js ADDON LIBRARY ZOO: in turns with Node's own TLS, which must not notice either.
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');

const [, , addonPath, library, zoo] = process.argv;
const addon = { exports: {} };
process.dlopen(addon, addonPath, os.constants.dlopen.RTLD_NOW | os.constants.dlopen.RTLD_GLOBAL);
const read = (name) => fs.readFileSync(path.join(zoo, name));

function digest() {
  const hex = crypto.createHash('sha256').update('abc').digest('hex');
  assert.ok(hex.startsWith('ba7816bf'));
}

function ownEcho() {
  return new Promise((resolve, reject) => {
    const server = tls.createServer({ key: read('server-good.key'), cert: read('server-good.pem') },
      (socket) => socket.pipe(socket));
    server.on('tlsClientError', reject);
    server.listen(0, '127.0.0.1', () => {
      const socket = tls.connect({ port: server.address().port, host: '127.0.0.1',
        servername: 'localhost', ca: read('ca-root.pem') }, () => socket.write('hello'));
      socket.on('error', reject);
      socket.on('data', (data) => {
        assert.strictEqual(data.toString(), 'hello');
        socket.destroy();
        server.close(resolve);
      });
    });
  });
}

(async () => {
  for (let i = 0; i < 2; ++i) {
    assert.ok(addon.exports.echo(library, zoo), 'echo of the library');
    digest();
    await ownEcho();
  }
  console.log(`node ${process.versions.node} with ${process.versions.openssl}, ` +
    `the library with ${addon.exports.backend(library)}`);
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
