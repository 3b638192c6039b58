import { benchmarkVision } from '../../../lib/cli/vision-bench';
import { visionTable } from '../../../lib/cli/vision-tables';
import type { VisionForward, VisionForwardOptions, VisionModel } from '../../../lib/models/vision-model';
import { publishedConfig } from '../../../lib/models/vision-names';
import { flops, type Policy, prune, publishedFlops, resolvePolicy, uniform } from '../../../lib/reduction';

const config = { ...publishedConfig('vim-tiny'), numClasses: 2 };
const tokens = 197;
const layers = [11];

/** A model that computes nothing: it notes what it is asked for. */
function fakeModel(asked: string[]): VisionModel {
  const forward = async (
    _pixels: Float32Array,
    shape: readonly number[],
    { reduction }: VisionForwardOptions,
  ): Promise<Partial<VisionForward>> => {
    const [images] = shape;
    asked.push(`${reduction?.name ?? 'dense'} ${shape}`);
    const counts = reduction ? resolvePolicy(reduction, config, tokens).counts! : [];
    return {
      logits: Float32Array.from({ length: 2 * images }, (_, i) => (i === 0 && reduction ? 1 : 0)),
      kept: counts.map((count, i) => ({
        layer: layers[i],
        offsets: Int32Array.from({ length: images + 1 }, (_, n) => n * count),
        positions: new Int32Array(images * count),
      })),
      stats: {
        flops: images * flops(config, { reduction }).total,
        denseFlops: 0,
        reductionFlops: 0,
        milliseconds: 0,
      },
    };
  };
  return { config, forward, memory: () => ({ workspace: 3e6 }) } as unknown as VisionModel;
}

const contender = (policy: Policy) => ({ name: policy.name, policy });
const contenders = [contender(prune({ layers, keep: 0.5 })), contender(uniform({ layers, keep: 0.25 }))];
const benchmark = (asked: string[] = [], batch = 2) =>
  benchmarkVision(fakeModel(asked), contenders, { batch, rounds: 2 });

test('dense and every policy run in turns on images of the trained size', async () => {
  const asked: string[] = [];
  const { dense, reduced, ...rest } = await benchmark(asked);
  const round = ['dense', 'prune', 'uniform'].map((name) => `${name} 2,3,224,224`);
  expect(asked).toEqual([...round, ...round, ...round]);
  expect(rest).toEqual({ batch: 2, tokens });
  expect(dense.milliseconds.values).toHaveLength(2);
  expect(reduced.map(({ name }) => name)).toEqual(['prune', 'uniform']);
});

test('what it says follows from the times, the counts and the logits', async () => {
  const { dense, reduced } = await benchmark();
  expect(dense.imagesPerSecond).toBe(2000 / dense.milliseconds.median);
  expect(dense.gflopsPerImage).toBe(flops(config).total / 1e9);
  expect(reduced.map(({ reduction }) => reduction.kept)).toEqual([
    [{ layer: 11, tokens: 99 }],
    [{ layer: 11, tokens: 50 }],
  ]);
  for (const { reduction, speedup, ratio, milliseconds, workspace, gflopsPerImage, logits } of reduced) {
    expect(reduction.tokens).toBe(tokens);
    // Half of the layers have all tokens.
    expect(reduction.saved).toBeCloseTo((tokens - reduction.kept[0].tokens) / tokens / 2, 12);
    expect(speedup).toBe(dense.milliseconds.median / milliseconds.median);
    expect(ratio).toBeCloseTo(speedup * (1 - reduction.saved), 12);
    expect(workspace).toBe(3e6);
    expect(gflopsPerImage).toBe(flops(config, { reduction: reduction.policy }).total / 1e9);
    expect(logits).toMatchObject({ largest: 1, sameToken: true });
  }
});

test('the table names every model, batch and policy', async () => {
  const report = {
    backend: 'portable',
    device: 'cpu',
    threads: 1,
    machine: 'a machine',
    loadAverage: 0.5,
    rounds: 2,
    models: [
      {
        model: 'vim-tiny',
        parameters: 7148008,
        dtype: 'f32',
        publishedFlops: publishedFlops(publishedConfig('vim-tiny')),
        batches: [await benchmark([], 1), await benchmark([], 8)],
      },
      {
        model: 'plainmamba-l1',
        parameters: 7551656,
        dtype: 'f32',
        publishedFlops: publishedFlops(publishedConfig('plainmamba-l1')),
        batches: [{ ...(await benchmark()), reduced: [] }],
      },
    ],
  };
  const table = visionTable(report);
  expect(table).toContain('a machine, 1 thread, portable kernels; load average 0.50\n');
  expect(table).toContain(
    'vim-tiny: 7.1 M parameters, f32 weights, 1.45 G FLOPs as published for one direction',
  );
  expect(table).toContain(
    'plainmamba-l1: 7.6 M parameters, f32 weights, 3.02 G FLOPs as published\nbatch of 2\n',
  );
  expect(table).toContain('batch of 1, reduced after layers 11\n');
  expect(table).toContain('batch of 8, reduced after layers 11\n');
  expect(table.match(/^dense +197 .* 3\.0 MB$/gm)).toHaveLength(3);
  expect(table.match(/^prune +24\.9 % +99 /gm)).toHaveLength(2);
  expect(table.match(/^uniform +37\.3 % +50 /gm)).toHaveLength(2);
  expect(table.split('\n').every((line) => line.length < 130)).toBe(true);
});
