import { cancellable } from '../cancel';
import { fromNative, SkipscanError } from '../errors';
import type { JobKind, Runner } from '../queue';
import type { LanguageModel } from './language-model';
import { concatenate, startOffsets } from './packed';
import { type Kept, nativeReduction } from './reduce';
import type { Session } from './session';

export type ReadOptions = {
  /** Logits after every token, or after the last of each session's. */
  logits: 'all' | 'last';
  /** Whether the sessions go on. If not, they stay as they are, and one may be there several times: once for each way it could go on. */
  advance: boolean;
  /** Whether the sessions' reductions, which must be one and the same, remove tokens. Needs sessions of one length. */
  reduce: boolean;
  signal?: AbortSignal;
  /** Where the call waits for its turn. Defaults to the line of the model's calls. */
  line?: Runner;
};

/**
 * Each session reads on, all in one packed pass; each gets exactly what it would get alone. When the call fails or is aborted, the
 * sessions are as they were.
 *
 * @param tokens what each session reads, checked: not empty
 * @returns logits `[rows, vocabRows]`, sessions one after another, and what the reductions have left
 */
export async function readOn(
  model: LanguageModel,
  sessions: readonly Session[],
  tokens: readonly Int32Array[],
  o: ReadOptions,
): Promise<{ logits: Float32Array; kept: Kept[] }> {
  const line = o.line ?? model.calls;
  return running(
    sessions,
    () => read(model, sessions, tokens, o),
    (job) => line.run(job, o),
  );
}

/**
 * Each session reads one token, all in one pass over the weights and in place: a step is not undone when it fails, so that
 * sessions are lost, and not stopped once it has started. Sessions that have read something go on, one step at a time, also where
 * new work is refused.
 *
 * @param sessions different ones
 * @param tokens one for each session, checked
 * @returns logits `[sessions, vocabRows]`
 */
export async function stepOn(
  model: LanguageModel,
  sessions: readonly Session[],
  tokens: Int32Array,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const step = async () => {
    const logits = new Float32Array(sessions.length * model.config.vocabRows);
    const states = sessions.map(({ native }) => native);
    try {
      await fromNative(() => model.native.step(states, tokens, logits));
    } catch (error) {
      for (const session of sessions) session.lose();
      throw error;
    }
    for (const session of sessions) session.advanced(1, []);
    return logits;
  };
  const goesOn = sessions.every((session) => session.length > 0 && session.idle);
  const kind: JobKind = goesOn ? 'going on' : 'new';
  return running(sessions, step, (job) => model.calls.run(job, { signal, kind }));
}

/**
 * Sessions are in use from now on until `run` has ended, which runs the job when it is its turn: until then a step can fail and take
 * their states.
 */
async function running<T>(
  sessions: readonly Session[],
  job: () => Promise<T>,
  run: (job: () => Promise<T>) => Promise<T>,
): Promise<T> {
  const begun: Session[] = [];
  try {
    for (const session of sessions) {
      session.begin();
      begun.push(session);
    }
    return await run(() => {
      for (const session of begun) session.assertState();
      return job();
    });
  } finally {
    for (const session of begun) session.end();
  }
}

async function read(
  model: LanguageModel,
  sessions: readonly Session[],
  tokens: readonly Int32Array[],
  o: ReadOptions,
): Promise<{ logits: Float32Array; kept: Kept[] }> {
  const { config } = model;
  const [{ length: start, reduction: policy }] = sessions;
  const lengths = tokens.map(({ length }) => length);
  const ids = concatenate(tokens);
  const lastOnly = o.logits === 'last';
  const logits = new Float32Array((lastOnly ? tokens.length : ids.length) * config.vocabRows);
  const reduction = o.reduce && policy ? nativeReduction(policy, config, lengths, start) : undefined;
  if (reduction && sessions.some(({ length }) => length !== start)) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      'Sessions that are reduced together must have read equally much.',
    );
  }
  const from = { sessions: sessions.map(({ native }) => native), start, advance: o.advance };
  const { kept } = await cancellable(o.signal, (cell) =>
    fromNative(() =>
      model.native.forward(ids, startOffsets(tokens), { lastOnly, logits, reduction, from }, cell),
    ),
  );
  if (o.advance) {
    for (const [s, session] of sessions.entries()) session.advanced(lengths[s], kept.map(sequenceOf(s)));
  }
  return { logits, kept };
}

/** What a reduction has left of sequence `s`. */
function sequenceOf(s: number): (kept: Kept) => Kept {
  return ({ layer, offsets, positions }) => ({
    layer,
    offsets: Int32Array.of(0, offsets[s + 1] - offsets[s]),
    positions: positions.slice(offsets[s], offsets[s + 1]),
  });
}
