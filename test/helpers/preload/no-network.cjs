// Loaded before a program: whatever would reach for the network fails, and is told on standard error. Nothing else is changed.
const forbidden = (what) => () => {
  process.stderr.write(`NETWORK: ${what}\n`);
  throw new Error(`the network is forbidden here: ${what}`);
};
const net = require('node:net');
const tls = require('node:tls');
const dns = require('node:dns');
const dgram = require('node:dgram');
net.Socket.prototype.connect = forbidden('connect');
tls.connect = forbidden('tls');
dgram.createSocket = forbidden('udp');
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
  dns[name] = forbidden(`dns.${name}`);
  dns.promises[name] = forbidden(`dns.promises.${name}`);
}
globalThis.fetch = forbidden('fetch');
