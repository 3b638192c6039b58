import { benchmarkReduction } from '../../../lib/cli/reduction-bench';
import { benchmarkPlot, benchmarkTable } from '../../../lib/cli/reduction-tables';
import type { Forward, ForwardOptions } from '../../../lib/models/forward';
import type { LanguageModel } from '../../../lib/models/language-model';
import { ltmp, type Policy, prune, resolvePolicy, uniform } from '../../../lib/reduction';
import { parseXml } from '../../helpers/xml';
import { deep } from '../reduction/fixtures';

const config = { ...deep(4), vocabSize: 3, vocabRows: 4 };
const tokens = Int32Array.from({ length: 100 }, (_, i) => i % 3);
const layers = [1];

/** A model that computes nothing: it notes what it is asked for, and answers with logits by the policy's name. */
function fakeModel(asked: string[]): LanguageModel {
  let workspace = 0;
  const forward = async (ids: Int32Array, { reduction }: ForwardOptions): Promise<Partial<Forward>> => {
    asked.push(reduction?.name ?? 'dense');
    workspace = reduction ? 1e6 : 2e6;
    const counts = reduction ? (resolvePolicy(reduction, config, ids.length).counts ?? [70]) : [];
    return {
      logits: Float32Array.of(2, 1, reduction ? 0 : 1, 99), // 99: padding
      kept: counts.map((count, i) => ({
        layer: layers[i],
        offsets: Int32Array.of(0, count),
        positions: new Int32Array(count),
      })),
    };
  };
  return { config, forward, memory: () => ({ workspace }) } as unknown as LanguageModel;
}

const contender = (policy: Policy) => ({ name: policy.name, policy });
const contenders = [
  contender(prune({ layers, keep: 0.6 })),
  contender(uniform({ layers, keep: 0.5 })),
  contender(ltmp({ layers, pruneBelow: 0, mergeAbove: 0.9 })),
];

test('dense and every policy run in turns, after a round that is not timed', async () => {
  const asked: string[] = [];
  const progress: number[][] = [];
  const { dense, reduced } = await benchmarkReduction(fakeModel(asked), tokens, contenders, 3, (...runs) =>
    progress.push(runs),
  );
  const round = ['dense', 'prune', 'uniform', 'ltmp'];
  expect(asked).toEqual([...round, ...round, ...round, ...round]);
  expect(progress).toHaveLength(16);
  expect(progress.at(-1)).toEqual([16, 16]);
  expect(dense.milliseconds.values).toHaveLength(3);
  expect(dense.workspace).toBe(2e6);
  expect(reduced.map(({ name }) => name)).toEqual(['prune', 'uniform', 'ltmp']);
});

test('what it says follows from the times, the counts and the logits', async () => {
  const { dense, reduced } = await benchmarkReduction(fakeModel([]), tokens, contenders, 2);
  const [pruned, even, thresholds] = reduced;
  // Two blocks see 100 tokens and two see what is left.
  expect(pruned.reduction.kept).toEqual([{ layer: 1, tokens: 60 }]);
  expect(pruned.reduction.saved).toBeCloseTo(0.2, 12);
  expect(even.reduction.saved).toBeCloseTo(0.25, 12);
  expect(thresholds.reduction.saved).toBeCloseTo(0.15, 12);
  for (const { speedup, ratio, milliseconds, restMilliseconds, workspace, reduction, logits } of reduced) {
    expect(speedup).toBe(dense.milliseconds.median / milliseconds.median);
    expect(ratio).toBeCloseTo(speedup * (1 - reduction.saved), 12);
    expect(restMilliseconds).toBe(milliseconds.median - dense.milliseconds.median * (1 - reduction.saved));
    expect(workspace).toBe(1e6);
    expect(logits).toMatchObject({ largest: 1, sameToken: true }); // padding would make it 0
    expect(logits.klDivergence).toBeGreaterThan(0);
  }
});

test('a run that fails ends the benchmark with its error', async () => {
  const model = fakeModel([]);
  model.forward = async () => {
    throw new Error('no');
  };
  await expect(benchmarkReduction(model, tokens, contenders, 1)).rejects.toThrow('no');
});

test('the table and the plot name every policy', async () => {
  const names = ['one', 'two', 'three'];
  const named = contenders.map(({ policy }, i) => ({ name: names[i], policy }));
  const report = {
    model: './model',
    family: 'mamba2',
    layers: 4,
    dModel: 64,
    backend: 'portable',
    dtype: 'f32',
    device: 'cpu',
    threads: 2,
    machine: 'a machine',
    loadAverage: 0.5,
    length: 100,
    rounds: 2,
    ...(await benchmarkReduction(fakeModel([]), tokens, named, 2)),
  };
  const table = benchmarkTable(report);
  expect(table).toContain('prefill of 100 random tokens, reduced after layers 1; median (min..max) of 2\n');
  expect(table).toMatch(/^one +20\.0 % +60 /m);
  expect(table).toMatch(/^two +25\.0 % +50 /m);
  expect(table).toMatch(/^three +15\.0 % +70 /m);
  expect(table).toMatch(/^dense +100 .* 2\.0 MB$/m);
  expect(table.split('\n').every((line) => line.length < 130)).toBe(true);

  const svg = parseXml(benchmarkPlot(report));
  const texts = svg.all('text').map(({ text }) => text);
  expect(texts).toEqual(expect.arrayContaining([...names, 'time (ms)', 'KL divergence (nats)']));
});
