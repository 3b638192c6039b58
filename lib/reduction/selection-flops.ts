import { isVision, type ModelConfig } from '../models/model-config';
import type { Policy } from './policy-types';

/** One reduction of one sequence. */
export type Reduction = {
  /** Tokens before it. */
  rows: number;
  /** Those of them that may be removed. */
  candidates: number;
  removed: number;
};

/**
 * FLOPs of one reduction: scores, similarities and merges. A multiply-add counts two; an exponential, a square root or a
 * division one; comparing, sorting and moving rows nothing.
 *
 * With N rows, C candidates, widths D and E, state size S, G groups and H heads:
 *
 * - Scores (`utrc`, `prune`, `ltmp`). `clip`, `l1` and `l2`: 2 for each row and channel, `sum`: 1, of D channels for source
 *   `block` and E for the others. `delta`: 1 for each row and time step, of which there are E (Mamba-1, PlainMamba), 2*E (ViM)
 *   or H. `state`: N*(5*E*S + 6*E) for Mamba-1, N*(2*E + 2*G*S + 8*H) for Mamba-2, and 2*E*S for the norm of the final state.
 *   `novel` and `novel2`: 5*N*D. `released-top`: N*E.
 * - Similarities (`utrc`, `merge`, `ltmp`): 2*D for each pair across the two halves of the candidates and for each
 *   candidate's norm; D for each candidate where the branches are added first.
 * - Merges: 2*D for each row and branch that is averaged into another.
 *
 * A reduction that removes nothing is not computed and costs nothing. `ltmp` only knows afterwards: it counts as if nothing
 * had been dropped before tokens were compared, which is the most it can cost.
 */
export function selectionFlops(config: ModelConfig, policy: Policy, reduction: Reduction): number {
  if (reduction.removed === 0 && policy.name !== 'ltmp') return 0;
  return (
    scoreFlops(config, policy, reduction.rows) +
    similarityFlops(config, policy, reduction.candidates) +
    2 * config.dModel * averagedRows(policy, reduction.removed)
  );
}

function scoreFlops(config: ModelConfig, policy: Policy, rows: number): number {
  if (policy.name === 'released-top') return rows * config.dInner;
  if (policy.name !== 'utrc' && policy.name !== 'prune' && policy.name !== 'ltmp') return 0;
  const { dModel: D, dInner: E } = config;
  const { metric, source } = policy.importance;
  const channels = source === 'block' ? D : E;
  switch (metric) {
    case 'clip':
    case 'l1':
    case 'l2':
      return 2 * rows * channels;
    case 'sum':
      return rows * channels;
    case 'delta':
      return rows * timeSteps(config);
    case 'state':
      return stateFlops(config, rows);
    case 'novel':
    case 'novel2':
      return 5 * rows * D;
  }
}

/** Of one token. PlainMamba's four scans share theirs. */
function timeSteps(config: ModelConfig): number {
  if (config.family === 'mamba2') return config.heads;
  return config.family === 'vim' ? 2 * config.dInner : config.dInner;
}

/** For causal models only. */
function stateFlops(config: ModelConfig, rows: number): number {
  if (isVision(config)) return 0;
  const { dInner: E, dState: S, groups: G, heads: H } = config;
  const perRow = config.family === 'mamba' ? 5 * E * S + 6 * E : 2 * E + 2 * G * S + 8 * H;
  return rows * perRow + 2 * E * S;
}

function similarityFlops({ dModel: D }: ModelConfig, policy: Policy, candidates: number): number {
  if (policy.name !== 'utrc' && policy.name !== 'merge' && policy.name !== 'ltmp') return 0;
  const pairs = Math.floor(candidates / 2) * Math.ceil(candidates / 2);
  const sums = policy.name !== 'ltmp' && policy.similarity === 'sum' ? D * candidates : 0;
  return 2 * D * (pairs + candidates) + sums;
}

/** Rows that are averaged into another, both branches together. */
function averagedRows(policy: Policy, removed: number): number {
  switch (policy.name) {
    case 'utrc':
      return 2 * removed - dropped(policy.hidden.q, removed) - dropped(policy.residual.q, removed);
    case 'prune':
      return policy.fuse ? 2 * removed : 0;
    case 'merge':
    case 'released-utrc':
    case 'ltmp':
      return 2 * removed;
    default:
      return 0;
  }
}

const dropped = (q: number, removed: number): number => Math.floor(q * removed + 0.5);
