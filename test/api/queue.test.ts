// Calls that wait for a model: how many may, how one learns of it, and what is never refused.
import path from 'node:path';
import type { LanguageModel } from '../../lib';
import { Random } from '../../lib/text/random';
import { loadModel, loadTestVisionModel } from '../helpers/load-model';
import { randomModel, randomTokens } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const shape = { family: 'mamba', dModel: 16, layers: 2, vocab: 40, dState: 8 } as const;
const folder = files.writeAll('model', randomModel(shape));
const tokens = randomTokens(new Random(3), 20, shape.vocab);
const long = randomTokens(new Random(4), 30_000, shape.vocab);
const vision = path.resolve(__dirname, '../../models/tiny-vim');
const picture = path.join(vision, 'samples/heart.jpg');
const busy = { name: 'SkipscanError', code: 'ERR_BUSY' };

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

/** A model that computes for a while, and whose queue is full. */
async function fullModel(): Promise<{ model: LanguageModel; ends: Promise<unknown> }> {
  const model = await loadModel(folder, { maxQueue: 1 });
  const running = model.forward(long, { logits: 'last' });
  const waiting = model.forward(tokens, { logits: 'last' });
  return { model, ends: Promise.all([running, waiting]) };
}

test('the limit is 256 unless the model is loaded with another', async () => {
  await using model = await loadModel(folder);
  expect(model.queue()).toEqual({ running: 0, waiting: 0, limit: 256 });
  for (const maxQueue of [-1, 1.5, Number.POSITIVE_INFINITY, '3' as unknown as number]) {
    await expect(loadModel(folder, { maxQueue })).rejects.toThrow(
      /^Expected a whole number of at least 0 for maxQueue but received/,
    );
  }
});

test('a full queue refuses every kind of new work, and takes it when there is room', async () => {
  const { model, ends } = await fullModel();
  await using _model = model;
  await using session = model.createSession();
  expect(model.queue()).toEqual({ running: 1, waiting: 1, limit: 1 });
  const kinds = {
    forward: () => model.forward(tokens),
    prefill: () => session.prefill(tokens),
    'first step': () => session.step(1),
    generate: () => model.generate(tokens).next(),
    score: () => model.score(tokens, [1, 2]),
    stepAll: () => model.stepAll([session], [1]),
  };
  const refused = Object.values(kinds).map((call) => expect(call()).rejects.toMatchObject(busy));
  expect(model.queue()).toEqual({ running: 1, waiting: 1, limit: 1 });
  await Promise.all(refused);
  expect(session.length).toBe(0);
  await ends;
  for (const call of Object.values(kinds)) await call();
});

test('sessions go on, save and are disposed of while new work is refused', async () => {
  const model = await loadModel(folder, { maxQueue: 1 });
  const sessions = [model.createSession(), model.createSession(), model.createSession()];
  for (const session of sessions) await session.prefill(tokens);
  const running = model.forward(long, { logits: 'last' });
  const waiting = model.forward(tokens);
  const steps = [sessions[0].step(1), model.stepAll([sessions[1]], [1]), sessions[2].save()];
  expect(model.queue()).toMatchObject({ waiting: 4 });
  // One at a time: whoever steps on without waiting is new work.
  await expect(sessions[0].step(2)).rejects.toMatchObject(busy);
  await expect(model.forward(tokens)).rejects.toMatchObject(busy);
  const disposed = sessions.map((session) => session.dispose());
  await Promise.all([running, waiting, ...steps, ...disposed, model.dispose()]);
  expect(model.queue()).toEqual({ running: 0, waiting: 0, limit: 1 });
});

