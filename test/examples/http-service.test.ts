import { connect } from 'node:net';
import path from 'node:path';
import { type Running, root, startExample } from '../helpers/example';

const model = path.join(root, 'models/tiny-mamba2');
const limits = {
  MAX_STREAMS: '2',
  MAX_BODY_BYTES: '4096',
  MAX_PROMPT_TOKENS: '300',
  MAX_NEW_TOKENS: '1000000',
};
type Health = {
  status: string;
  streams: number;
  queue: { running: number; waiting: number; limit: number };
  memory: { weights: number; sessions: number; process: number };
};
const running: Running[] = [];

/** A service of its own for a test that ends it, and where it is. */
async function start(environment: Record<string, string> = {}) {
  const service = startExample('http-service/main.mjs', [model], { PORT: '0', ...limits, ...environment });
  running.push(service);
  const [, url] = await service.printed(/listening on (\S+)\n/);
  const post = (body: unknown, signal?: AbortSignal) =>
    fetch(`${url}/generate`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
  const health = async () => (await fetch(`${url}/health`)).json() as Promise<Health>;
  return { ...service, url, post, health };
}

type Event = { event: string; data: Record<string, unknown> };

async function* events(response: Response): AsyncGenerator<Event> {
  let text = '';
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event, data] = text.slice(0, end).match(/^event: (\w+)\ndata: (.*)$/)!;
      yield { event, data: JSON.parse(data) };
      text = text.slice(end + 2);
    }
  }
}

async function all(response: Response): Promise<Event[]> {
  const list: Event[] = [];
  for await (const event of events(response)) list.push(event);
  return list;
}

/** Waits until something holds. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 40_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const endless = { prompt: 'The President of the', maxNewTokens: 1_000_000, temperature: 2, seed: 1 };
const short = { prompt: 'The President of the', maxNewTokens: 12 };

let shared: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  shared = await start();
});
afterAll(async () => {
  for (const { child } of running) if (child.exitCode === null) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
});
// What one test has left running must not count in the next.
beforeEach(() => until(async () => (await shared.health()).streams === 0));

test('streams tokens as events', async () => {
  const response = await shared.post(short);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const list = await all(response);
  expect(list.map(({ event }) => event)).toEqual([...Array(12).fill('token'), 'end']);
  expect(list.at(-1)!.data).toEqual({ tokens: 12 });
  for (const { data } of list.slice(0, -1)) {
    expect(data).toEqual({
      text: expect.any(String),
      token: expect.any(Number),
      logprob: expect.any(Number),
    });
  }
});

test('gives two clients at once what each would get alone', async () => {
  const other = { ...short, prompt: 'Once upon a time' };
  const alone = [await all(await shared.post(short)), await all(await shared.post(other))];
  const together = await Promise.all([short, other].map(async (body) => all(await shared.post(body))));
  expect(together).toEqual(alone);
});

test('stops generating when the client goes, and serves the next one', async () => {
  const gone = new AbortController();
  const response = await shared.post(endless, gone.signal);
  let count = 0;
  await expect(
    (async () => {
      for await (const { event } of events(response)) if (event === 'token' && ++count === 3) gone.abort();
    })(),
  ).rejects.toThrow(/abort/i);
  await until(async () => {
    const { streams, queue, memory } = await shared.health();
    return streams === 0 && queue.running === 0 && queue.waiting === 0 && memory.sessions === 0;
  });
  expect((await all(await shared.post(short))).at(-1)).toEqual({ event: 'end', data: { tokens: 12 } });
  expect(shared.output.stderr).toBe('');
});

test('refuses more generations than it may run, until one has ended', async () => {
  const stop = new AbortController();
  const streaming = await Promise.all([shared.post(endless, stop.signal), shared.post(endless, stop.signal)]);
  expect(streaming.map(({ status }) => status)).toEqual([200, 200]);
  const refused = await shared.post(short);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toEqual({ error: '2 generations are running; that is the limit.' });
  stop.abort();
  await until(async () => (await shared.post(short)).status === 200);
});

test('a client that does not read stops its generation from going on', async () => {
  const { hostname, port } = new URL(shared.url);
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify(endless);
  socket.write(`POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until(async () => (await shared.health()).streams === 1);
  // The model is at rest once the buffers between are full: nothing is generated ahead of who reads.
  let idle = 0;
  await until(async () => {
    const { running: now, waiting } = (await shared.health()).queue;
    idle = now + waiting === 0 ? idle + 1 : 0;
    return idle === 10;
  });
  socket.destroy();
}, 120_000);

test.each([
  ['a body that is not JSON', 'prompt', 400, /not JSON/],
  ['a body that is no object', 'null', 400, /needs a prompt/],
  ['no prompt', { maxNewTokens: 5 }, 400, /needs a prompt/],
  ['a number that is none', { ...short, maxNewTokens: 'many' }, 400, /maxNewTokens/],
  [
    'what the model refuses',
    { ...short, temperature: -1 },
    400,
    /Expected a finite number >= 0 for temperature/,
  ],
  ['a prompt that is too long', { prompt: 'a b c d '.repeat(200) }, 413, /tokens; at most 300/],
  ['a body that is too long', { prompt: 'x'.repeat(5000) }, 413, /more than 4096 bytes/],
])('answers %s', async (_what, body, status, message) => {
  const response = await shared.post(body);
  expect(response.status).toBe(status);
  expect(((await response.json()) as { error: string }).error).toMatch(message);
});

test('a body whose length is not announced is not read on', async () => {
  const { hostname, port } = new URL(shared.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => {
    answer += text;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // What the service has not read when it hangs up comes back as a reset.
  socket.on('error', () => {});
  socket.write('POST /generate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let i = 0; i < 5; i += 1) socket.write(`3e8\r\n${'x'.repeat(1000)}\r\n`); // and no end
  await closed;
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect((await shared.health()).status).toBe('ok');
});

test('tells other paths and methods what there is', async () => {
  expect((await fetch(`${shared.url}/`)).status).toBe(404);
  expect((await fetch(`${shared.url}/generate`)).status).toBe(405);
});

test('tells how it is', async () => {
  const health = await shared.health();
  expect(health).toMatchObject({ status: 'ok', streams: 0, queue: { running: 0, waiting: 0, limit: 2 } });
  expect(health.memory.weights).toBeGreaterThan(100_000);
  expect(health.memory.process).toBeGreaterThan(health.memory.weights);
});

test('lets what runs end when it is told to stop', async () => {
  const service = await start();
  const response = await service.post({ ...short, maxNewTokens: 60 });
  service.child.kill('SIGTERM');
  expect((await all(response)).at(-1)).toEqual({ event: 'end', data: { tokens: 60 } });
  expect(await service.ended).toBe(0);
  expect(service.output).toEqual({ stdout: expect.stringMatching(/stopped\n$/), stderr: '' });
  await expect(service.health()).rejects.toThrow();
});

test('does not wait for what does not end', async () => {
  const service = await start({ GRACE_MS: '100' });
  const response = await service.post(endless);
  service.child.kill('SIGTERM');
  const list = await all(response);
  expect(list.at(-1)).toEqual({ event: 'error', data: { message: 'The service is shutting down.' } });
  expect(await service.ended).toBe(0);
});

test('says how it is called', async () => {
  const service = startExample('http-service/main.mjs', []);
  expect(await service.ended).toBe(2);
  expect(service.output.stderr).toBe('usage: node main.mjs MODEL\n');
});
