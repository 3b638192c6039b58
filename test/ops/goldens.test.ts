// The operators as users call them, on every backend, against outputs of public reference code in float64.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ops, ScanPath, Tensor } from '../../lib';
import { allBackends, chosenDevice, lastRoute, useBackend } from '../helpers/chosen-backend';
import { expectClose } from '../helpers/close';
import { type Golden, readTensors } from '../helpers/read-tensors';
import { fixture, reference } from '../helpers/reference';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

/** The data allows float32 kernels 2e-5; the largest error measured is 3e-7. */
const rounding = 2e-6;

type GoldenCase = {
  name: string;
  op: string;
  params: Record<string, unknown>;
  inputs: Record<string, { tensor: string }>;
  outputs: Record<string, { tensor: string }>;
};
type Outputs = Record<string, Tensor>;

const directory = reference('lm/ops') ?? fixture('ops');
const { cases } = JSON.parse(readFileSync(join(directory, 'golden.json'), 'utf8')) as { cases: GoldenCase[] };
let goldens: Map<string, Golden>;
const golden = (name: string) => goldens.get(name)!;

beforeAll(async () => {
  goldens = await readTensors(join(directory, 'golden.safetensors'));
});

const place = ({ data, shape }: Golden) => Tensor.from(data, shape, { device: chosenDevice() });

/** The inputs of a case as tensors; absent ones are undefined. */
function tensors({ inputs }: GoldenCase): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([name]) => name !== 'cu_seqlens')
      .map(([name, { tensor }]) => [name, place(golden(tensor))]),
  );
}

/** Packed sequences, where the case has them. */
function packedPath({ inputs }: GoldenCase): ScanPath | undefined {
  if (!inputs.cu_seqlens) return undefined;
  const offsets = golden(inputs.cu_seqlens.tensor).ints;
  return ScanPath.full(offsets.slice(1).map((end, s) => end - offsets[s]));
}

/** One decoding step of a batch. */
const stepPath = (batch: number) => ScanPath.full(new Array(batch).fill(1));

async function selectiveScan(c: GoldenCase): Promise<Outputs> {
  const { delta_bias: dtBias, initial_state: state, ...rest } = tensors(c);
  const { u, delta, A, B, C, D, z } = rest;
  const softplus = c.params.delta_softplus as boolean;
  const result = await ops.selectiveScan({
    u,
    delta,
    A,
    B,
    C,
    D,
    z,
    dtBias,
    state,
    softplus,
    path: packedPath(c),
  });
  return { out: result.y, last_state: result.state };
}

async function ssdScan(c: GoldenCase): Promise<Outputs> {
  const { x, dt, A, B, C, D, z, dt_bias: dtBias, initial_states: state } = tensors(c);
  const [min, max] = c.params.dt_limit as [number, number | null];
  const dtLimit = [min, max ?? Infinity] as const;
  const softplus = c.params.dt_softplus as boolean;
  const result = await ops.ssdScan({
    x,
    dt,
    A,
    B,
    C,
    D,
    z,
    dtBias,
    state,
    softplus,
    dtLimit,
    path: packedPath(c),
  });
  return { out: result.y, final_states: result.state };
}

async function causalConv(c: GoldenCase): Promise<Outputs> {
  const { x, weight, bias, initial_state: state } = tensors(c);
  const activation = c.params.activation === 'silu' ? 'silu' : 'none';
  const result = await ops.causalConv({ x, weight, bias, state, activation, path: packedPath(c) });
  return { out: result.y, final_state: result.state };
}

const run: Record<string, (c: GoldenCase) => Promise<Outputs>> = {
  selective_scan: selectiveScan,
  selective_scan_varlen: selectiveScan,
  ssd_chunk_scan: ssdScan,
  ssd_chunk_scan_varlen: ssdScan,
  causal_conv1d: causalConv,
  causal_conv1d_varlen: causalConv,
  async causal_conv1d_update(c) {
    const { x, weight, bias, state_in: state } = tensors(c);
    const result = await ops.causalConv({ x, weight, bias, state, path: stepPath(x.shape[0]) });
    return { out: result.y, state_out: result.state };
  },
  async mamba1_state_update(c) {
    const { x: u, dt: delta, A, B, C, D, z, dt_bias: dtBias, state_in: state } = tensors(c);
    const path = stepPath(u.shape[0]);
    const result = await ops.selectiveScan({ u, delta, A, B, C, D, z, dtBias, state, path });
    return { out: result.y, state_out: result.state };
  },
  async mamba2_state_update(c) {
    const { x, dt, A, B, C, D, z, dt_bias: dtBias, state_in: state } = tensors(c);
    const result = await ops.ssdScan({ x, dt, A, B, C, D, z, dtBias, state, path: stepPath(x.shape[0]) });
    return { out: result.y, state_out: result.state };
  },
  async rmsnorm(c) {
    const { x, weight, residual } = tensors(c);
    const result = await ops.rmsNorm({ x, weight, residual, eps: c.params.eps as number });
    return { out: result.y, residual_out: result.residual };
  },
  async gated_rmsnorm(c) {
    const { x, z, weight } = tensors(c);
    const {
      eps,
      group_size: groupSize,
      norm_before_gate: normBeforeGate,
    } = c.params as Record<string, never>;
    return { out: (await ops.gatedRmsNorm({ x, z, weight, eps, groupSize, normBeforeGate })).y };
  },
};

test('no case of the data is left out', () => {
  expect(cases).toHaveLength(reference('lm/ops') ? 35 : 16);
});

describe.each(allBackends())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
    const outputs = await run[c.op](c);
    expect(lastRoute()?.split('/')[0]).toBe(backend);
    for (const [name, { tensor }] of Object.entries(c.outputs)) {
      expect(outputs[name].shape).toEqual(golden(tensor).shape);
      const output = await outputs[name].to('cpu');
      expectClose(name, output.toFloat32(), golden(tensor).data, rounding);
    }
  });
});
