import { type LanguageModel, loadLanguageModel, prune, type Session } from '../../lib';
import { Random } from '../../lib/text/random';
import { loadModel } from '../helpers/load-model';
import { randomModel, randomTokens } from '../helpers/random-model';
import { maxDifference } from '../helpers/read-tensors';
import { TemporaryDirectory } from '../helpers/temporary';
import { batchTolerance } from '../helpers/test-device';

const files = new TemporaryDirectory();
const generator = new Random(29);
const shape = { dModel: 16, layers: 3, vocab: 40, dState: 16 } as const;
const ids = (length: number) => randomTokens(generator, length, shape.vocab);

function expectSame(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(maxDifference(found, wanted)).toBeLessThanOrEqual(batchTolerance);
}

/** A session, and a second one that does the same without ever stepping with others. */
class Pair {
  constructor(
    readonly session: Session,
    readonly alone: Session,
  ) {}

  static async prefilled(model: LanguageModel, length: number, keep = 1): Promise<Pair> {
    const reduction = keep < 1 ? prune({ layers: [0], keep }) : undefined;
    const pair = new Pair(model.createSession({ reduction }), model.createSession({ reduction }));
    if (length > 0) await pair.prefill(ids(length));
    return pair;
  }

  async prefill(tokens: number[]): Promise<void> {
    expectSame(await this.session.prefill(tokens), await this.alone.prefill(tokens));
  }

  async step(): Promise<void> {
    const [token] = ids(1);
    expectSame(await this.session.step(token), await this.alone.step(token));
  }

  expectSameState(): void {
    expect(this.session.length).toBe(this.alone.length);
    for (let layer = 0; layer < shape.layers; layer += 1) {
      const [found, wanted] = [this.session.state(layer), this.alone.state(layer)];
      expectSame(found.conv, wanted.conv);
      expectSame(found.ssm, wanted.ssm);
    }
  }

  async dispose(): Promise<void> {
    await Promise.all([this.session.dispose(), this.alone.dispose()]);
  }
}

/** All step together, and each alone. */
async function stepTogether(model: LanguageModel, pairs: readonly Pair[]): Promise<void> {
  const tokens = ids(pairs.length);
  const sessions = pairs.map(({ session }) => session);
  const logits = await model.stepAll(sessions, tokens);
  expect(logits).toHaveLength(pairs.length);
  for (const [s, { alone }] of pairs.entries()) expectSame(logits[s], await alone.step(tokens[s]));
}

