// Properties of reduced models that need no reference: docs/reduction.md, section 8, and what sessions promise.
import {
  flops,
  type LanguageModel,
  ltmp,
  merge,
  type Policy,
  prune,
  random,
  recent,
  recommended,
  releasedUtrc,
  uniform,
  utrc,
} from '../../lib';
import { Random } from '../../lib/text/random';
import { loadModel } from '../helpers/load-model';
import { type ModelShape, randomModel, randomTokens } from '../helpers/random-model';
import { maxDifference } from '../helpers/read-tensors';
import { TemporaryDirectory } from '../helpers/temporary';
import { batchTolerance } from '../helpers/test-device';

const shapes: [string, ModelShape][] = [
  ['mamba', { family: 'mamba', dModel: 20, layers: 4, vocab: 61, dState: 8 }],
  ['mamba2', { family: 'mamba2', dModel: 24, layers: 4, vocab: 61, dState: 13, headDim: 12, groups: 2 }],
];
const layers = [0, 2];
const keep = 0.75;
const policies: [string, Policy][] = [
  ['utrc', utrc({ layers, keep })],
  ['utrc, forward, by both branches', utrc({ layers, keep, direction: 'forward', similarity: 'sum' })],
  ['utrc, previous', utrc({ layers, keep, alignment: 'previous' })],
  ['prune', prune({ layers, keep })],
  ['prune, fuse', prune({ layers, keep, fuse: true })],
  ['prune by state', prune({ layers, keep, importance: { metric: 'state' }, protectLast: 5 })],
  ['prune by novel', prune({ layers, keep, importance: { metric: 'novel' } })],
  ['prune by novel2', prune({ layers, keep, importance: { metric: 'novel2' } })],
  ['prune by l2 of the block', prune({ layers, keep, importance: { metric: 'l2', source: 'block' } })],
  ['prune by l1 of the scan', prune({ layers, keep, importance: { metric: 'l1', source: 'ssm' } })],
  ['prune by delta, aligned', prune({ layers, keep, importance: { metric: 'delta' }, conv: 'aligned' })],
  ['merge', merge({ layers, keep })],
  ['ltmp', ltmp({ layers, pruneBelow: 0.05, mergeAbove: 0.5 })],
  ['uniform', uniform({ layers, keep })],
  ['random', random({ layers, keep, seed: 3 })],
  ['recent', recent({ layers, keep, alignment: 'none' })],
  ['released-utrc', releasedUtrc({ layers, keep })],
];
const rounding = 2e-4;

