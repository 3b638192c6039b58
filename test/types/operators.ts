import { expectTypeOf } from 'expect-type';
import {
  type Device,
  type Dtype,
  type Int32s,
  openWeights,
  ops,
  ScanPath,
  Tensor,
  type TensorData,
  type TensorSource,
  type WeightInfo,
  type Weights,
} from 'skipscan';

// ---- tensors
expectTypeOf<Dtype>().toEqualTypeOf<'f32' | 'bf16' | 'f16' | 'i32'>();
expectTypeOf<TensorData>().toEqualTypeOf<Float32Array | Int32Array | Uint16Array>();
expectTypeOf<TensorSource>().toEqualTypeOf<TensorData | Float64Array | readonly number[]>();
expectTypeOf<Tensor>().toExtend<Disposable>();
const t = Tensor.from(new Float32Array(8), [2, 4], { dtype: 'bf16', device: 'auto' });
expectTypeOf(t).toEqualTypeOf<Tensor>();
expectTypeOf(t.shape).toEqualTypeOf<readonly number[]>();
expectTypeOf(t.device).toEqualTypeOf<Device>();
expectTypeOf(t.data()).toEqualTypeOf<TensorData>();
expectTypeOf(t.toFloat32()).toEqualTypeOf<Float32Array>();
expectTypeOf(t.to('cpu')).resolves.toEqualTypeOf<Tensor>();
t.to('f16');
t.to({ dtype: 'f32', device: 'cuda:1' });
Tensor.zeros([2, 3] as const);
// @ts-expect-error tensors are made by from() and zeros()
new Tensor();
// @ts-expect-error a shape is needed
Tensor.from([1, 2]);
// @ts-expect-error a format that there is not
Tensor.zeros([2], { dtype: 'i64' });
// @ts-expect-error elements have 32 bits
Tensor.from(BigInt64Array.of(1n), [1]);
// @ts-expect-error a tensor keeps its shape
t.shape.push(3);
// @ts-expect-error what is internal is not declared
t.memory;

// ---- weights files
expectTypeOf(openWeights).toEqualTypeOf<(file: string) => Promise<Weights>>();
declare const weights: Weights;
expectTypeOf(weights.tensors).toEqualTypeOf<ReadonlyMap<string, WeightInfo>>();
expectTypeOf(
  weights.read('A', { shape: [4, 2], dtype: 'f32', device: 'auto' }),
).resolves.toEqualTypeOf<Tensor>();
// @ts-expect-error a format that there is not
weights.read('A', { dtype: 'f64' });

// ---- paths
expectTypeOf<Int32s>().toEqualTypeOf<Int32Array | readonly number[]>();
expectTypeOf(ScanPath.full(4).subset([0, 2]).reversed().compacted()).toEqualTypeOf<ScanPath>();
expectTypeOf(ScanPath.full([1, 1]).permuted(Int32Array.of(1, 0)).rank).toEqualTypeOf<Int32Array>();
const path = new ScanPath({ index: [2, 0], gap: [1, 3] });
new ScanPath({ ...path, paramIndex: [0, 1] });
expectTypeOf(path.steps).toEqualTypeOf<number>();
// @ts-expect-error the rows are needed
new ScanPath({ gap: [1] });
// @ts-expect-error a path cannot be changed
path.rows = 5;

// ---- operators: every name, and the result of each
expectTypeOf<keyof typeof ops>().toEqualTypeOf<
  | 'addRows'
  | 'causalConv'
  | 'depthwiseConv2d'
  | 'embedding'
  | 'gatedRmsNorm'
  | 'imagePatches'
  | 'layerNorm'
  | 'linear'
  | 'meanRows'
  | 'reduceTokens'
  | 'rmsNorm'
  | 'selectTokens'
  | 'selectiveScan'
  | 'ssdScan'
  | 'tokenImportance'
  | 'tokenLogprobs'
