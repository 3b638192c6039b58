import { type LanguageModel, ltmp, merge, type Policy, prune, random, utrc } from '../../lib';
import { scoreBatch } from '../../lib/models/score-batch';
import { readOn } from '../../lib/models/session-batch';
import { Random } from '../../lib/text/random';
import { loadModel } from '../helpers/load-model';
import { type ModelShape, randomModel, randomTokens } from '../helpers/random-model';
import { maxDifference } from '../helpers/read-tensors';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const generator = new Random(11);
const shape = { dModel: 16, layers: 3, vocab: 40, dState: 16 } as const;
const ids = (length: number, vocab: number = shape.vocab) =>
  Int32Array.from(randomTokens(generator, length, vocab));
const items = [30, 5, 1, 64, 17].map((length) => ({
  context: ids(length),
  continuations: [1, 4, 9, 2].map((rest) => ids(rest)),
}));
const common = { layers: [0, 1], keep: 0.6 };
const policies: [string, Policy | undefined][] = [
  ['nothing', undefined],
  ['prune', prune(common)],
  ['prune by state', prune({ ...common, importance: { metric: 'state' }, protectLast: 3 })],
  ['utrc', utrc(common)],
  ['merge', merge({ ...common, alignment: 'previous' })],
  ['random', random(common)],
  ['ltmp', ltmp({ layers: [0], pruneBelow: 0.01, mergeAbove: 0.8 })],
];

describe.each(['mamba', 'mamba2'] as const)('%s', (family) => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await loadModel(files.writeAll(family, randomModel({ family, ...shape })));
  });
  afterAll(() => model.dispose());

  test.each(policies)(
    'a batch reduced by %s scores as each item alone, in both protocols',
    async (_, reduction) => {
      for (const protocol of ['prefill', 'paper'] as const) {
        const together = await scoreBatch(model, items, { reduction, protocol });
        for (const [i, { context, continuations }] of items.entries()) {
          for (const [k, continuation] of continuations.entries()) {
            const alone = await model.score(context, continuation, { reduction, protocol });
            expect(together[i].scores[k]).toEqual(alone);
          }
        }
      }
    },
  );

  test('where nothing is removed both protocols are the same', async () => {
    const [prefill, paper] = [
      await scoreBatch(model, items),
      await scoreBatch(model, items, { protocol: 'paper' }),
    ];
    expect(paper).toEqual(prefill);
    const reduction = prune({ ...common, keep: 1 });
    const whole = await scoreBatch(model, items, { protocol: 'paper', reduction });
    for (const [i, { scores }] of whole.entries()) {
      for (const [k, { logprobs, greedy }] of scores.entries()) {
        const expected = prefill[i].scores[k];
        expect(logprobs).toHaveLength(expected.logprobs.length);
        expect(maxDifference(logprobs, expected.logprobs)).toBeLessThan(1e-4);
        expect(greedy).toBe(expected.greedy);
      }
    }
  });

  test('the work counted is that of one prefill and the readings from it', async () => {
    const [item] = items;
    const reduction = prune(common);
    const [{ flops, denseFlops }] = await scoreBatch(model, [item], { reduction });
    const [{ flops: single }] = await scoreBatch(model, [
      { ...item, continuations: [item.continuations[0]] },
    ]);
    expect(flops).toBeLessThan(denseFlops);
    expect(denseFlops).toBeGreaterThan(single);
  });

  test('sessions read on together as each would alone, or stay where they are', async () => {
    const prompts = [ids(12), ids(3), ids(40)];
    const next = [ids(2), ids(7), ids(1)];
    const together = prompts.map(() => model.createSession());
    const how = { logits: 'all', reduce: false } as const;
    await readOn(model, together, prompts, { ...how, advance: true });
    const peeked = await readOn(model, together, next, { ...how, advance: false });
    const { logits } = await readOn(model, together, next, { ...how, advance: true });
    expect(peeked.logits).toEqual(logits);
    for (const [s, prompt] of prompts.entries()) {
      await using alone = model.createSession();
      await alone.prefill(prompt);
      await alone.prefill(next[s]);
      expect(together[s].length).toBe(alone.length);
      for (let layer = 0; layer < shape.layers; layer += 1) {
        expect(together[s].state(layer)).toEqual(alone.state(layer));
      }
      await together[s].dispose();
    }
  });

  test('sessions of different lengths are not reduced together', async () => {
    const sessions = [0, 1].map(() => model.createSession({ reduction: prune(common) }));
    await sessions[0].prefill(ids(10));
    const reading = readOn(model, sessions, [ids(8), ids(8)], {
      logits: 'last',
      reduce: true,
      advance: true,
    });
    await expect(reading).rejects.toThrow(/must have read equally much/);
  });
});

test('a continuation with more logits than are held at once is scored in parts', async () => {
  const vocab = 50000;
  const large: ModelShape = { family: 'mamba2', ...shape, layers: 1, vocab };
  await using model = await loadModel(files.writeAll('large', randomModel(large)));
  const [context, continuation] = [ids(5, vocab), ids(700, vocab)];
  const { logprobs } = await model.score(context, continuation);
  const paper = await model.score(context, continuation.slice(-650), { protocol: 'paper' });
  const prefill = await model.score(context, continuation.slice(-650));
  expect(prefill).toEqual(paper);
  await using session = model.createSession();
  await session.prefill([...context, ...continuation.subarray(0, 690)]);
  const [{ logits }] = [
    await readOn(model, [session], [continuation.subarray(690, 699)], {
      logits: 'all',
      reduce: false,
      advance: false,
    }),
  ];
  const largest = Math.max(...logits.subarray(0, vocab));
  const sum = logits.subarray(0, vocab).reduce((total, value) => total + Math.exp(value - largest), 0);
  expect(logprobs[691]).toBeCloseTo(logits[continuation[691]] - largest - Math.log(sum), 4);
});
