// What must hold for every shape (docs/reduction.md, section 8, items 1 to 5, for single operators), on every backend, with
// random shapes: odd lengths, single rows, states and groups off the vector width.
import { ops, ScanPath, Tensor } from '../../lib';
import { lastRoute, useBackend } from '../helpers/chosen-backend';
import { expectClose, expectSame } from '../helpers/close';
import { kernelSets } from '../helpers/kernel-sets';
import { floats, gather, gatherAll, type Problem, problems, randomKept, range } from '../helpers/problems';
import { Draw } from '../helpers/random';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

/** Both sides are float32 and sum in another order; the largest difference measured is 2.5e-7. */
const rounding = 1e-6;
const seeds = Array.from({ length: 10 }, (_, i) => i + 1);

/** For each skipped row, the kept row whose time step it takes; the first of a sequence has none before it. */
function stands(full: ScanPath, kept: number[], alignment: 'next' | 'previous'): Map<number, number> {
  const isKept = new Set(kept);
  const stand = new Map<number, number>();
  for (let s = 0; s < full.sequences; s++) {
    const rows = range(full.offsets[s], full.offsets[s + 1]);
    for (const row of rows.filter((r) => !isKept.has(r))) {
      const next = rows.find((r) => r > row && isKept.has(r))!;
      const previous = rows.findLast((r) => r < row && isKept.has(r));
      stand.set(row, alignment === 'next' ? next : (previous ?? next));
    }
  }
  return stand;
}