>();
expectTypeOf<ops.RowsResult>().toEqualTypeOf<{ y: Tensor }>();
expectTypeOf<ops.ScanResult>().toEqualTypeOf<{ y: Tensor; state: Tensor }>();
expectTypeOf<ops.NormResult>().toEqualTypeOf<{ y: Tensor; residual: Tensor }>();
expectTypeOf(ops.linear({ x: t, weight: t, bias: t })).resolves.toEqualTypeOf<ops.RowsResult>();
expectTypeOf(ops.embedding({ ids: t, table: t })).resolves.toEqualTypeOf<ops.RowsResult>();
expectTypeOf(ops.meanRows({ x: t, offsets: [0, 2] })).resolves.toEqualTypeOf<ops.RowsResult>();
expectTypeOf(ops.addRows({ x: t, table: t, ids: t })).resolves.toEqualTypeOf<ops.RowsResult>();
expectTypeOf(ops.rmsNorm({ x: t, weight: t })).resolves.toEqualTypeOf<ops.NormResult>();
expectTypeOf(ops.layerNorm({ x: t, weight: t, bias: t })).resolves.toEqualTypeOf<ops.NormResult>();
expectTypeOf(
  ops.causalConv({ x: t, weight: t, path, mode: 'aligned' }),
).resolves.toEqualTypeOf<ops.ScanResult>();
expectTypeOf(ops.depthwiseConv2d({ x: t, weight: t, grid: [2, 2] })).resolves.toEqualTypeOf<ops.RowsResult>();
expectTypeOf(ops.imagePatches({ x: t, kernel: 2 })).resolves.toEqualTypeOf<ops.ImagePatchesResult>();
expectTypeOf(
  ops.selectTokens({ policy: { name: 'merge', keep: 0.5 }, features: t }),
).resolves.toEqualTypeOf<ops.Selection>();
expectTypeOf(ops.tokenImportance({ y: t })).resolves.toEqualTypeOf<ops.TokenImportanceResult>();

// What is asked for decides what comes back.
const scan = { u: t, delta: t, A: t, B: t, C: t };
const scored = { metric: 'state' } as const;
expectTypeOf(ops.selectiveScan(scan)).resolves.toEqualTypeOf<ops.ScanResult>();
expectTypeOf(ops.selectiveScan({ ...scan, importance: scored })).resolves.toEqualTypeOf<
  ops.ScanResult & ops.Scored
>();
const ssd = { x: t, dt: t, A: t, B: t, C: t };
expectTypeOf(ops.ssdScan(ssd)).resolves.toEqualTypeOf<ops.ScanResult>();
expectTypeOf(ops.ssdScan({ ...ssd, importance: scored })).resolves.toEqualTypeOf<
  ops.ScanResult & ops.Scored
>();
const gated = { x: t, z: t, weight: t };
expectTypeOf(ops.gatedRmsNorm(gated)).resolves.toEqualTypeOf<ops.RowsResult>();
expectTypeOf(ops.gatedRmsNorm({ ...gated, importance: { metric: 'clip' } })).resolves.toEqualTypeOf<
  ops.RowsResult & ops.Scored
>();
expectTypeOf(ops.tokenLogprobs({ logits: t, tokens: t })).resolves.toEqualTypeOf<{
  best: Tensor;
  logprobs: Tensor;
}>();
expectTypeOf(ops.tokenLogprobs({ logits: t })).resolves.toEqualTypeOf<ops.TokenLogprobsResult>();
declare const selection: ops.Selection;
expectTypeOf(ops.reduceTokens({ hidden: t, residual: t, selection })).resolves.toEqualTypeOf<
  ops.ReduceTokensResult<Tensor>
>();
expectTypeOf(ops.reduceTokens({ hidden: t, selection })).resolves.toEqualTypeOf<ops.ReduceTokensResult>();

// @ts-expect-error A, B and C are needed
ops.selectiveScan({ u: t, delta: t });
// @ts-expect-error typed arrays have no shape
ops.linear({ x: new Float32Array(4), weight: t });
// @ts-expect-error an alignment that there is not
ops.selectiveScan({ ...scan, alignment: 'before' });
// @ts-expect-error norms have no final state
ops.gatedRmsNorm({ ...gated, importance: { metric: 'state' } });
// @ts-expect-error an option that there is not
ops.causalConv({ x: t, weight: t, padding: 3 });
// @ts-expect-error a policy that there is not
ops.selectTokens({ policy: { name: 'top' } });
