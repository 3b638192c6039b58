import type { LanguageModel, Session } from '../../lib';
import { Random } from '../../lib/text/random';
import { loadModel } from '../helpers/load-model';
import { randomModel, randomTokens } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const shape = { family: 'mamba2', dModel: 16, layers: 2, vocab: 40, dState: 16 } as const;
const folder = files.writeAll('model', randomModel(shape));
const tokens = randomTokens(new Random(3), 20, shape.vocab);
let model: LanguageModel;

beforeAll(async () => {
  model = await loadModel(folder);
});
afterAll(() => model.dispose());

async function prefilled(): Promise<Session> {
  const session = model.createSession();
  await session.prefill(tokens);
  return session;
}

test('a clone goes its own way', async () => {
  await using session = await prefilled();
  await using clone = session.clone();
  const wanted = await session.step(5);
  await session.step(6);
  expect(clone.length).toBe(tokens.length);
  expect(await clone.step(5)).toEqual(wanted);
});

test('clones share their memory until they go on, whichever goes first and however', async () => {
  await using one = await loadModel(folder);
  await using session = one.createSession();
  await session.prefill(tokens);
  const { sessions: alone } = one.memory();
  const wanted = session.state(1);
  const clones = Array.from({ length: 4 }, () => session.clone());
  expect(one.memory().sessions).toBe(alone);
  const [stepped, read, together, untouched] = clones;
  const after = await stepped.step(5);
  await read.prefill([5, 6, 7]);
  await one.stepAll([together, stepped], [5, 6]);
  expect(session.state(1)).toEqual(wanted);
  expect(untouched.state(1)).toEqual(wanted);
  expect(one.memory().sessions).toBe(alone * 4);
  expect(await session.step(5)).toEqual(after);
  expect(await untouched.clone().step(5)).toEqual(after);
  expect(untouched.state(1)).toEqual(wanted);
  await session.dispose();
  // Nobody else is left who holds it: it goes on in place.
  const { sessions: before } = one.memory();
  await untouched.step(5);
  expect(one.memory().sessions).toBe(before);
});

test('an aborted prefill of a clone leaves both as they were', async () => {
  await using session = await prefilled();
  await using clone = session.clone();
  const wanted = session.state(0);
  const abort = new AbortController();
  const running = clone.prefill(randomTokens(new Random(4), 200_000, shape.vocab), { signal: abort.signal });
  setTimeout(() => abort.abort(), 20);
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  expect(clone.state(0)).toEqual(wanted);
  expect(await clone.step(7)).toEqual(await session.step(7));
});

test('a saved session goes on where it was, also in a model loaded anew', async () => {
  await using session = await prefilled();
  const saved = await session.save();
  const wanted = await session.step(5);
  await using again = await loadModel(folder);
  for (const owner of [model, again]) {
    await using restored = owner.restoreSession(saved);
    await using beside = await owner.restoreSessionAsync(saved);
    for (const session of [restored, beside]) {
      expect(session.length).toBe(tokens.length);
      expect(await session.step(5)).toEqual(wanted);
    }
  }
});

test('another model’s session is refused', async () => {
  await using session = await prefilled();
  const saved = await session.save();
  const sameShape = files.writeAll('other', randomModel(shape, 2));
  await using other = await loadModel(sameShape);
  expect(() => other.restoreSession(saved)).toThrow(/^The saved session belongs to another model/);
});

test.each<[string, (saved: Uint8Array) => Uint8Array, RegExp]>([
  ['cut short', (s) => s.subarray(0, s.length - 1), /does not match its checksum/],
  [
    'one bit flipped',
    (s) => s.map((byte, i) => (i === 200 ? byte ^ 1 : byte)),
    /does not match its checksum/,
  ],
  [
    'of another version',
    (s) => s.map((byte, i) => (i === 8 ? 9 : byte)),
    /format version 9; this version of skipscan reads version 1/,
  ],
  ['empty', () => new Uint8Array(), /does not start like one/],
  ['something else', () => new Uint8Array(500), /does not start like one/],
])('a saved session that is %s is refused', async (_what, damage, message) => {
  await using session = await prefilled();
  const saved = await session.save();
  expect(() => model.restoreSession(damage(saved))).toThrow(message);
  await expect(model.restoreSessionAsync(damage(saved))).rejects.toThrow(message);
});

