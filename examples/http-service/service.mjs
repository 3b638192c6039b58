// The service as a request listener: what is asked for, what is refused, and how tokens are sent. main.mjs runs it.
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { SkipscanError } from 'skipscan';

/**
 * @typedef {object} Limits
 * @property {number} maxStreams generations at once; each holds a session, and more are refused with 503
 * @property {number} maxBodyBytes of a request
 * @property {number} maxPromptTokens of a prompt
 * @property {number} maxNewTokens of a generation, whatever a request asks for
 */

/** A request that is answered with a status and a sentence. */
class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * `POST /generate` streams tokens as server-sent events, `GET /health` tells how the service is.
 *
 * @param {import('skipscan').LanguageModel} model with a tokenizer
 * @param {Limits} limits
 */
export function createService(model, limits) {
  /** What stops each generation. @type {Set<AbortController>} */
  const streams = new Set();
  let closing = false;

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async function answer(request, response) {
    const { pathname } = new URL(request.url ?? '/', 'http://service');
    if (pathname === '/health' && request.method === 'GET')
      return sendJson(response, closing ? 503 : 200, health());
    if (pathname !== '/generate') throw new Refusal(404, 'There is POST /generate and GET /health.');
    if (request.method !== 'POST') throw new Refusal(405, '/generate takes POST.');
    const { prompt, options } = readRequest(await readBody(request, limits.maxBodyBytes));
    // Counted before the model is asked: a client that reads slowly holds a session, but no place in the model's queue.
    if (closing) throw new Refusal(503, 'The service is shutting down.');
    if (streams.size >= limits.maxStreams)
      throw new Refusal(503, `${streams.size} generations are running; that is the limit.`);
    const stop = new AbortController();
    streams.add(stop);
    response.once('close', () => stop.abort(new Error('The client has gone.')));
    try {
      await stream(response, prompt, options, stop.signal);
    } finally {
      streams.delete(stop);
    }
  }

  function health() {
    const { rss } = process.memoryUsage();
    const status = closing ? 'shutting down' : 'ok';
    return {
      status,
      streams: streams.size,
      queue: model.queue(),
      memory: { ...model.memory(), process: rss },
    };
  }

  /**
   * @param {import('node:http').ServerResponse} response
   * @param {string} prompt
   * @param {import('skipscan').GenerateOptions} options
   * @param {AbortSignal} signal
   */
  async function stream(response, prompt, options, signal) {
    const tokens = /** @type {import('skipscan').Tokenizer} */ (model.tokenizer).encode(prompt);
    if (tokens.length > limits.maxPromptTokens) {
      throw new Refusal(
        413,
        `The prompt has ${tokens.length} tokens; at most ${limits.maxPromptTokens} are read.`,
      );
    }
    const maxNewTokens = Math.min(options.maxNewTokens ?? 256, limits.maxNewTokens);
    const generated = model.generate(tokens, { ...options, maxNewTokens, signal });
    // The status is sent with the first token: until then the model can refuse the request.
    let next = await generated.next();
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    let count = 0;
    try {
      for (; !next.done; next = await generated.next()) {
        count += 1;
        const { text, token, logprob } = next.value;
        // As fast as the client reads: what it has not taken yet would pile up here.
        if (!send(response, 'token', { text, token, logprob })) await once(response, 'drain', { signal });
      }
      send(response, 'end', { tokens: count });
    } catch (error) {
      if (!signal.aborted) console.error(error);
      if (response.writable)
        send(response, 'error', {
          message: signal.aborted ? signal.reason.message : 'The generation failed.',
        });
    } finally {
      await generated.return();
    }
    response.end();
  }

  return {
    /** @type {import('node:http').RequestListener} */
    listener: (request, response) => {
      answer(request, response).catch((error) => refuse(response, error));
    },
    health,
    /**
     * Lets no generation begin any more and waits until those that run have ended.
     *
     * @param {number} graceMs how long they may take; then they are stopped
     * @param {AbortSignal} hurry stops them at once
     */
    async close(graceMs, hurry) {
      closing = true;
      const deadline = Date.now() + graceMs;
      while (streams.size > 0 && Date.now() < deadline && !hurry.aborted) await setTimeout(20);
      for (const stop of streams) stop.abort(new Error('The service is shutting down.'));
      while (streams.size > 0) await setTimeout(5);
    },
  };
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {number} limit
 */
async function readBody(request, limit) {
  const tooLong = () => new Refusal(413, `The request has more than ${limit} bytes.`);
  if (Number(request.headers['content-length']) > limit) throw tooLong();
  let size = 0;
  const pieces = [];
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    size += piece.length;
    if (size > limit) throw tooLong();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/**
 * The prompt and the options of a request; what their values may be is checked by the model.
 *
 * @param {string} body
 * @returns {{ prompt: string, options: import('skipscan').GenerateOptions }}
 */
function readRequest(body) {
  let json;
  try {
    json = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'The request is not JSON.');
  }
  const { prompt, maxNewTokens, temperature, topK, topP, seed, stop } = json ?? {};
  if (typeof prompt !== 'string' || prompt === '')
    throw new Refusal(400, 'The request needs a prompt, a text.');
  if (maxNewTokens !== undefined && !Number.isInteger(maxNewTokens))
    throw new Refusal(400, 'maxNewTokens is a whole number.');
  return { prompt, options: { maxNewTokens, temperature, topK, topP, seed, stop } };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {unknown} error
 */
function refuse(response, error) {
  if (response.destroyed) return; // nobody is there to be told
  const { status, message } = refusal(error);
  if (status === 500) console.error(error);
  if (status === 503) response.setHeader('Retry-After', '1');
  // What is left of the request is not read.
  response.setHeader('Connection', 'close');
  sendJson(response, status, { error: message });
}

/** @param {unknown} error */
function refusal(error) {
  if (error instanceof Refusal) return error;
  if (error instanceof SkipscanError) {
    if (error.code === 'ERR_ARGUMENT') return { status: 400, message: error.message };
    if (error.code === 'ERR_BUSY' || error.code === 'ERR_OUT_OF_MEMORY')
      return { status: 503, message: error.message };
  }
  return { status: 500, message: 'The request failed.' };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {unknown} value
 */
function sendJson(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}

/**
 * One server-sent event; false where the client has not read what came before.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {string} event
 * @param {unknown} data
 */
function send(response, event, data) {
  return response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