test('generations that have begun end, whatever else comes', async () => {
  await using model = await loadModel(folder, { maxQueue: 2 });
  const options = { maxNewTokens: 30, ignoreEos: true };
  const alone = await all(model.generate(tokens, options));
  let refused = 0;
  const generations = Array.from({ length: 8 }, async () => {
    const generation = model.generate(tokens, options);
    try {
      return [(await generation.next()).value, ...(await all(generation))];
    } catch (error) {
      expect(error).toMatchObject(busy);
      refused += 1;
      return undefined;
    }
  });
  const results = await Promise.all(generations);
  expect(refused).toBe(5); // one ran, two waited
  for (const result of results.filter(Boolean)) expect(result).toEqual(alone);
});

test('scoring in several passes fills no queue by itself, and is not refused half-way', async () => {
  await using model = await loadModel(folder, { maxQueue: 0 });
  const alone = await model.score(tokens, [1, 2, 3]);
  const scored = model.score(tokens, [1, 2, 3]);
  await expect(model.forward(tokens)).rejects.toMatchObject(busy);
  expect(await scored).toEqual(alone);
  expect(model.queue()).toEqual({ running: 0, waiting: 0, limit: 0 });
});

test('ready() adds work as fast as it is done', async () => {
  await using model = await loadModel(folder, { maxQueue: 2 });
  const { logits } = await model.forward(tokens);
  let most = 0;
  const results = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await model.ready();
      const result = model.forward(tokens);
      most = Math.max(most, model.queue().waiting);
      return result;
    }),
  );
  expect(most).toBe(2);
  for (const result of results) expect(result.logits).toEqual(logits);
});

test('ready() ends with its signal, and with the model', async () => {
  const { model, ends } = await fullModel();
  const reason = new Error('changed my mind');
  const abort = new AbortController();
  const aborted = expect(model.ready({ signal: abort.signal })).rejects.toBe(reason);
  const disposed = expect(model.ready()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  abort.abort(reason);
  await aborted;
  const closing = model.dispose();
  await disposed;
  await Promise.all([ends, closing]);
  await expect(model.ready()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

test('an aborted call leaves the queue while another still computes', async () => {
  const { model, ends } = await fullModel();
  await using _model = model;
  await using session = model.createSession();
  const reason = new Error('changed my mind');
  const abort = new AbortController();
  await ends;
  await session.prefill(tokens);
  let ended = false;
  const running = model.forward(long, { logits: 'last' }).finally(() => {
    ended = true;
  });
  const calls = [
    model.forward(tokens, { signal: abort.signal }),
    session.step(1, { signal: abort.signal }),
  ].map((call) => expect(call).rejects.toBe(reason));
  expect(model.queue().waiting).toBe(2);
  abort.abort(reason);
  expect(model.queue().waiting).toBe(0);
  await Promise.all(calls);
  expect(ended).toBe(false);
  expect(session.length).toBe(tokens.length);
  await running;
});

test('ids may be written over while their call waits', async () => {
  await using model = await loadModel(folder);
  const wanted = await model.forward(tokens);
  const ids = Int32Array.from(tokens);
  const running = model.forward(long, { logits: 'last' });
  const waiting = model.forward(ids);
  ids.fill(0x7fffffff);
  await running;
  expect((await waiting).logits).toEqual(wanted.logits);
});

test('images wait in the queue while they are decoded', async () => {
  await using model = await loadTestVisionModel(vision, { maxQueue: 1 });
  const alone = await model.classify(picture);
  const calls = [model.classify(picture), model.classify(picture)];
  expect(model.queue()).toEqual({ running: 0, waiting: 2, limit: 1 });
  await expect(model.classify(picture)).rejects.toMatchObject(busy);
  await expect(model.features(picture)).rejects.toMatchObject(busy);
  expect(await Promise.all(calls)).toEqual([alone, alone]);
  // More images than go through the model at once, with a queue in which nothing may wait.
  await using strict = await loadTestVisionModel(vision, { maxQueue: 0 });
  expect(await strict.classify(Array(20).fill(picture))).toEqual(Array(20).fill(alone[0]));
  await strict.ready();
  await expect(strict.classify('missing.jpg')).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  expect(strict.queue()).toEqual({ running: 0, waiting: 0, limit: 0 });
});