describe.each(kernelSets())('%s', (backend) => {
  beforeAll(() => useBackend(backend));
  afterEach(() => expect(lastRoute()?.split('/')[0]).toBe(backend));

  describe.each(Object.entries(problems))('%s', (_name, make) => {
    const forEachProblem = async (check: (problem: Problem, draw: Draw) => Promise<void>) => {
      for (const seed of seeds) {
        const draw = new Draw(seed);
        await check(make(draw), draw);
      }
    };

    test('a path that keeps everything is the full path', () =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }) => {
        const full = ScanPath.full(lengths);
        const want = await run({ ...rows, ...shared, state, path: full });
        const got = await run({ ...rows, ...shared, state, path: full.subset(full.index) });
        expectSame(what, got.y.data(), want.y.data());
        expectSame(what, got.state.data(), want.state.data());
      }));

    test('a packed batch gives each sequence exactly what it gets alone', () =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }) => {
        const path = ScanPath.full(lengths);
        const packed = await run({ ...rows, ...shared, state, path });
        for (const s of lengths.keys()) {
          const own = range(path.offsets[s], path.offsets[s + 1]);
          const alone = await run({ ...gatherAll(rows, own), ...shared, state: gather(state, [s]) });
          expectSame(`${what}: sequence ${s}`, gather(packed.y, own).data(), alone.y.data());
          expectSame(`${what}: sequence ${s}`, gather(packed.state, [s]).data(), alone.state.data());
        }
      }));

    test('a backward path on reversed rows is the forward path', () =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }) => {
        const path = ScanPath.full(lengths);
        const mirror = path.reversed();
        const want = await run({ ...rows, ...shared, state, path });
        const got = await run({ ...gatherAll(rows, [...mirror.index]), ...shared, state, path: mirror });
        expectSame(what, gather(got.y, mirror.index).data(), want.y.data());
        expectSame(what, got.state.data(), want.state.data());
      }));

    test('a sequence cut anywhere and continued from its state is one call', () =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }, draw) => {
        const length = lengths[0];
        const cut = draw.int(0, length);
        const first = gather(state, [0]);
        const whole = await run({ ...gatherAll(rows, range(0, length)), ...shared, state: first });
        let carried = first;
        const parts: number[] = [];
        for (const part of [range(0, cut), range(cut, length)]) {
          if (part.length === 0) continue;
          const result = await run({ ...gatherAll(rows, part), ...shared, state: carried });
          parts.push(...result.y.toFloat32());
          carried = result.state;
        }
        expectClose(`${what}: cut at ${cut}`, parts, whole.y.toFloat32(), rounding);
        expectClose(`${what}: cut at ${cut}`, carried.toFloat32(), whole.state.toFloat32(), rounding);
      }));

    test('a reduced path on its own rows alone is the same path among the others', () =>
      forEachProblem(async ({ what, lengths, rows, shared, state, run }, draw) => {
        const full = ScanPath.full(lengths);
        const kept = randomKept(full, draw);
        const path = full.subset(kept);
        const among = await run({ ...rows, ...shared, state, path });
        const alone = await run({
          ...gatherAll(rows, kept),
          ...shared,
          state,
          path: new ScanPath({
            ...path,
            index: range(0, kept.length),
            paramIndex: range(0, kept.length),
            rows: kept.length,
          }),
        });
        expectSame(what, gather(among.y, kept).data(), alone.y.data());
        expectSame(what, among.state.data(), alone.state.data());
      }));
  });

  describe.each(['selectiveScan', 'ssdScan'])('%s over skipped rows', (name) => {
    /** The full scan in which the skipped rows have no input, against the reduced scan; `change` alters both. */
    const compare = async (
      change: (p: Problem, full: ScanPath, kept: number[]) => { full?: object; reduced: object },
    ) => {
      for (const seed of seeds) {
        const draw = new Draw(seed);
        const problem = problems[name](draw);
        const { what, lengths, rows, shared, state, run, input } = problem;
        const full = ScanPath.full(lengths);
        const kept = randomKept(full, draw);
        const silenced = Tensor.from(Float32Array.from(rows[input].toFloat32()), rows[input].shape);
        const width = silenced.size / silenced.shape[0];
        for (const row of full.index) {
          if (!kept.includes(row)) silenced.toFloat32().fill(0, row * width, (row + 1) * width);
        }
        const extra = change(problem, full, kept);
        const want = await run({ ...rows, ...shared, state, [input]: silenced, path: full, ...extra.full });
        const got = await run({ ...rows, ...shared, state, path: full.subset(kept), ...extra.reduced });
        expectClose(what, gather(got.y, kept).toFloat32(), gather(want.y, kept).toFloat32(), rounding);
        expectClose(what, got.state.toFloat32(), want.state.toFloat32(), rounding);
      }
    };

    test("alignment 'own' is the full scan without the skipped inputs", () =>
      compare(({ rows, shared, dt }, full, kept) => {
        const raw = rows[dt!].toFloat32();
        const bias = shared.dtBias.toFloat32();
        const width = bias.length;
        const path = full.subset(kept);
        const skippedDt = new Float32Array(path.steps * width);
        for (let k = 0; k < path.steps; k++) {
          for (let row = path.index[k] - path.gap[k] + 1; row < path.index[k]; row++) {
            for (let c = 0; c < width; c++) {
              skippedDt[k * width + c] += Math.log1p(Math.exp(raw[row * width + c] + bias[c]));
            }
          }
        }
        return { reduced: { alignment: 'own', skippedDt: Tensor.from(skippedDt, [path.steps, width]) } };
      }));

    test.each(['next', 'previous'] as const)(
      "alignment '%s' is the full scan without the skipped inputs, each with the dt of that kept row",
      (alignment) =>
        compare(({ rows, dt }, full, kept) => {
          const stand = stands(full, kept, alignment);
          const aligned = gather(
            rows[dt!],
            Array.from(full.index, (row) => stand.get(row) ?? row),
          );
          return { full: { [dt!]: aligned }, reduced: { alignment } };
        }),
    );

    test('where nothing is skipped all alignments are the same', async () => {
      for (const seed of seeds) {
        const { what, lengths, rows, shared, state, run, dt } = problems[name](new Draw(seed));
        const path = ScanPath.full(lengths);
        const want = await run({ ...rows, ...shared, state, path, alignment: 'none' });
        const skippedDt = Tensor.zeros([path.steps, rows[dt!].size / path.rows]);
        for (const options of [
          { alignment: 'next' },
          { alignment: 'previous' },
          { alignment: 'own', skippedDt },
        ]) {
          const got = await run({ ...rows, ...shared, state, path, ...options });
          expectSame(`${what}: ${options.alignment}`, got.y.data(), want.y.data());
          expectSame(`${what}: ${options.alignment}`, got.state.data(), want.state.data());
        }
      }
    });
  });

  test("the convolution in mode 'aligned' is the full one with zeros at skipped rows", async () => {
    for (const seed of seeds) {
      const draw = new Draw(seed);
      const { what, lengths, rows, shared, state, run } = problems.causalConv(draw);
      const full = ScanPath.full(lengths);
      const kept = randomKept(full, draw);
      const width = rows.x.shape[1];
      const silenced = Float32Array.from(rows.x.toFloat32(), (x, i) =>
        kept.includes(Math.floor(i / width)) ? x : 0,
      );
      const want = await run({ ...shared, state, path: full, x: Tensor.from(silenced, rows.x.shape) });
      const got = await run({ ...rows, ...shared, state, path: full.subset(kept), mode: 'aligned' });
      expectSame(what, gather(got.y, kept).data(), gather(want.y, kept).data());
      expectSame(what, got.state.data(), want.state.data());
    }
  });

  test('a row of a product, a norm or an embedding does not depend on the other rows', async () => {
    for (const seed of seeds) {
      const draw = new Draw(seed);
      const [rows, D, O] = [draw.pick([2, 3, 9, 40, 300]), draw.int(1, 90), draw.int(1, 90)];
      const x = floats(draw, [rows, D], -1, 1);
      const z = floats(draw, [rows, D], -3, 3);
      const norm = floats(draw, [D], -1, 1);
      const weight = await floats(draw, [O, D], -1, 1).to(draw.pick(['f32', 'bf16', 'f16'] as const));
      const run = async (part: readonly number[]) => [
        await ops.linear({ x: gather(x, part), weight }),
        await ops.rmsNorm({ x: gather(x, part), weight: norm, residual: gather(z, part) }),
        await ops.gatedRmsNorm({ x: gather(x, part), z: gather(z, part), weight: norm }),
        await ops.embedding({
          ids: Tensor.from(
            part.map((row) => row % O),
            [part.length],
            { dtype: 'i32' },
          ),
          table: weight,
        }),
      ];
      const all = await run(range(0, rows));
      for (const part of [[0], [rows - 1], range(0, Math.ceil(rows / 2))]) {
        const some = await run(part);
        some.forEach(({ y }, i) => {
          const want = gather(Tensor.from(all[i].y.toFloat32(), all[i].y.shape), part);
          expectSame(`rows ${rows}, D ${D}, O ${O}, operator ${i}`, y.toFloat32(), want.data());
        });
      }
    }
  });
});
