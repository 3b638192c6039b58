// What must hold of every reduction (docs/reduction.md, section 8, items 1, 5, 7 and 8, and what sections 4 and 5 promise), on
// every backend, with random shapes and policies.
import { ops, ScanPath, Tensor } from '../../lib';
import { useBackend } from '../helpers/chosen-backend';
import { expectClose, expectSame } from '../helpers/close';
import { kernelSets } from '../helpers/kernel-sets';
import { floats } from '../helpers/problems';
import { Draw } from '../helpers/random';

jest.mock('../../lib/native', () => jest.requireActual('../helpers/chosen-backend'));

const seeds = Array.from({ length: 12 }, (_, i) => i + 1);

/** A packed batch of tokens: rows of both branches, importance, what is protected. */
type Batch = {
  lengths: number[];
  offsets: number[];
  rows: number;
  dim: number;
  scores: Tensor;
  hidden: Tensor;
  residual: Tensor;
  protected: number[];
  sizes: number[];
};

function randomBatch(draw: Draw, options: { sequences?: number; protect?: number } = {}): Batch {
  const sequences = options.sequences ?? draw.int(1, 4);
  const lengths = Array.from({ length: sequences }, () =>
    draw.pick([1, 2, draw.int(3, 30), draw.int(31, 150)]),
  );
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets[offsets.length - 1] + length);
  const rows = offsets[sequences];
  const dim = draw.pick([1, draw.int(2, 40), draw.int(41, 300)]);
  return {
    lengths,
    offsets,
    rows,
    dim,
    scores: floats(draw, [rows], -1, 1),
    hidden: floats(draw, [rows, dim], -1, 1),
    residual: floats(draw, [rows, dim], -9, 9),
    protected: Array.from({ length: rows }, () => Number(draw.next() < (options.protect ?? 0.15))),
    sizes: Array.from({ length: rows }, () => draw.int(1, 4)),
  };
}

type Direction = 'any' | 'forward';

function randomPolicy(draw: Draw): ops.SelectionPolicy {
  const keep = draw.pick([0.05, 0.5, 0.8, 0.95]);
  const direction: Direction = draw.pick(['any', 'forward']);
  return draw.pick<ops.SelectionPolicy>([
    { name: 'utrc', keep, direction, hidden: { q: draw.next() }, residual: { q: draw.next() } },
    { name: 'prune', keep },
    { name: 'prune', keep, fuse: true },
    { name: 'merge', keep, direction },
    { name: 'ltmp', pruneBelow: draw.next() - 0.5, mergeAbove: draw.next() / 2, direction },
    { name: 'uniform', keep },
    { name: 'random', keep, seed: draw.int(0, 1e9) },
    { name: 'recent', keep },
    { name: 'released-utrc', keep },
  ]);
}

const select = (batch: Batch, policy: ops.SelectionPolicy) =>
  ops.selectTokens({
    policy,
    scores: batch.scores,
    features: batch.hidden,
    protected: batch.protected,
    sizes: batch.sizes,
    offsets: batch.offsets,
  });

async function reduce(batch: Batch, policy: ops.SelectionPolicy) {
  const { hidden, residual } = batch;
  const selection = await select(batch, policy);
  return { selection, ...(await ops.reduceTokens({ hidden, residual, selection })) };
}

const rowOf = (tensor: Tensor, row: number): Float32Array => {
  const dim = tensor.shape[1];
  return tensor.toFloat32().subarray(row * dim, (row + 1) * dim);
};

/** Rows of a tensor, in another order or only some. */
function pick(tensor: Tensor, rows: readonly number[]): Tensor {
  const [, ...rest] = tensor.shape;
  const width = rest.reduce((a, b) => a * b, 1);
  const data = tensor.toFloat32();
  const picked = rows.flatMap((row) => [...data.subarray(row * width, (row + 1) * width)]);
  return Tensor.from(picked, [rows.length, ...rest]);
}

