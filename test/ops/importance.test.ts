// Importance scores as outputs of the scans and of the gated norm (docs/reduction.md, section 3), on every backend: against
// the reference data, against what they mean, and that they depend on nothing but the row's own sequence.
import { readFileSync } from 'node:fs';
import { ops, ScanPath, Tensor } from '../../lib';
import { lastRoute, useBackend } from '../helpers/chosen-backend';
import { expectClose, expectSame } from '../helpers/close';
import { kernelSets } from '../helpers/kernel-sets';
import { gather, gatherAll, type Problem, problems, randomKept, range } from '../helpers/problems';
import { Draw } from '../helpers/random';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { fixture, reference } from '../helpers/reference';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

const means = ['clip', 'l1', 'l2', 'sum'] as const;
const metrics = [...means, 'delta', 'state'] as const;
const seeds = [1, 2, 3, 4, 5];
const scans = ['selectiveScan', 'ssdScan'] as const;

type ScoredScan = ops.ScanResult & ops.Scored;
const scored = (result: ops.ScanResult): ScoredScan => result as ScoredScan;
const full = (value: number, shape: number[]) =>
  Tensor.from(new Float32Array(shape.reduce((a, b) => a * b)).fill(value), shape);

// ---- reference data

type GoldenCase = {
  name: string;
  params: { op: string };
  inputs: { y: string; dt: string };
  outputs: Record<string, string>;
};
const stem = reference('reduction/ops.json')?.replace(/\.json$/, '') ?? fixture('ops/reduction');
const data = JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as {
  cases: GoldenCase[];
  worst_float32_noise: Record<string, number>;
};
const cases = data.cases.filter(({ params }) => params.op === 'importance');
let goldens: Map<string, Golden>;

beforeAll(async () => {
  goldens = await readTensors(`${stem}.safetensors`);
});

/** A scan whose y and dt are given: its states stay zero. */
const identityScans: Record<
  string,
  (y: Golden, dt: Golden, importance: ops.ScanImportance) => Promise<ScoredScan>
> = {
  selectiveScan(y, dt, importance) {
    const { data, shape } = importance.metric === 'delta' ? dt : y;
    const [rows, channels] = shape;
    return ops.selectiveScan({
      u: Tensor.from(data, shape),
      delta: Tensor.from(data, shape),
      A: full(-1, [channels, 1]),
      B: full(0, [rows, 1]),
      C: full(0, [rows, 1]),
      D: full(1, [channels]),
      softplus: false,
      importance,
    });
  },
  ssdScan(y, dt, importance) {
    const [rows, heads] = dt.shape;
    return ops.ssdScan({
      x: Tensor.from(y.data, [rows, heads, y.shape[1] / heads]),
      dt: Tensor.from(dt.data, dt.shape),
      A: full(-1, [heads]),
      B: full(0, [rows, 1]),
      C: full(0, [rows, 1]),
      D: full(1, [heads]),
      softplus: false,
      importance,
    });
  },
};

