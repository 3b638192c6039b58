// Scores, selections and reduced branches on every backend, against a plain reading of docs/reduction.md in float64.
import { readFileSync } from 'node:fs';
import { ops, Tensor } from '../../lib';
import { allBackends, chosenDevice, lastRoute, useBackend } from '../helpers/chosen-backend';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { fixture, reference } from '../helpers/reference';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

type GoldenCase = {
  name: string;
  params: { op?: string; policy: Record<string, unknown> };
  inputs: Record<string, string>;
  outputs: Record<string, string>;
};
type GoldenFile = { cases: GoldenCase[]; worst_float32_noise: Record<string, number> };

const selectStem = reference('reduction/select.json')?.replace(/\.json$/, '') ?? fixture('ops/select');
const scoresStem = reference('reduction/ops.json')?.replace(/\.json$/, '') ?? fixture('ops/reduction');
const read = (stem: string) => JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as GoldenFile;
const selections = read(selectStem);
const importance = read(scoresStem);
const scored = importance.cases.filter(({ params }) => params.op === 'importance');
let goldens: Map<string, Golden>;

beforeAll(async () => {
  goldens = new Map([
    ...(await readTensors(`${selectStem}.safetensors`)),
    ...(await readTensors(`${scoresStem}.safetensors`)),
  ]);
});

const golden = (name: string) => goldens.get(name)!;
const tensor = (name: string) =>
  Tensor.from(golden(name).data, golden(name).shape, { device: chosenDevice() });
const values = async (tensor: Tensor) => (await tensor.to('cpu')).toFloat32();

/** The data's policy in the words of the operators. */
function policyOf({ params: { policy } }: GoldenCase): ops.SelectionPolicy {
  const { name, keep, direction, fuse, prune_below: pruneBelow, merge_above: mergeAbove } = policy;
  const branches = { hidden: { q: policy.q_hidden }, residual: { q: policy.q_residual } };
  const fields = {
    name,
    keep,
    direction,
    fuse,
    pruneBelow,
    mergeAbove,
    ...(name === 'utrc' ? branches : {}),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as ops.SelectionPolicy;
}

test('no case of the data is left out', () => {
  expect(selections.cases).toHaveLength(reference('reduction') ? 404 : 92);
  expect(scored).toHaveLength(2);
});

describe.each(allBackends())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(scored.map((c) => [c.name, c] as const))('%s', async (_name, { inputs, outputs }) => {
    const y = tensor(inputs.y);
    const dt = tensor(inputs.dt);
    for (const [metric, name] of Object.entries(outputs)) {
      const { scores } = await ops.tokenImportance({ y, dt, metric: metric as ops.ImportanceMetric });
      expect(lastRoute()?.split('/')[0]).toBe(backend);
      const allowed = 30 * importance.worst_float32_noise[`scores.${metric}`];
      expect(maxDifference(await values(scores), golden(name).data)).toBeLessThanOrEqual(allowed);
    }
  });

  test.each(selections.cases.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const { inputs, outputs } = c;
    const hidden = tensor(inputs.hidden);
    const residual = tensor(inputs.residual);
    const { scores } = await ops.tokenImportance({ y: tensor(inputs.y) });
    const clipNoise = importance.worst_float32_noise['scores.clip'];
    expect(maxDifference(await values(scores), golden(inputs.scores).data)).toBeLessThanOrEqual(
      30 * clipNoise,
    );

    const selection = await ops.selectTokens({
      policy: policyOf(c),
      scores: tensor(inputs.scores),
      features: hidden,
      positions: golden(inputs.pos).ints,
      protected: golden(inputs.protected).ints,
      sizes: [...golden(inputs.sizes).data],
    });
    expect(lastRoute()?.split('/')[0]).toBe(backend);
    expect([...selection.kept]).toEqual(golden(outputs.kept).ints);
    expect([...selection.destHidden]).toEqual(golden(outputs.dest_hidden).ints);
    expect([...selection.destResidual]).toEqual(golden(outputs.dest_residual).ints);
    expect([...selection.positions]).toEqual(golden(outputs.pos_out).ints);
    expect([...selection.sizes]).toEqual([...golden(outputs.sizes_out).data]);

    const reduced = await ops.reduceTokens({ hidden, residual, selection });
    expect(lastRoute()?.split('/')[0]).toBe(backend);
    for (const branch of ['hidden', 'residual'] as const) {
      const want = golden(outputs[`${branch}_out`]);
      expect(reduced[branch].shape).toEqual(want.shape);
      const allowed = 30 * selections.worst_float32_noise[branch];
      expect(maxDifference(await values(reduced[branch]), want.data)).toBeLessThanOrEqual(allowed);
    }
  });
});
