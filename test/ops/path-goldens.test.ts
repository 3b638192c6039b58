// Scans and convolutions along paths that skip, reverse and permute, on every backend, against a plain reading of
// docs/reduction.md in float64.
import { readFileSync } from 'node:fs';
import { ops, ScanPath, Tensor } from '../../lib';
import { lastRoute, useBackend } from '../helpers/chosen-backend';
import { kernelSets } from '../helpers/kernel-sets';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { fixture, reference } from '../helpers/reference';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

type GoldenCase = {
  name: string;
  params: {
    op: string;
    form?: 'mamba1' | 'mamba2';
    alignment?: ops.Alignment;
    conv?: 'compact' | 'aligned';
    activation?: string;
  };
  inputs: Record<string, string>;
  outputs: Record<string, string>;
};

const stem = reference('reduction/ops.json')?.replace(/\.json$/, '') ?? fixture('ops/reduction');
const data = JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as {
  cases: GoldenCase[];
  worst_float32_noise: Record<string, number>;
};
const cases = data.cases.filter(
  ({ params }) => params.op === 'selective_scan' || params.op === 'causal_conv',
);
let goldens: Map<string, Golden>;

beforeAll(async () => {
  goldens = await readTensors(`${stem}.safetensors`);
});

function pathOf({ inputs }: GoldenCase): ScanPath {
  const offsets = goldens.get(inputs.full_offsets)!.ints;
  const lengths = offsets.slice(1).map((end, s) => end - offsets[s]);
  const kept = goldens.get(inputs.index)!.ints.toSorted((a, b) => a - b);
  return ScanPath.full(lengths).permuted(goldens.get(inputs.full_index)!.ints).subset(kept);
}

/** What the case's operator returns, by the names of its outputs: y of every row, and the state. */
async function run({ params, inputs }: GoldenCase, path: ScanPath): Promise<Record<string, Tensor>> {
  const optional = (name: string) => (inputs[name] ? get(name) : undefined);
  const get = (name: string) => {
    const { data, shape } = goldens.get(inputs[name])!;
    return Tensor.from(data, shape);
  };
  if (params.op === 'causal_conv') {
    const { y, state } = await ops.causalConv({
      x: get('x'),
      weight: get('weight'),
      bias: get('bias'),
      state: optional('window'),
      mode: params.conv,
      activation: params.activation === 'silu' ? 'silu' : 'none',
      path,
    });
    return { y, window_out: state };
  }
  const { alignment } = params;
  const skippedDt = alignment === 'own' ? get('skipped_dt') : undefined;
  const shared = {
    A: get('A'),
    B: get('B'),
    C: get('C'),
    D: get('D'),
    dtBias: get('dt_bias'),
    state: optional('h0'),
  };
  if (params.form === 'mamba2') {
    const { y, state } = await ops.ssdScan({
      x: get('x'),
      dt: get('dt'),
      ...shared,
      path,
      alignment,
      skippedDt,
    });
    return { y, h: state };
  }
  const scan = { u: get('u'), delta: get('delta'), ...shared, path, alignment, skippedDt };
  const { y, state } = await ops.selectiveScan(scan);
  const { y: y_gated } = await ops.selectiveScan({ ...scan, z: get('z') });
  return { y, y_gated, h: state };
}

const rowOf = (y: Tensor, row: number): number[] => {
  const width = y.toFloat32().length / y.shape[0];
  return [...y.toFloat32().subarray(row * width, (row + 1) * width)];
};

describe.each(kernelSets())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(cases.map((c) => [c.name, c] as const))('%s', async (name, c) => {
    const path = pathOf(c);
    const outputs = await run(c, path);
    expect(lastRoute()?.split('/')[0]).toBe(backend);
    for (const [output, tensor] of Object.entries(c.outputs)) {
      const got = output.startsWith('y')
        ? Array.from(path.index).flatMap((row) => rowOf(outputs[output], row))
        : outputs[output].toFloat32();
      const noise = data.worst_float32_noise[`${name.split('.')[0]}.${output}`];
      expect(maxDifference(got, goldens.get(tensor)!.data)).toBeLessThanOrEqual(30 * noise);
    }
    const skipped = [...ScanPath.full(path.rows).index].filter((row) => !path.index.includes(row));
    expect(skipped.flatMap((row) => rowOf(outputs.y, row)).every((value) => value === 0)).toBe(true);
  });
});