describe.each(kernelSets())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, { inputs, outputs }) => {
    const [y, dt] = [goldens.get(inputs.y)!, goldens.get(inputs.dt)!];
    for (const [metric, tensor] of Object.entries(outputs)) {
      for (const scan of Object.values(identityScans)) {
        const { importance } = await scan(y, dt, { metric } as ops.ScanImportance);
        expect(lastRoute()?.split('/')[0]).toBe(backend);
        const noise = data.worst_float32_noise[`scores.${metric}`];
        const want = goldens.get(tensor)!.data;
        expect(maxDifference(importance.toFloat32(), want)).toBeLessThanOrEqual(30 * noise);
      }
    }
  });

  describe.each(scans)('%s', (name) => {
    const forEachProblem = async (check: (problem: Problem, draw: Draw) => Promise<void>) => {
      for (const seed of seeds) {
        const draw = new Draw(seed);
        await check(problems[name](draw), draw);
      }
    };

    test.each(metrics)("scores by '%s' leave the result as it is", (metric) =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }) => {
        const options = { ...rows, ...shared, state, path: ScanPath.full(lengths) };
        const want = await run(options);
        const got = await run({ ...options, importance: { metric } });
        expectSame(what, got.y.data(), want.y.data());
        expectSame(what, got.state.data(), want.state.data());
        expect(want).not.toHaveProperty('importance');
      }),
    );

    test.each(metrics)(
      "by '%s', a packed batch gives each sequence exactly the scores it has alone",
      (metric) =>
        forEachProblem(async ({ what, lengths, rows, shared, state, run }) => {
          const path = ScanPath.full(lengths);
          const importance = { metric };
          const packed = scored(await run({ ...rows, ...shared, state, path, importance }));
          for (const s of lengths.keys()) {
            const own = range(path.offsets[s], path.offsets[s + 1]);
            const alone = await run({
              ...gatherAll(rows, own),
              ...shared,
              state: gather(state, [s]),
              importance,
            });
            const want = scored(alone).importance.data();
            expectSame(`${what}: sequence ${s}`, gather(packed.importance, own).data(), want);
          }
        }),
    );

    test.each(metrics)("by '%s', rows off the path score 0 and change nothing", (metric) =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }, draw) => {
        const all = ScanPath.full(lengths);
        const kept = randomKept(all, draw);
        const path = all.subset(kept);
        const alone = new ScanPath({
          ...path,
          index: range(0, kept.length),
          paramIndex: range(0, kept.length),
          rows: kept.length,
        });
        const importance = { metric };
        const among = scored(await run({ ...rows, ...shared, state, path, importance }));
        const want = scored(
          await run({ ...gatherAll(rows, kept), ...shared, state, path: alone, importance }),
        );
        expectSame(what, gather(among.importance, kept).data(), want.importance.data());
        const skipped = [...all.index].filter((row) => !kept.includes(row));
        expect(skipped.every((row) => among.importance.data()[row] === 0)).toBe(true);
      }),
    );

    test('scores are of y as it is returned, or before the gate', () =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }) => {
        const { z, ...ungated } = rows;
        const options = { ...ungated, ...shared, state, path: ScanPath.full(lengths) };
        const meanOf = (y: Tensor) => {
          const width = y.size / y.shape[0];
          const row = (r: number) => y.toFloat32().subarray(r * width, (r + 1) * width);
          return range(0, y.shape[0]).map((r) => row(r).reduce((sum, v) => sum + Math.abs(v), 0) / width);
        };
        const importance = { metric: 'l1' };
        const gated = scored(await run({ ...options, z, importance }));
        expectClose(what, gated.importance.toFloat32(), meanOf(gated.y), 1e-6);
        const plain = scored(await run({ ...options, importance }));
        expectClose(what, plain.importance.toFloat32(), meanOf(plain.y), 1e-6);
        const ssm = scored(await run({ ...options, z, importance: { metric: 'l1', source: 'ssm' } }));
        expectSame(what, ssm.importance.data(), plain.importance.data());
      }));

    test("a score by 'state' is the share that the token alone leaves in the final state", () =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run, input }, draw) => {
        const short = lengths.map((n) => Math.min(n, 12));
        const all = ScanPath.full(short);
        const tokens = gatherAll(rows, all.index as unknown as number[]);
        const path = all.subset(randomKept(all, draw));
        const alignment = draw.pick(['none', 'next', 'previous'] as const);
        const options = { ...tokens, ...shared, path, alignment };
        const { importance, state: last } = scored(
          await run({ ...options, state, importance: { metric: 'state' } }),
        );
        for (let s = 0; s < path.sequences; s++) {
          for (const row of path.index.subarray(path.offsets[s], path.offsets[s + 1])) {
            const own = await run({ ...options, [input]: only(tokens[input], row) });
            const share = meanShare(gather(own.state, [s]), gather(last, [s]));
            expectClose(`${what}, ${alignment}: row ${row}`, [importance.toFloat32()[row]], [share], 4e-6);
          }
        }
      }));

    test('decay over many small steps is not lost to rounding', async () => {
      const [length, dt] = [20000, Math.fround(1e-3)];
      const rows =
        name === 'ssdScan'
          ? { x: full(1, [length, 1, 1]), dt: full(dt, [length, 1]), A: full(-1, [1]) }
          : { u: full(1, [length, 1]), delta: full(dt, [length, 1]), A: full(-1, [1, 1]) };
      const result = await problems[name](new Draw(1)).run({
        ...rows,
        B: full(1, [length, 1]),
        C: full(1, [length, 1]),
        softplus: false,
        importance: { metric: 'state' },
      });
      const scores = scored(result).importance.toFloat32();
      for (const ago of [1, 100, 1000, 10000, length - 1]) {
        const decay = scores[length - 1 - ago] / scores[length - 1];
        expect(decay / Math.exp(-dt * ago)).toBeCloseTo(1, 5);
      }
    });

    test('a row with an element that is not a number has a score that is not one', () =>
      forEachProblem(async ({ lengths, rows, shared, run, input }, draw) => {
        const row = lengths[0] - 1;
        const broken = Tensor.from(rows[input].toFloat32().slice(), rows[input].shape);
        const width = broken.size / broken.shape[0];
        broken.toFloat32()[row * width + draw.int(0, width - 1)] = Number.NaN;
        const path = ScanPath.full(lengths);
        for (const metric of [...means, 'state'] as const) {
          const result = await run({ ...rows, ...shared, [input]: broken, path, importance: { metric } });
          const scores = scored(result).importance.toFloat32();
          expect(scores[row]).toBeNaN();
          expect(scores.subarray(lengths[0]).every(Number.isFinite)).toBe(true);
        }
      }));
  });

  test.each(means)("scores by '%s' of a gated norm are of its result, over all groups", async (metric) => {
    const draw = new Draw(1);
    for (const [rows, groups, groupSize] of [
      [7, 1, 83],
      [40, 3, 21],
      [3, 96, 16],
    ]) {
      const dim = groups * groupSize;
      const floats = (shape: number[]) =>
        Tensor.from(
          draw.floats(
            shape.reduce((a, b) => a * b),
            -2,
            2,
          ),
          shape,
        );
      const options = { x: floats([rows, dim]), z: floats([rows, dim]), weight: floats([dim]), groupSize };
      const { y, importance } = await ops.gatedRmsNorm({ ...options, importance: { metric } });
      const plain = await ops.gatedRmsNorm(options);
      expectSame('y', y.data(), plain.y.data());
      expect(plain).not.toHaveProperty('importance');
      // The scan's scores of the same rows.
      const scan = await identityScans.selectiveScan(
        { shape: [rows, dim], data: y.toFloat32(), ints: [] },
        { shape: [rows, dim], data: y.toFloat32(), ints: [] },
        { metric },
      );
      expectClose(
        `${groups} groups of ${groupSize}`,
        importance.toFloat32(),
        scan.importance.toFloat32(),
        1e-6,
      );
    }
  });
});