test('states have the documented shapes and are copies', async () => {
  await using session = await prefilled();
  const { conv, ssm } = session.state(1);
  const { convWidth, dInner, dState, heads, headDim } = model.config;
  expect(conv).toHaveLength(convWidth * (dInner + 2 * dState));
  expect(ssm).toHaveLength(heads * headDim * dState);
  const before = ssm[0];
  ssm[0] = 1e9;
  expect(session.state(1).ssm[0]).toBe(before);
  expect(() => session.state(2)).toThrow('Expected a layer from 0 to 1 but received 2.');
});

test('calls on one session keep their order, and sessions do not mix', async () => {
  await using a = await prefilled();
  await using b = await prefilled();
  const together = await Promise.all([a.step(1), b.step(2), a.step(3), b.step(4)]);
  await using c = await prefilled();
  expect(together[0]).toEqual(await c.step(1));
  expect(together[2]).toEqual(await c.step(3));
});

test('state and clone wait for nobody: they say so while a call runs', async () => {
  await using session = await prefilled();
  const running = session.prefill(tokens);
  expect(() => session.state(0)).toThrow(
    'Session.state() was called while another call on the session was running.',
  );
  expect(() => session.clone()).toThrow(
    'Session.clone() was called while another call on the session was running.',
  );
  await running;
});

test('a session that was disposed says so', async () => {
  const session = await prefilled();
  const first = session.dispose();
  expect(session.dispose()).toBe(first);
  await first;
  await expect(session.step(1)).rejects.toMatchObject({
    code: 'ERR_DISPOSED',
    message: /This session was disposed/,
  });
  await expect(session.save()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  expect(() => session.state(0)).toThrow('This session was disposed');
});

test('a model takes its sessions with it, after what is running', async () => {
  const owner = await loadModel(folder);
  const session = owner.createSession();
  const running = session.prefill(tokens);
  const first = owner.dispose();
  expect(owner.dispose()).toBe(first);
  await expect(running).resolves.toHaveLength(shape.vocab);
  await first;
  await expect(session.step(1)).rejects.toMatchObject({
    code: 'ERR_DISPOSED',
    message: /This model was disposed/,
  });
  await expect(owner.forward(tokens)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  expect(() => owner.createSession()).toThrow('This model was disposed');
  expect(() => owner.memory()).toThrow('This model was disposed');
});

describe('abort', () => {
  const reason = new Error('changed my mind');

  test('before a prefill starts', async () => {
    await using session = await prefilled();
    await expect(session.prefill(tokens, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(session.length).toBe(tokens.length);
  });

  test('while it waits for another call', async () => {
    await using session = await prefilled();
    const abort = new AbortController();
    const first = session.prefill(tokens);
    const second = session.prefill(tokens, { signal: abort.signal });
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    await first;
    expect(session.length).toBe(2 * tokens.length);
  });

  test('during a prefill: the session is as it was, and goes on', async () => {
    await using session = await prefilled();
    const before = session.state(0);
    const long = randomTokens(new Random(4), 200_000, shape.vocab);
    const abort = new AbortController();
    const running = session.prefill(long, { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 30);
    await expect(running).rejects.toBe(reason);
    expect(session.length).toBe(tokens.length);
    expect(session.state(0)).toEqual(before);
    await using fresh = await prefilled();
    expect(await session.step(7)).toEqual(await fresh.step(7));
  });

  test('during forward and generate', async () => {
    const abort = new AbortController();
    const long = randomTokens(new Random(4), 200_000, shape.vocab);
    const running = model.forward(long, { logits: 'last', signal: abort.signal });
    setTimeout(() => abort.abort(reason), 20);
    await expect(running).rejects.toBe(reason);

    const second = new AbortController();
    const seen: number[] = [];
    const generation = async () => {
      for await (const { token } of model.generate(tokens, {
        maxNewTokens: 1000,
        ignoreEos: true,
        signal: second.signal,
      })) {
        seen.push(token);
        if (seen.length === 3) second.abort(reason);
      }
    };
    await expect(generation()).rejects.toBe(reason);
    expect(seen).toHaveLength(3);
  });
});

test('the event loop turns while a model computes', async () => {
  const long = randomTokens(new Random(4), 20_000, shape.vocab);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  await model.forward(long, { logits: 'last' });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(3);
});