describe.each(['mamba', 'mamba2'] as const)('%s', (family) => {
  let model: LanguageModel;
  let a: Pair;
  let b: Pair;
  let c: Pair;
  beforeAll(async () => {
    model = await loadModel(files.writeAll(family, randomModel({ family, ...shape })));
  });
  afterAll(() => model.dispose());
  beforeEach(async () => {
    a = await Pair.prefilled(model, 12);
    b = await Pair.prefilled(model, 30, 0.5);
    c = await Pair.prefilled(model, 0);
  });
  afterEach(async () => {
    for (const pair of [a, b, c]) await pair.dispose();
  });

  test('sessions of any lengths, reduced or not, step together as each alone', async () => {
    for (let step = 0; step < 3; step += 1) await stepTogether(model, [a, b, c]);
    for (const pair of [a, b, c]) pair.expectSameState();
  });

  test('sessions change their company, go alone, read on and come back', async () => {
    for (const together of [[a, b, c], [b, a], [a, b], [b], [a, b, c]]) await stepTogether(model, together);
    await a.step();
    await a.step();
    c.expectSameState();
    await c.prefill(ids(9));
    for (const together of [
      [c, b],
      [c, b, a],
    ])
      await stepTogether(model, together);
    await b.prefill(ids(5));
    await stepTogether(model, [c, b, a]);
    for (const pair of [a, b, c]) pair.expectSameState();
  });

  test('one of a group is cloned, saved and restored like any other', async () => {
    await stepTogether(model, [a, b, c]);
    const clone = new Pair(b.session.clone(), b.alone.clone());
    const restored = new Pair(model.restoreSession(await b.session.save()), b.alone.clone());
    clone.expectSameState();
    restored.expectSameState();
    await stepTogether(model, [restored, a, clone, c]);
    await clone.step();
    b.expectSameState();
    for (const pair of [a, b, c, clone, restored]) pair.expectSameState();
    await clone.dispose();
    await restored.dispose();
  });

  test('the others go on when one of a group is disposed', async () => {
    await stepTogether(model, [a, b, c]);
    await b.dispose();
    c.expectSameState();
    await c.step();
    await stepTogether(model, [a, c]);
    for (const pair of [a, c]) pair.expectSameState();
  });

  test('more sessions than rows of a tile', async () => {
    const many = Array.from({ length: 300 }, () => a.alone.clone());
    const tokens = ids(many.length);
    await model.stepAll(many, tokens);
    const logits = await model.stepAll(many, tokens);
    for (const s of [0, 1, 255, 256, 299]) {
      await using alone = a.alone.clone();
      await alone.step(tokens[s]);
      expectSame(logits[s], await alone.step(tokens[s]));
    }
    await Promise.all(many.map((session) => session.dispose()));
  });

  test('a call is in the queue as it was made', async () => {
    const tokens = Int32Array.of(1, 2);
    const sessions = [a.session, c.session];
    const stepping = model.stepAll(sessions, tokens);
    tokens.fill(9);
    sessions.reverse();
    const after = c.session.step(3);
    const [first, second] = await stepping;
    expectSame(first, await a.alone.step(1));
    expectSame(second, await c.alone.step(2));
    expectSame(await after, await c.alone.step(3));
  });

  test('bad arguments are refused before anything runs', async () => {
    const [one, other] = [a.session, b.session];
    const refused: [readonly Session[], number[], string | RegExp][] = [
      [[one, other], [1], 'Expected 2 tokens, one for each session, for tokens but received 1.'],
      [[], [1], 'Expected 0 tokens, one for each session, for tokens but received 1.'],
      [[one], [], 'Expected at least one token for tokens but received none.'],
      [[one, other], [1, 40], 'Expected a token id from 0 to 39 for tokens[1] but received 40.'],
      [[one, other, one], [1, 2, 3], /sessions\[0\] and sessions\[2\] are the same one\. Pass a clone\(\)/],
      [[one, {} as Session], [1, 2], /^Expected a session for sessions\[1\] but received/],
      [one as unknown as Session[], [1], /^Expected an array of sessions for sessions but received/],
    ];
    for (const [sessions, tokens, message] of refused) {
      const error = expect(model.stepAll(sessions, tokens)).rejects;
      await error.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      });
    }
    a.expectSameState();
    await expect(model.stepAll([], [])).resolves.toEqual([]);
  });

  test('another model’s session and a disposed one are refused, and the others are as they were', async () => {
    await using stranger = await loadModel(files.writeAll(family, randomModel({ family, ...shape })));
    await expect(model.stepAll([a.session, stranger.createSession()], [1, 2])).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining("sessions[1] is another model's. Step it with the model"),
    });
    await c.dispose();
    await expect(model.stepAll([a.session, c.session], [1, 2])).rejects.toMatchObject({
      code: 'ERR_DISPOSED',
    });
    a.expectSameState();
  });

  test('an abort takes a call out of the queue', async () => {
    const reason = new Error('changed my mind');
    const abort = new AbortController();
    const first = model.stepAll([a.session, c.session], [1, 2]);
    const second = model.stepAll([a.session, c.session], [3, 4], { signal: abort.signal });
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    await first;
    await a.alone.step(1);
    await c.alone.step(2);
    for (const pair of [a, c]) pair.expectSameState();
  });
});

test.each(['f32', 'bf16', 'f16'] as const)(
  'the bits are those of a session alone where products of one row and of many have kernels of their own: %s',
  async (dtype) => {
    const wide = randomModel({ family: 'mamba2', ...shape, layers: 1, dModel: 272, vocab: 300 });
    await using model = await loadLanguageModel(files.writeAll('wide', wide), { device: 'cpu', dtype });
    const sessions = Array.from({ length: 16 }, () => model.createSession());
    const tokens = randomTokens(generator, sessions.length, 300);
    const logits = await model.stepAll(sessions, tokens);
    for (const [s, token] of tokens.entries()) {
      await using alone = model.createSession();
      expect(maxDifference(logits[s], await alone.step(token))).toBe(0);
    }
  },
);

test('memory() counts the memory that sessions share until the last has left it', async () => {
  await using model = await loadModel(files.writeAll('counted', randomModel({ family: 'mamba2', ...shape })));
  const sessions = [0, 1, 2].map(() => model.createSession());
  const [a, b, c] = sessions;
  const one = model.memory().sessions / 3;
  expect(one).toBeGreaterThan(shape.layers * 4 * shape.dState * shape.dModel);
  const counted = () => model.memory().sessions / one;
  await model.stepAll(sessions, [1, 2, 3]);
  expect(counted()).toBe(3);
  await b.dispose();
  expect(counted()).toBe(3);
  await model.stepAll([a, c], [4, 5]);
  expect(counted()).toBe(2);
  await a.step(6);
  expect(counted()).toBe(3);
  await c.step(6);
  expect(counted()).toBe(2);
  await a.dispose();
  await c.dispose();
  expect(counted()).toBe(0);
});