test('a batch has one score for each row, whatever the dtype of y', async () => {
  const draw = new Draw(2);
  const floats = (shape: number[]) =>
    Tensor.from(
      draw.floats(
        shape.reduce((a, b) => a * b),
        -1,
        1,
      ),
      shape,
    );
  const [x, z, weight] = [floats([2, 7, 12]), floats([2, 7, 12]), floats([12])];
  const options = { x: await x.to('bf16'), z, weight, importance: { metric: 'clip' } as const };
  const { y, importance } = await ops.gatedRmsNorm(options);
  expect([y.dtype, importance.dtype]).toEqual(['bf16', 'f32']);
  expect(importance.shape).toEqual([14]);
});

/** The tensor with every row but one zero. */
function only(tensor: Tensor, row: number): Tensor {
  const width = tensor.size / tensor.shape[0];
  return Tensor.from(
    tensor.toFloat32().map((v, i) => (Math.floor(i / width) === row ? v : 0)),
    tensor.shape,
  );
}

/** The mean over channels or heads of the norm of one state over that of another; 0 where that is 0. */
function meanShare(part: Tensor, whole: Tensor): number {
  const [, units, ...state] = whole.shape;
  const size = state.reduce((a, b) => a * b);
  const norm = (t: Tensor, unit: number) =>
    Math.hypot(...t.toFloat32().subarray(unit * size, (unit + 1) * size));
  const shares = range(0, units).map((unit) =>
    norm(whole, unit) === 0 ? 0 : norm(part, unit) / norm(whole, unit),
  );
  return shares.reduce((a, b) => a + b) / units;
}