describe.each(shapes)('%s', (_family, shape) => {
  const files = new TemporaryDirectory();
  const random = new Random(5);
  const prompt = (length: number) => randomTokens(random, length, shape.vocab);
  let model: LanguageModel;
  beforeAll(async () => {
    model = await loadModel(files.writeAll('model', randomModel(shape)), { threads: 2 });
  });
  afterAll(() => model.dispose());

  describe.each(policies)('%s', (name, policy) => {
    test('keeps what it says, in order, and the protected tokens', async () => {
      const tokens = prompt(120);
      const { kept, positions, stats } = await model.forward(tokens, { reduction: policy });
      expect(kept.map(({ layer }) => layer)).toEqual(layers);
      const counts = kept.map((k) => k.positions.length);
      if (policy.name !== 'ltmp') {
        const extra = name === 'prune, fuse' ? 1 : 0;
        expect(counts).toEqual([90 + extra, Math.ceil(keep * (90 + extra)) + extra]);
      }
      expect(counts[1]).toBeLessThan(120);
      expect(positions).toEqual(kept[1].positions);
      for (const k of kept) {
        expect([...k.positions]).toEqual([...new Set(k.positions)].sort((a, b) => a - b));
        const { protectLast = 1 } = policy as { protectLast?: number };
        for (let i = 1; i <= protectLast; i += 1) expect(k.positions).toContain(120 - i);
      }
      expect([...kept[0].positions]).toEqual(expect.arrayContaining([...kept[1].positions]));
      expect(stats.flops).toBeLessThan(stats.denseFlops);
    });

    test('a packed batch gives each sequence what it gets alone', async () => {
      const prompts = [40, 1, 300, 7, 2].map(prompt);
      const packed = await model.forward(prompts, { reduction: policy });
      for (const [s, tokens] of prompts.entries()) {
        const alone = await model.forward(tokens, { reduction: policy });
        const [begin, end] = [packed.offsets[s], packed.offsets[s + 1]];
        expect(packed.positions.slice(begin, end)).toEqual(alone.positions);
        const part = packed.logits.subarray(begin * shape.vocab, end * shape.vocab);
        expect(maxDifference(part, alone.logits)).toBeLessThanOrEqual(batchTolerance);
      }
    });

    test('the number of threads changes nothing', async () => {
      const tokens = prompt(150);
      await using single = await loadModel(`${files.path}/model`, { threads: 1 });
      const { logits } = await single.forward(tokens, { reduction: policy });
      expect(maxDifference((await model.forward(tokens, { reduction: policy })).logits, logits)).toBe(0);
    });

    test('a session saves, restores and clones its reduction and goes on from the reduced state', async () => {
      await using session = model.createSession({ reduction: policy });
      await session.prefill(prompt(60));
      const second = prompt(50);
      const saved = await session.save();
      await using restored = model.restoreSession(saved);
      await using clone = session.clone();
      const wanted = await session.prefill(second);
      expect(session.length).toBe(110);
      for (const other of [restored, clone]) {
        expect(await other.prefill(second)).toEqual(wanted);
        expect(other.kept).toEqual(session.kept);
      }
      const step = await session.step(3);
      expect(await restored.step(3)).toEqual(step);
    });
  });

  test.each(policies.filter(([, { name }]) => name !== 'ltmp'))(
    '%s: keeping all is no reduction, to the bit',
    async (_name, policy) => {
      const { flopsReduction: _, ...rest } = { flopsReduction: undefined, ...policy };
      const all = { ...rest, keep: 1 } as Policy;
      const prompts = [30, 300].map(prompt);
      const dense = await model.forward(prompts);
      const kept = await model.forward(prompts, { reduction: all });
      expect(kept.positions).toEqual(dense.positions);
      expect(maxDifference(kept.logits, dense.logits)).toBe(0);
      await using session = model.createSession({ reduction: all });
      await using plain = model.createSession();
      expect(await session.prefill(prompts[1])).toEqual(await plain.prefill(prompts[1]));
      expect(session.state(3)).toEqual(plain.state(3));
    },
  );

  test('chunks of a prefill are reduced on their own, positions going on', async () => {
    await using session = model.createSession({ reduction: prune({ layers, keep: 0.5, protect: [0, 41] }) });
    await session.prefill(prompt(40));
    await session.prefill(prompt(60));
    const [first, second] = session.kept.map(({ positions }) => [...positions]);
    expect(first.filter((p) => p < 40)).toHaveLength(20);
    expect(first.filter((p) => p >= 40)).toHaveLength(30);
    expect(second).toHaveLength(25);
    for (const position of [0, 39, 41, 99]) expect(second).toContain(position);
  });

  test('an alignment over a gap differs from none, and a gap of nothing does not', async () => {
    const tokens = prompt(80);
    const of = async (alignment: 'none' | 'next' | 'previous', share: number) =>
      (
        await model.forward(tokens, {
          reduction: uniform({ layers: [0], keep: share, alignment }),
          logits: 'last',
        })
      ).logits;
    const [none, next, previous] = [await of('none', 0.5), await of('next', 0.5), await of('previous', 0.5)];
    for (const other of [next, previous]) expect(maxDifference(other, none)).toBeGreaterThan(rounding);
    expect(maxDifference(await of('next', 1), await of('none', 1))).toBe(0);
  });

  test('a target in FLOPs is met, for every length of a batch', async () => {
    const reduction = prune({ layers, flopsReduction: 0.2 });
    const prompts = [200, 333].map(prompt);
    const { kept } = await model.forward(prompts, { reduction });
    for (const [s, { length }] of prompts.entries()) {
      const rows = [length, ...kept.map(({ offsets }) => offsets[s + 1] - offsets[s])];
      const saved = 1 - (rows[0] + 2 * rows[1] + rows[2]) / (4 * length);
      expect(saved).toBeGreaterThanOrEqual(0.2);
      expect(saved).toBeLessThan(0.21);
    }
    const work = flops(model.config, { length: 200, reduction });
    expect(work.blocks / flops(model.config, { length: 200 }).blocks).toBeLessThanOrEqual(0.8);
  });

  test('generate and score with a reduction start from the reduced state', async () => {
    const tokens = prompt(64);
    const reduction = recommended(model.config, { flopsReduction: 0.2 });
    await using session = model.createSession({ reduction });
    const logits = await session.prefill(tokens);
    const best = logits.indexOf(Math.max(...logits));
    for await (const { token } of model.generate(tokens, { maxNewTokens: 1, ignoreEos: true, reduction })) {
      expect(token).toBe(best);
    }
    const { greedy } = await model.score(tokens, [best], { reduction });
    expect(greedy).toBe(true);
    const paper = await model.score(tokens, prompt(10), { reduction, protocol: 'paper' });
    expect(paper.logprobs.length).toBeLessThan(10);
  });
});

describe('what does not fit is an error', () => {
  const files = new TemporaryDirectory();
  let model: LanguageModel;
  beforeAll(async () => {
    model = await loadModel(files.writeAll('model', randomModel(shapes[0][1])));
  });
  afterAll(() => model.dispose());

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'a layer that is not there',
      () => model.forward([1, 2], { reduction: prune({ layers: [4], keep: 0.5 }) }),
      'The policy prune reduces after layer 4, but the model has 4 layers',
    ],
    [
      'hidden states of rows that go',
      () => model.forward([1], { hiddenStates: true, reduction: prune({ layers: [1], keep: 0.5 }) }),
      'Expected hiddenStates or a reduction but received both.',
    ],
    [
      'a target out of reach',
      () => model.forward([1, 2, 3, 4], { reduction: prune({ layers: [2], flopsReduction: 0.9 }) }),
      'but at most 0.125 can be saved there',
    ],
    ['not a policy', () => model.forward([1], { reduction: { name: 'shrink' } as never }), 'shrink'],
    [
      'an unknown protocol',
      () => model.score([1], [2], { protocol: 'other' as never }),
      "Expected 'prefill' or 'paper' for protocol but received \"other\".",
    ],
  ])('%s', async (_what, call, message) => {
    await expect(call()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await expect(call()).rejects.toThrow(message);
  });
});
