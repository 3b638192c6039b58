import { types } from 'node:util';
import type { Int32s } from './elements';
import { invalidArgument, mismatch, SkipscanError } from './errors';
import { placesOf } from './row-places';

/** What a path is made of; see the fields of `ScanPath`. */
export type ScanPathFields = {
  /** `[steps]` the row of each step; no row twice. */
  index: Int32s;
  /** Defaults to 1 everywhere: no position was skipped. */
  gap?: Int32s;
  /** Defaults to one sequence of all steps. */
  offsets?: Int32s;
  /** Defaults to `index`. */
  paramIndex?: Int32s;
  /** Defaults to where the last step of each sequence is: no position was skipped after it. */
  lengths?: Int32s;
  /** Defaults to the largest row that is visited or read from, plus 1. */
  rows?: number;
};

const maxInt32 = 0x7fffffff;

/**
 * The order in which a scan or a causal convolution visits the rows of token-major tensors. Direction, permutation, skipped
 * tokens and packed batches are all said by it; nothing is flipped, padded or copied. Each method returns a new path; the
 * arrays of a path must not be written to.
 *
 * Step k of sequence s, `offsets[s] <= k < offsets[s + 1]`, reads u (or x) from row `index[k]` and writes y there, takes dt,
 * B and C from row `paramIndex[k]`, and is `gap[k]` positions after the step before it.
 */
export class ScanPath {
  /** `[steps]` the row of each step; no row occurs twice. */
  readonly index: Int32Array;
  /** `[steps]` how many positions of the full path a step advances, at least 1; above 1 where positions were skipped. */
  readonly gap: Int32Array;
  /** `[sequences + 1]` sequence s is steps `offsets[s]` to `offsets[s + 1] - 1`; it may have none. */
  readonly offsets: Int32Array;
  /** `[steps]` the row that a step takes dt, B and C from: that of `index`, unless it was given. */
  readonly paramIndex: Int32Array;
  /** `[sequences]` positions of each sequence in the full path, before anything was skipped. */
  readonly lengths: Int32Array;
  /** Rows that tensors on this path have. */
  readonly rows: number;

  /**
   * A path from its own arrays, which are copied. `new ScanPath({ ...path, paramIndex })` replaces one of them.
   *
   * @throws SkipscanError `ERR_ARGUMENT` when they contradict each other.
   */
  constructor(fields: ScanPathFields) {
    this.index = int32s('index', fields.index);
    const steps = this.index.length;
    this.gap = int32s('gap', fields.gap ?? new Int32Array(steps).fill(1));
    this.offsets = int32s('offsets', fields.offsets ?? [0, steps]);
    this.paramIndex = int32s('paramIndex', fields.paramIndex ?? this.index);
    this.#checkSteps();
    this.#checkReach();
    this.rows = fields.rows ?? Math.max(largest(this.index), largest(this.paramIndex)) + 1;
    this.#checkRows();
    const reached = this.#reached();
    this.lengths = int32s('lengths', fields.lengths ?? reached);
    if (this.lengths.length !== this.sequences || this.lengths.some((length, s) => length < reached[s])) {
      throw mismatch('lengths', `at least ${list(reached)}, where the last steps are,`, list(this.lengths));
    }
  }

  /**
   * Every row of one sequence, or of packed sequences of these lengths, in order. `ScanPath.full([1, 1, 1])` is one decoding
   * step of three sequences.
   */
  static full(length: number | Int32s): ScanPath {
    const lengths = int32s('length', typeof length === 'number' ? [length] : length);
    const wrong = lengths.findIndex((n) => n < 1);
    if (lengths.length === 0 || wrong >= 0) {
      throw mismatch(
        'length',
        'at least 1 row in each sequence',
        wrong < 0 ? 'no sequence' : String(lengths[wrong]),
      );
    }
    const rows = lengths.reduce((a, b) => a + b);
    if (rows > maxInt32) throw mismatch('length', `at most ${maxInt32} rows in all`, String(rows));
    const offsets = new Int32Array(lengths.length + 1);
    for (let s = 0; s < lengths.length; s++) offsets[s + 1] = offsets[s] + lengths[s];
    return new ScanPath({
      index: Int32Array.from({ length: rows }, (_, row) => row),
      offsets,
      lengths,
      rows,
    });
  }

