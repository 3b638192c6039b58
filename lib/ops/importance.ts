import { invalidArgument } from '../errors';
import type { NativeFloats, NativeScanScores } from '../native-types';
import type { Tensor } from '../tensor';

const norms = ['clip', 'l1', 'l2', 'sum'] as const satisfies readonly NormImportance['metric'][];
const metrics = [...norms, 'delta', 'state'] as const satisfies readonly ScanImportance['metric'][];
const sources = ['gated', 'ssm'] as const satisfies readonly ScanImportance['source'][];

/** Scores that a scan gives besides its result: how important each token is; docs/reduction.md, section 3. */
export type ScanImportance = {
  /**
   * Over the channels of a row of y: the mean of max(y, 0) (`'clip'`, the choice of arXiv 2410.14725), of |y| (`'l1'`), the
   * root of the mean of y^2 (`'l2'`), the mean of y (`'sum'`). Or `'delta'`, the mean of the row's time steps dt, or
   * `'state'`, the token's share in the final state: the norm of what is left of its input over the norm of that state, as a
   * mean over channels or heads.
   */
  metric: 'clip' | 'l1' | 'l2' | 'sum' | 'delta' | 'state';
  /** Which y: after the gate, or before it. Defaults to `'gated'`; `'delta'` and `'state'` have none. */
  source?: 'gated' | 'ssm';
};

/** The same for a norm: scores of the rows that it returns. */
export type NormImportance = {
  /** As in `ScanImportance`. */
  metric: 'clip' | 'l1' | 'l2' | 'sum';
};

/** What an operator adds to its result when it was asked for `importance`. */
export type Scored = {
  /** `[rows]`, f32, computed before y is rounded to its dtype. Rows that the path does not visit are zero. */
  importance: Tensor;
};

/** The argument `importance` of a scan. */
export function readScanImportance(
  op: string,
  importance: ScanImportance | undefined,
): Required<ScanImportance> | undefined {
  if (importance === undefined) return undefined;
  checkFields(op, importance, ['metric', 'source']);
  return {
    metric: choice(`importance.metric of ops.${op}`, metrics, importance.metric),
    source: choice(`importance.source of ops.${op}`, sources, importance.source ?? 'gated'),
  };
}

/** The argument `importance` of a norm. */
export function readNormImportance(
  op: string,
  importance: NormImportance | undefined,
): NormImportance | undefined {
  if (importance === undefined) return undefined;
  checkFields(op, importance, ['metric']);
  return { metric: choice(`importance.metric of ops.${op}`, norms, importance.metric) };
}

/** What asks a scan's kernel for scores. Those of `'state'` come afterwards, from an operator of their own. */
export function scoresOnTheWay(
  importance: Required<ScanImportance> | undefined,
  scores: NativeFloats | undefined,
): NativeScanScores {
  if (importance === undefined || importance.metric === 'state') return {};
  return { importance: scores, metric: importance.metric, source: importance.source };
}

function checkFields(op: string, importance: object, known: readonly string[]): void {
  const name = `importance of ops.${op}`;
  if (typeof importance !== 'object' || importance === null) {
    throw invalidArgument(name, 'an object', importance);
  }
  const unknown = Object.keys(importance).find((field) => !known.includes(field));
  if (unknown) throw invalidArgument(name, `fields among ${known.join(', ')}`, unknown);
}

function choice<Value extends string>(name: string, values: readonly Value[], value: Value): Value {
  if (!values.includes(value)) throw invalidArgument(name, `one of '${values.join("', '")}'`, value);
  return value;
}
