import type { Runner } from '../queue';
import { flops } from '../reduction/flops';
import type { Policy } from '../reduction/policy-types';
import type { LanguageModelConfig } from './config';
import { labelLogprobs, scoreOf } from './label-logprobs';
import type { LanguageModel } from './language-model';
import { concatenate, packsOf } from './packed';
import { countsOf } from './reduce';
import { paperScores } from './score-paper';
import type { Session } from './session';
import { readOn } from './session-batch';

/** A context, and what may follow it: token ids, none of them empty. */
export type ScoreItem = { context: Int32Array; continuations: readonly Int32Array[] };

/** How probable a continuation is. */
export type Score = {
  /** Natural logarithm of each continuation token's probability, given the context and the tokens before it. With the protocol `'paper'`, of as many as there are rows for. */
  logprobs: Float32Array;
  /** Their sum. */
  total: number;
  /** Whether every continuation token is the most probable one. */
  greedy: boolean;
  /** How many of them are. */
  greedyTokens: number;
};

/** The score of each continuation, and the work that was done for them: as it was, with the reduction's own, and without one. */
export type ItemScores = { scores: Score[]; flops: number; denseFlops: number };

export type BatchOptions = { reduction?: Policy; protocol?: 'prefill' | 'paper'; signal?: AbortSignal };

/** Where the passes of one call wait for their turn, and what ends them. */
export type PassOptions = { line: Runner; signal?: AbortSignal };

/** Tokens of one pass, unless one sequence alone has more. */
const passTokens = 4096;
/** Bytes of logits, or of states, that are held at once, unless one sequence alone needs more. */
const passBytes = 128 << 20;
/** Bytes of logits that are copied in one piece. */
const copiedBytes = 4 << 20;

/**
 * Scores continuations in packed passes; each gets exactly what it would get alone. With the protocol `'prefill'` each context is
 * read once, with the reduction, and all its continuations from the state which that leaves.
 */
export async function scoreBatch(
  model: LanguageModel,
  items: readonly ScoreItem[],
  o: BatchOptions = {},
): Promise<ItemScores[]> {
  const most = passLimits(model.config);
  model.assertOpen();
  using line = model.calls.reserve();
  // Without a reduction the protocols differ in rounding only, by where a scan is cut: so this one is both.
  if (o.protocol === 'paper' && o.reduction) {
    return await paperScores(model, items, { ...o, line }, most.logitRows);
  }
  const packs = packsOf(items, ({ context }) => context.length, most);
  const scores: ItemScores[] = [];
  for (const pack of packs) scores.push(...(await prefillScores(model, pack, { ...o, line }, most)));
  return scores;
}

type PassLimits = { tokens: number; sequences: number; logitRows: number };

function passLimits({
  layers,
  family,
  convWidth,
  dInner,
  dState,
  groups,
  vocabRows,
}: LanguageModelConfig): PassLimits {
  const channels = family === 'mamba2' ? dInner + 2 * groups * dState : dInner;
  const state = 4 * layers * (convWidth * channels + dInner * dState);
  const logits = 4 * vocabRows;
  return {
    tokens: passTokens,
    sequences: Math.floor(passBytes / Math.max(state, logits)),
    logitRows: Math.max(1, Math.floor(passBytes / logits)),
  };
}

/** A continuation that is being scored, from the state of its context. */
type Reading = { item: number; tokens: Int32Array; session: Session; logprobs: number[]; greedy: boolean[] };

async function prefillScores(
  model: LanguageModel,
  items: readonly ScoreItem[],
  { reduction, signal, line }: BatchOptions & PassOptions,
  most: PassLimits,
): Promise<ItemScores[]> {
  const sessions = items.map(() => model.createSession({ reduction }));
  try {
    const contexts = items.map(({ context }) => context);
    const how = { logits: 'last', advance: true, reduce: true, signal, line } as const;
    const { logits } = await readOn(model, sessions, contexts, how);
    const readings = items.flatMap(({ continuations }, item) =>
      continuations.map((tokens): Reading => {
        return { item, tokens, session: sessions[item], logprobs: [], greedy: [] };
      }),
    );
    await scoreFirst(readings, logits, model.config.vocabRows);
    await scoreRest(model, readings, most, { signal, line });
    return items.map((item, i) => ({
      scores: readings.filter((reading) => reading.item === i).map(scoreOf),
      ...workOf(model.config, item, sessions[i], reduction),
    }));
  } finally {
    await Promise.all(sessions.map((session) => session.dispose()));
  }
}