  /** How many rows are visited. */
  get steps(): number {
    return this.index.length;
  }

  /** How many sequences are packed. */
  get sequences(): number {
    return this.offsets.length - 1;
  }

  /** `[steps]` where each step is in the full path of its sequence, counted from 0. */
  get rank(): Int32Array {
    const rank = new Int32Array(this.steps);
    for (let s = 0; s < this.sequences; s++) {
      for (let k = this.offsets[s], at = -1; k < this.offsets[s + 1]; k++) rank[k] = at += this.gap[k];
    }
    return rank;
  }

  /**
   * The same walk without some of its rows. The tensors stay as they are: a row that is not kept is neither read nor
   * written. Gaps count positions of the full path, also after several subsets.
   *
   * @param kept the rows to keep, ascending, all of them on this path: the same for every direction of a model. A sequence
   *   may lose all of its rows.
   */
  subset(kept: Int32s): ScanPath {
    const rows = int32s('kept', kept);
    if (rows.length === 0) throw mismatch('kept', 'at least one row', 'none');
    const stepOf = this.#stepOfRow();
    const keeps = new Uint8Array(this.steps);
    rows.forEach((row, i) => {
      if (i > 0 && row <= rows[i - 1]) {
        throw mismatch('kept', 'ascending rows', `${row} after ${rows[i - 1]}`);
      }
      const step = stepOf(row);
      if (step < 0) throw mismatch('kept', 'rows that the path visits', String(row));
      keeps[step] = 1;
    });
    const order: number[] = [];
    const offsets = new Int32Array(this.offsets.length);
    for (let s = 0; s < this.sequences; s++) {
      for (let k = this.offsets[s]; k < this.offsets[s + 1]; k++) if (keeps[k]) order.push(k);
      offsets[s + 1] = order.length;
    }
    const rank = this.rank;
    const ranks = order.map((k) => rank[k]);
    return this.#visit(order, gapsOf(ranks, offsets), offsets);
  }

  /**
   * The same walk over tensors that hold the visited rows alone, in ascending order, as `ops.reduceTokens` makes them of those
   * that `subset` keeps.
   */
  compacted(): ScanPath {
    const place = placesOf(Int32Array.from(this.index).sort(), this.rows);
    const lost = this.paramIndex.find((row) => place(row) < 0);
    if (lost !== undefined) throw mismatch('paramIndex', 'rows that the path visits', String(lost));
    return new ScanPath({
      index: this.index.map(place),
      paramIndex: this.paramIndex.map(place),
      gap: this.gap,
      offsets: this.offsets,
      lengths: this.lengths,
      rows: this.steps,
    });
  }

  /** Each sequence visited backwards, as by the second direction of a bidirectional model. */
  reversed(): ScanPath {
    const rank = this.rank;
    const order: number[] = [];
    const ranks: number[] = [];
    for (let s = 0; s < this.sequences; s++) {
      for (let k = this.offsets[s + 1] - 1; k >= this.offsets[s]; k--) {
        order.push(k);
        ranks.push(this.lengths[s] - 1 - rank[k]);
      }
    }
    return this.#visit(order, gapsOf(ranks, this.offsets), this.offsets);
  }

