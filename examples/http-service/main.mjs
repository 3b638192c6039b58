// node main.mjs MODEL: settings come from the environment, a signal ends it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { loadLanguageModel } from 'skipscan';
import { createService } from './service.mjs';

/**
 * A whole number from the environment.
 *
 * @param {string} name
 * @param {number} byDefault
 */
function setting(name, byDefault) {
  const value = Number(process.env[name] ?? byDefault);
  if (!Number.isInteger(value) || value < 0) throw new Error(`Expected a whole number for ${name}.`);
  return value;
}

const source = process.argv[2];
if (source === undefined) {
  console.error('usage: node main.mjs MODEL');
  process.exit(2);
}
const limits = {
  maxStreams: setting('MAX_STREAMS', 16),
  maxBodyBytes: setting('MAX_BODY_BYTES', 256 * 1024),
  maxPromptTokens: setting('MAX_PROMPT_TOKENS', 8192),
  maxNewTokens: setting('MAX_NEW_TOKENS', 1024),
};
// Each stream has one call in the queue at a time.
const model = await loadLanguageModel(source, { maxQueue: limits.maxStreams });
if (!model.tokenizer) throw new Error(`${source} has no tokenizer, which a service of texts needs.`);

const service = createService(model, limits);
const server = createServer({ requestTimeout: 30_000 }, service.listener);
server.listen(setting('PORT', 8080), process.env.HOST ?? '127.0.0.1');
await once(server, 'listening');
const address = /** @type {import('node:net').AddressInfo} */ (server.address());
console.log(`listening on http://${address.address}:${address.port}`);

// The first signal lets what runs end, within a time; the second does not wait.
const hurry = new AbortController();
let stopping = false;
async function stop() {
  if (stopping) return hurry.abort();
  stopping = true;
  const closed = once(server.close(), 'close');
  await service.close(setting('GRACE_MS', 10_000), hurry.signal);
  server.closeAllConnections();
  await closed;
  await model.dispose();
  console.log('stopped');
}
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop);