/** The continuations' first tokens, by the logits that their contexts end with: copied a few megabytes at a time. */
async function scoreFirst(
  readings: readonly Reading[],
  logits: Float32Array,
  vocabRows: number,
): Promise<void> {
  const rows = Math.max(1, Math.floor(copiedBytes / (4 * vocabRows)));
  for (let at = 0; at < readings.length; at += rows) {
    await scoreFirstOf(readings.slice(at, at + rows), logits, vocabRows);
  }
}

async function scoreFirstOf(
  readings: readonly Reading[],
  logits: Float32Array,
  vocabRows: number,
): Promise<void> {
  const rows = new Float32Array(readings.length * vocabRows);
  for (const [i, { item }] of readings.entries()) {
    rows.set(logits.subarray(item * vocabRows, (item + 1) * vocabRows), i * vocabRows);
  }
  await addScores(
    readings,
    readings.map(({ tokens }) => tokens.subarray(0, 1)),
    rows,
  );
}

async function scoreRest(
  model: LanguageModel,
  readings: readonly Reading[],
  most: PassLimits,
  o: PassOptions,
): Promise<void> {
  const rest = ({ tokens }: Reading) => tokens.length - 1;
  const short = readings.filter((reading) => rest(reading) > 0 && rest(reading) <= most.logitRows);
  const how = { logits: 'all', reduce: false, ...o } as const;
  for (const pack of packsOf(short, rest, { tokens: most.logitRows, sequences: most.sequences })) {
    const sessions = pack.map(({ session }) => session);
    const inputs = pack.map(({ tokens }) => tokens.subarray(0, -1));
    const { logits } = await readOn(model, sessions, inputs, { ...how, advance: false });
    await addScores(
      pack,
      pack.map(({ tokens }) => tokens.subarray(1)),
      logits,
    );
  }
  for (const reading of readings.filter((reading) => rest(reading) > most.logitRows)) {
    await using session = reading.session.clone();
    for (let at = 0; at < rest(reading); at += most.logitRows) {
      const labels = reading.tokens.subarray(at + 1, at + 1 + most.logitRows);
      const input = reading.tokens.subarray(at, at + labels.length);
      const { logits } = await readOn(model, [session], [input], { ...how, advance: true });
      await addScores([reading], [labels], logits);
    }
  }
}

/** @param labels of each reading, which the rows of logits are for, one after another */
async function addScores(
  readings: readonly Reading[],
  labels: Int32Array[],
  logits: Float32Array,
): Promise<void> {
  const { logprobs, greedy } = await labelLogprobs(logits, concatenate(labels));
  let at = 0;
  for (const [i, reading] of readings.entries()) {
    const end = at + labels[i].length;
    reading.logprobs.push(...logprobs.subarray(at, end));
    reading.greedy.push(...greedy.slice(at, end));
    at = end;
  }
}

function workOf(
  config: LanguageModelConfig,
  { context, continuations }: ScoreItem,
  { kept }: Session,
  reduction?: Policy,
): { flops: number; denseFlops: number } {
  const counts = reduction?.name === 'ltmp' ? countsOf(kept, 0) : undefined;
  const read = (length: number, headRows: number, o = {}) => flops(config, { length, headRows, ...o }).total;
  const rest = continuations
    .map((tokens) => tokens.length - 1)
    .reduce((sum, length) => sum + (length > 0 ? read(length, length) : 0), 0);
  return {
    flops: read(context.length, 1, { reduction, counts }) + rest,
    denseFlops: read(context.length, 1) + rest,
  };
}