  /**
   * The rows of each sequence visited in another order, as by the directions of PlainMamba. Only for a path that skips
   * nothing: the order of all rows decides how many positions a later `subset` skips.
   *
   * @param order the rows in their new order; entries `offsets[s]` to `offsets[s + 1] - 1` are those of sequence s.
   */
  permuted(order: Int32s): ScanPath {
    const rows = int32s('order', order);
    if (this.lengths.some((length, s) => length !== this.offsets[s + 1] - this.offsets[s])) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        'Expected a path that visits every position but this one skips some. Call permuted before subset.',
      );
    }
    if (rows.length !== this.steps) throw mismatch('order', `${this.steps} rows`, `${rows.length}`);
    const stepOf = this.#stepOfRow();
    const steps = Array.from(rows, stepOf);
    for (let s = 0; s < this.sequences; s++) {
      const [begin, end] = [this.offsets[s], this.offsets[s + 1]];
      const seen = new Set<number>();
      for (let i = begin; i < end; i++) {
        if (steps[i] < begin || steps[i] >= end || seen.has(steps[i])) {
          throw mismatch('order', `each row of sequence ${s} once`, `row ${rows[i]} at index ${i}`);
        }
        seen.add(steps[i]);
      }
    }
    return this.#visit(steps, this.gap, this.offsets);
  }

  /** The path that takes these steps of this one. */
  #visit(steps: number[], gap: Int32Array, offsets: Int32Array): ScanPath {
    return new ScanPath({
      index: steps.map((k) => this.index[k]),
      paramIndex: steps.map((k) => this.paramIndex[k]),
      gap,
      offsets,
      lengths: this.lengths,
      rows: this.rows,
    });
  }

  /** The step that visits a row; -1 where none does. */
  #stepOfRow(): (row: number) => number {
    return placesOf(this.index, this.rows);
  }

  /** `[sequences]` how many positions there are up to the last step. */
  #reached(): Int32Array {
    const { rank, offsets } = this;
    return Int32Array.from({ length: this.sequences }, (_, s) =>
      offsets[s + 1] > offsets[s] ? rank[offsets[s + 1] - 1] + 1 : 0,
    );
  }

  #checkSteps(): void {
    const { steps, offsets } = this;
    if (steps === 0) throw mismatch('index', 'at least one step', 'none');
    for (const name of ['gap', 'paramIndex'] as const) {
      if (this[name].length !== steps) {
        throw mismatch(name, `${steps} entries, one for each step,`, String(this[name].length));
      }
    }
    const gap = this.gap.find((n) => n < 1);
    if (gap !== undefined) throw mismatch('gap', 'at least 1 for each step', String(gap));
    const descends = offsets.some((n, s) => s > 0 && n < offsets[s - 1]);
    if (offsets.length < 2 || offsets[0] !== 0 || offsets[offsets.length - 1] !== steps || descends) {
      throw mismatch('offsets', `ascending offsets from 0 to ${steps}, the number of steps,`, list(offsets));
    }
  }

  /** Positions are numbers of 32 bits, like rows. */
  #checkReach(): void {
    for (let s = 0; s < this.sequences; s++) {
      let reach = 0;
      for (let k = this.offsets[s]; k < this.offsets[s + 1]; k++) reach += this.gap[k];
      if (reach > maxInt32) {
        throw mismatch('gap', `at most ${maxInt32} positions in a sequence`, `${reach} in sequence ${s}`);
      }
    }
  }

  #checkRows(): void {
    if (!Number.isInteger(this.rows) || this.rows < 1 || this.rows > maxInt32 + 1) {
      throw invalidArgument('rows', 'a whole number from 1 to 2^31', this.rows);
    }
    for (const name of ['index', 'paramIndex'] as const) {
      const outside = this[name].find((row) => row < 0 || row >= this.rows);
      if (outside !== undefined) throw mismatch(name, `rows from 0 to ${this.rows - 1}`, String(outside));
    }
    const stepOf = this.#stepOfRow();
    const twice = this.index.find((row, k) => stepOf(row) !== k);
    if (twice !== undefined) throw mismatch('index', 'each row at most once', `row ${twice} twice`);
  }
}

/** Gaps from the ranks of the steps in the full path: the first step of a sequence comes from rank -1. */
function gapsOf(rank: ArrayLike<number>, offsets: Int32Array): Int32Array {
  const gap = new Int32Array(rank.length);
  for (let s = 0; s + 1 < offsets.length; s++) {
    for (let k = offsets[s], before = -1; k < offsets[s + 1]; before = rank[k++]) gap[k] = rank[k] - before;
  }
  return gap;
}

function int32s(name: string, values: Int32s): Int32Array {
  if (!Array.isArray(values) && !types.isInt32Array(values)) {
    throw invalidArgument(name, 'an Int32Array or an array of whole numbers', values);
  }
  // Anything may be in an array, such as what no number can be made of.
  const isInt32 = (n: unknown) => typeof n === 'number' && n === (n | 0);
  const wrong = types.isInt32Array(values) ? -1 : values.findIndex((n) => !isInt32(n));
  if (wrong >= 0) throw invalidArgument(name, 'whole numbers of 32 bits', values[wrong]);
  return Int32Array.from(values);
}

function largest(values: Int32Array): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

function list(values: Int32Array): string {
  return `[${values.slice(0, 8).join(', ')}${values.length > 8 ? ', ...' : ''}]`;
}