describe.each(kernelSets())('%s', (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each(seeds)('seed %i', (seed) => {
    test('keep = 1 changes no bit', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw);
      const names = ['utrc', 'prune', 'merge', 'uniform', 'random', 'recent', 'released-utrc'] as const;
      const { selection, hidden, residual } = await reduce(batch, { name: draw.pick(names), keep: 1 });
      expect([...selection.kept]).toEqual([...ScanPath.full(batch.rows).index]);
      expect([...selection.offsets]).toEqual(batch.offsets);
      expectSame('hidden', hidden.toFloat32(), batch.hidden.toFloat32());
      expectSame('residual', residual.toFloat32(), batch.residual.toFloat32());
    });

    test('both branches keep the same ascending rows, and the others go where a row is kept', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw);
      const policy = randomPolicy(draw);
      const { kept, offsets, destHidden, destResidual, sizes } = await select(batch, policy);
      expect([...kept]).toEqual([...new Set(kept)].sort((a, b) => a - b));
      for (let row = 0; row < batch.rows; row++) {
        const stays = kept.includes(row);
        for (const dest of [destHidden, destResidual]) {
          if (stays) expect(dest[row]).toBe(row);
          else if (dest[row] !== -1) expect(kept.includes(dest[row])).toBe(true);
        }
        if (stays) continue;
        expect(batch.protected[row]).toBe(0);
        const forward = 'direction' in policy && policy.direction === 'forward';
        if (forward && destHidden[row] >= 0) expect(destHidden[row]).toBeGreaterThan(row);
      }
      const s = batch.lengths.length - 1;
      expect(offsets[s + 1]).toBe(kept.length);
      expect(sizes).toHaveLength(kept.length);
    });

    test('each sequence keeps its own count', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw);
      const keep = draw.next() / 2 + 0.5;
      const name = draw.pick(['prune', 'uniform', 'random', 'recent'] as const);
      const { offsets } = await select(batch, { name, keep });
      batch.lengths.forEach((length, s) => {
        const flags = batch.protected.slice(batch.offsets[s], batch.offsets[s + 1]);
        const least = flags.filter((flag) => flag).length + 1;
        expect(offsets[s + 1] - offsets[s]).toBe(Math.min(length, Math.max(Math.ceil(keep * length), least)));
      });
    });

    test('protected rows do not change by a bit', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw, { protect: 0.4 });
      const reduced = await reduce(batch, randomPolicy(draw));
      reduced.selection.kept.forEach((row, i) => {
        if (!batch.protected[row]) return;
        expect(reduced.selection.protected[i]).toBe(1);
        for (const branch of ['hidden', 'residual'] as const) {
          expectSame(branch, rowOf(reduced[branch], i), rowOf(batch[branch], row));
        }
      });
    });

    test('a packed batch is reduced as its sequences are alone, to the bit', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw, { sequences: 3 });
      const policy = randomPolicy(draw);
      const packed = await reduce(batch, policy);
      for (let s = 0; s < 3; s++) {
        const rows = [...ScanPath.full(batch.rows).index.subarray(batch.offsets[s], batch.offsets[s + 1])];
        const alone = await reduce(
          {
            ...batch,
            offsets: [0, rows.length],
            rows: rows.length,
            scores: pick(batch.scores, rows),
            hidden: pick(batch.hidden, rows),
            residual: pick(batch.residual, rows),
            protected: rows.map((row) => batch.protected[row]),
            sizes: rows.map((row) => batch.sizes[row]),
          },
          policy,
        );
        const [begin, end] = [packed.selection.offsets[s], packed.selection.offsets[s + 1]];
        expect([...packed.selection.kept.subarray(begin, end)]).toEqual(
          [...alone.selection.kept].map((row) => row + batch.offsets[s]),
        );
        expect(packed.selection.positions.slice(begin, end)).toEqual(alone.selection.positions);
        expect(packed.selection.sizes.slice(begin, end)).toEqual(alone.selection.sizes);
        for (const branch of ['hidden', 'residual'] as const) {
          const part = packed[branch].toFloat32().subarray(begin * batch.dim, end * batch.dim);
          expectSame(branch, part, alone[branch].toFloat32());
        }
      }
    });

    test('merging equal tokens leaves their content as it is, to the bit', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw);
      const one = { hidden: pick(batch.hidden, [0]), residual: pick(batch.residual, [0]) };
      const all = new Array(batch.rows).fill(0);
      const equal = { ...batch, hidden: pick(one.hidden, all), residual: pick(one.residual, all) };
      const { hidden, residual, selection } = await reduce(equal, randomPolicy(draw));
      const kept = new Array(selection.kept.length).fill(0);
      expectSame('hidden', hidden.toFloat32(), pick(one.hidden, kept).toFloat32());
      expectSame('residual', residual.toFloat32(), pick(one.residual, kept).toFloat32());
    });

    test('the order of the tokens decides nothing but ties', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw, { sequences: 1 });
      const order = draw.permutation(batch.rows);
      const permuted = {
        ...batch,
        scores: pick(batch.scores, order),
        hidden: pick(batch.hidden, order),
        residual: pick(batch.residual, order),
        protected: order.map((row) => batch.protected[row]),
      };
      const keep = draw.pick([0.5, 0.7, 0.9]);
      for (const policy of [{ name: 'prune', keep } as const, { name: 'utrc', keep } as const]) {
        if (policy.name === 'utrc' && batch.dim === 1) continue; // all cosines are 1 or -1: ties
        const want = await reduce(batch, policy);
        const got = await reduce(permuted, policy);
        const at = new Map([...got.selection.kept].map((row, i) => [order[row], i]));
        expect([...at.keys()].sort((a, b) => a - b)).toEqual([...want.selection.kept]);
        const places = [...want.selection.kept].map((row) => at.get(row)!);
        for (const branch of ['hidden', 'residual'] as const) {
          expectClose(branch, pick(got[branch], places).toFloat32(), want[branch].toFloat32(), 1e-6);
        }
      }
      // Tied scores: which of the equal tokens stay may differ, how many of each score may not.
      const few = Tensor.from(batch.scores.toFloat32().map(Math.round), [batch.rows]);
      const scoresOf = async (scores: Tensor, flags: number[]) => {
        const { kept } = await ops.selectTokens({
          policy: { name: 'prune', keep },
          scores,
          protected: flags,
        });
        return [...kept].map((row) => scores.toFloat32()[row] + 0).sort();
      };
      expect(await scoresOf(pick(few, order), permuted.protected)).toEqual(
        await scoresOf(few, batch.protected),
      );
    });

    test('several reductions in a row keep positions, protection and the number of tokens', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw);
      let { hidden, residual } = batch;
      let path = ScanPath.full(batch.lengths);
      let tokens: Pick<ops.SelectTokensOptions, 'positions' | 'protected' | 'sizes' | 'offsets'> = {
        protected: batch.protected,
        sizes: batch.sizes,
        offsets: batch.offsets,
      };
      const total = batch.sizes.reduce((a, b) => a + b);
      for (let layer = 0; layer < 3; layer++) {
        const policy = { name: 'merge', keep: 0.7 } as const;
        const selection = await ops.selectTokens({ policy, features: hidden, ...tokens });
        ({ hidden, residual } = await ops.reduceTokens({ hidden, residual, selection }));
        path = path.subset(selection.kept).compacted();
        const { positions, offsets, sizes, protected: flags } = selection;
        tokens = { positions, offsets, sizes, protected: flags };
        expect(hidden.shape[0]).toBe(path.rows);
        expect(positions).toEqual(path.rank);
        expect(offsets).toEqual(path.offsets);
        expect(sizes.reduce((a, b) => a + b)).toBe(total);
        expect(flags.filter((flag) => flag)).toHaveLength(batch.protected.filter((flag) => flag).length);
      }
    });

    test('a scan of the reduced rows is the scan of all rows along the path that skips', async () => {
      const draw = new Draw(seed);
      const batch = randomBatch(draw);
      const { selection, hidden, residual } = await reduce(batch, { name: 'prune', keep: 0.6 });
      const path = ScanPath.full(batch.lengths).subset(selection.kept);
      const kept = [...selection.kept];
      const A = floats(draw, [batch.dim, 3], -4, -0.1);
      const B = floats(draw, [batch.rows, 3], -1, 1);
      const skipping = await ops.selectiveScan({ u: batch.hidden, delta: batch.residual, A, B, C: B, path });
      const [short, shortPath] = [pick(B, kept), path.compacted()];
      const scan = { u: hidden, delta: residual, A, B: short, C: short, path: shortPath };
      const compact = await ops.selectiveScan(scan);
      expectSame('y', compact.y.toFloat32(), pick(skipping.y, kept).toFloat32());
      expectSame('state', compact.state.toFloat32(), skipping.state.toFloat32());
    });
  });
});
