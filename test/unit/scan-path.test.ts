import { ScanPath, SkipscanError } from '../../lib';
import type { ScanPathFields } from '../../lib/scan-path';
import { type Golden, readTensors } from '../helpers/read-tensors';
import { fixture } from '../helpers/reference';

const arrays = ({ index, gap, offsets, paramIndex, rank, lengths, rows }: ScanPath) => ({
  index: [...index],
  gap: [...gap],
  offsets: [...offsets],
  paramIndex: [...paramIndex],
  rank: [...rank],
  lengths: [...lengths],
  rows,
});

function message(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SkipscanError);
    expect((error as SkipscanError).code).toBe('ERR_ARGUMENT');
    return (error as SkipscanError).message;
  }
  throw new Error('expected it to throw');
}

describe('goldens', () => {
  let goldens: Map<string, Golden>;
  const ints = (name: string) => goldens.get(name)!.ints;
  const ascending = (rows: number[]) => rows.toSorted((a, b) => a - b);

  beforeAll(async () => {
    goldens = await readTensors(fixture('ops/reduction.safetensors'));
  });

  test.each([
    ['full', (full: ScanPath) => full],
    ['subset', (full: ScanPath, kept: number[]) => full.subset(kept)],
    ['backward', (full: ScanPath) => full.reversed()],
    ['backward_subset', (full: ScanPath, kept: number[]) => full.reversed().subset(kept)],
    ['backward_subset', (full: ScanPath, kept: number[]) => full.subset(kept).reversed()],
    [
      'permuted_subset',
      (full: ScanPath, kept: number[], order: number[]) => full.permuted(order).subset(kept),
    ],
    ['packed', (full: ScanPath, kept: number[], order: number[]) => full.permuted(order).subset(kept)],
    ['packed_full', (full: ScanPath) => full],
  ])('%s', (name, build) => {
    const offsets = ints(`path.${name}.full_offsets`);
    const lengths = offsets.slice(1).map((end, s) => end - offsets[s]);
    const kept = ascending(ints(`path.${name}.index`));
    const path = build(ScanPath.full(lengths), kept, ints(`path.${name}.full_index`));
    for (const field of ['index', 'gap', 'offsets', 'rank'] as const) {
      expect([...path[field]]).toEqual(ints(`path.${name}.${field}`));
    }
    expect([...path.paramIndex]).toEqual([...path.index]);
    expect(path.rows).toBe(offsets.at(-1));
    expect([...path.lengths]).toEqual(lengths);
    expect(path).toMatchObject({ steps: path.index.length, sequences: lengths.length });
  });
});

describe('composition', () => {
  const full = ScanPath.full([4, 1, 6]);

  test('a subset of a subset still counts positions of the full path', () => {
    const twice = full.subset([1, 2, 3, 4, 6, 7, 8, 10]).subset([1, 3, 6, 10]);
    expect(arrays(twice)).toEqual(arrays(full.subset([1, 3, 6, 10])));
    expect(arrays(twice)).toEqual({
      index: [1, 3, 6, 10],
      gap: [2, 2, 2, 4],
      offsets: [0, 2, 2, 4],
      paramIndex: [1, 3, 6, 10],
      rank: [1, 3, 1, 5],
      lengths: [4, 1, 6],
      rows: 11,
    });
  });

  test('reversed twice is the same path, whatever was skipped', () => {
    const path = full.subset([0, 2, 7, 8]);
    expect(arrays(path.reversed().reversed())).toEqual(arrays(path));
    expect([...path.reversed().gap]).toEqual([2, 2, 3, 1]);
  });

  test('a permutation of a reversed path visits the order that was asked for', () => {
    const order = [3, 0, 2, 1, 4, 10, 9, 5, 6, 8, 7];
    expect(arrays(full.reversed().permuted(order))).toEqual(arrays(full.permuted(order)));
  });

  test('paramIndex goes with its step', () => {
    const path = new ScanPath({ ...ScanPath.full(4), paramIndex: [3, 1, 0, 1] });
    expect([...path.reversed().paramIndex]).toEqual([1, 0, 1, 3]);
    expect([...path.subset([1, 3]).paramIndex]).toEqual([1, 1]);
    expect([...path.permuted([2, 0, 3, 1]).paramIndex]).toEqual([0, 3, 1, 1]);
  });

  test('a compacted path walks the same way over tensors of the visited rows alone', () => {
    const path = full.reversed().subset([1, 3, 6, 10]);
    expect(arrays(path.compacted())).toEqual({
      ...arrays(path),
      index: [1, 0, 3, 2],
      paramIndex: [1, 0, 3, 2],
      rows: 4,
    });
    expect(arrays(full.compacted())).toEqual(arrays(full));
  });

  test('no array of a path is shared with what it was made from', () => {
    const index = Int32Array.of(1, 0);
    const path = new ScanPath({ index });
    index[0] = 99;
    expect([...path.index]).toEqual([1, 0]);
    expect([...path.paramIndex]).toEqual([1, 0]);
  });
});

test('fields have defaults: one sequence, nothing skipped, rows as far as they are visited', () => {
  expect(arrays(new ScanPath({ index: [4, 2] }))).toEqual({
    index: [4, 2],
    gap: [1, 1],
    offsets: [0, 2],
    paramIndex: [4, 2],
    rank: [0, 1],
    lengths: [2],
    rows: 5,
  });
});

describe('refuses', () => {
  const make = (fields: Partial<ScanPathFields>) => () => new ScanPath({ index: [0, 1, 2], ...fields });
  test.each<[string, () => unknown, string]>([
    ['no steps', make({ index: [] }), 'Expected at least one step for index but received none.'],
    [
      'no array',
      make({ index: undefined }),
      'Expected an Int32Array or an array of whole numbers for index but received undefined.',
    ],
    [
      'other typed arrays',
      make({ index: new Uint8Array(3) as never }),
      'for index but received Uint8Array(3 bytes).',
    ],
    ['fractions', make({ gap: [1, 1.5, 1] }), 'Expected whole numbers of 32 bits for gap but received 1.5.'],
    [
      'a row twice',
      make({ index: [0, 1, 0] }),
      'Expected each row at most once for index but received row 0 twice.',
    ],
    ['a negative row', make({ index: [0, -1, 2] }), 'Expected rows from 0 to 2 for index but received -1.'],
    ['a row beyond rows', make({ rows: 2 }), 'Expected rows from 0 to 1 for index but received 2.'],
    [
      'rows that are no count',
      make({ rows: 0 }),
      'Expected a whole number from 1 to 2^31 for rows but received 0.',
    ],
    ['a gap of 0', make({ gap: [1, 0, 1] }), 'Expected at least 1 for each step for gap but received 0.'],
    ['too few gaps', make({ gap: [1, 1] }), 'Expected 3 entries, one for each step, for gap but received 2.'],
    [
      'too few parameter rows',
      make({ paramIndex: [0] }),
      'Expected 3 entries, one for each step, for paramIndex but received 1.',
    ],
    [
      'a parameter row beyond rows',
      make({ paramIndex: [0, 1, 9], rows: 3 }),
      'Expected rows from 0 to 2 for paramIndex but received 9.',
    ],
    [
      'offsets that descend',
      make({ offsets: [0, 2, 1, 3] }),
      'Expected ascending offsets from 0 to 3, the number of steps, for offsets but received [0, 2, 1, 3].',
    ],
    ['offsets that end early', make({ offsets: [0, 2] }), 'for offsets but received [0, 2].'],
    ['no sequence', make({ offsets: [0] }), 'for offsets but received [0].'],
    [
      'lengths before the last step',
      make({ gap: [1, 2, 1], lengths: [3] }),
      'Expected at least [4], where the last steps are, for lengths but received [3].',
    ],
    ['lengths of another batch', make({ lengths: [3, 3] }), 'for lengths but received [3, 3].'],
    [
      'an empty sequence',
      () => ScanPath.full([3, 0]),
      'Expected at least 1 row in each sequence for length but received 0.',
    ],
    [
      'no sequence at all',
      () => ScanPath.full([]),
      'Expected at least 1 row in each sequence for length but received no sequence.',
    ],
    ['a length that is no number', () => ScanPath.full('4' as never), 'for length but received "4".'],
    [
      'more rows than int32 counts',
      () => ScanPath.full([2 ** 31 - 1, 1]),
      'Expected at most 2147483647 rows in all for length but received 2147483648.',
    ],
    [
      'keeping nothing',
      () => ScanPath.full(3).subset([]),
      'Expected at least one row for kept but received none.',
    ],
    [
      'kept rows out of order',
      () => ScanPath.full(3).subset([2, 1]),
      'Expected ascending rows for kept but received 1 after 2.',
    ],
    [
      'kept rows that are not there',
      () => ScanPath.full(3).subset([0, 3]),
      'Expected rows that the path visits for kept but received 3.',
    ],
    [
      'kept rows that were skipped before',
      () => ScanPath.full(3).subset([0, 2]).subset([1]),
      'Expected rows that the path visits for kept but received 1.',
    ],
    [
      'a permutation of a reduced path',
      () => ScanPath.full(3).subset([0, 2]).permuted([2, 0]),
      'Expected a path that visits every position but this one skips some. Call permuted before subset.',
    ],
    [
      'a permutation that is too short',
      () => ScanPath.full(3).permuted([0, 1]),
      'Expected 3 rows for order but received 2.',
    ],
    [
      'a permutation with a row twice',
      () => ScanPath.full(3).permuted([0, 1, 1]),
      'Expected each row of sequence 0 once for order but received row 1 at index 2.',
    ],
    [
      'a permutation across sequences',
      () => ScanPath.full([2, 2]).permuted([0, 2, 1, 3]),
      'Expected each row of sequence 0 once for order but received row 2 at index 1.',
    ],
  ])('%s', (_what, work, expected) => {
    expect(message(work)).toContain(expected);
  });
});
