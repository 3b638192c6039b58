import { cancellable } from '../cancel';
import type { Device } from '../device';
import { fromNative, fromNativeSync, SkipscanError } from '../errors';
import { native } from '../native';
import type { NativeLanguageModel, NativeSession } from '../native-model-types';
import { Queue } from '../queue';
import { flops } from '../reduction/flops';
import { policyFromJSON } from '../reduction/policies';
import type { Policy } from '../reduction/policy-types';
import type { Tokenizer } from '../text/tokenizer';
import { checkTokens, type Tokens } from './arguments';
import type { LanguageModelConfig } from './config';
import { type GeneratedToken, type GenerateOptions, generate } from './generate';
import { concatenate, positionsOf, startOffsets } from './packed';
import { type Profile, profile } from './profile';
import { countsOf, type Kept, nativeReduction } from './reduce';
import type { ActivationDtype, WeightDtype } from './run-options';
import { type ScoreOptions, score } from './score';
import type { Score } from './score-batch';
import { Session, type SessionState } from './session';
import { decodeSession } from './session-file';
import { stepAll } from './step-all';

/** What a forward pass computes. */
export type ForwardOptions = {
  /** Removes tokens on the way; the logits are those of the rows that are left. Defaults to none. */
  reduction?: Policy;
  /** Logits of every row, or of each sequence's last row only. Defaults to `'all'`. */
  logits?: 'all' | 'last';
  /** Also return the residual stream after the embedding, each block and the final norm. Not with a reduction. Defaults to false. */
  hiddenStates?: boolean;
  /** Stops between two tiles of work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** Packed results: sequence s is rows `offsets[s]` to `offsets[s + 1] - 1`. */
export type Forward = {
  /** `[rows, vocabSize]`. */
  logits: Float32Array;
  /** Entries of one row of logits, padding of the vocabulary included. */
  vocabSize: number;
  /** `[sequences + 1]` where each sequence begins. */
  offsets: Int32Array;
  /** Each row's position in its own prompt. */
  positions: Int32Array;
  /** After each reduction. */
  kept: Kept[];
  /** `[dModel]` rows of every token, also where only the last logits were asked for: the embedding, the residual stream after each block, the final norm. */
  hiddenStates?: Float32Array[];
  /** The work of all sequences, and how long it took. */
  stats: {
    /** Floating-point operations, a multiply-add counted as two; `flops()` says what counts. */
    flops: number;
    /** Without the reduction. */
    denseFlops: number;
    /** Scoring, comparing and merging tokens; part of `flops`. */
    reductionFlops: number;
    /** Of the pass itself, without waiting for its turn. */
    milliseconds: number;
  };
};

/** @internal What the loader hands over. */
export type LoadedModel = {
  native: NativeLanguageModel;
  source: string;
  config: LanguageModelConfig;
  device: Device;
  dtype: WeightDtype;
  activations: ActivationDtype;
  fingerprint: string;
  backend: string;
  parameterCount: number;
  tokenizer?: Tokenizer;
};

/** A Mamba or Mamba-2 language model. Made by `loadLanguageModel()`. Calls run one after another, in the order they are made. */
export class LanguageModel implements AsyncDisposable {
  /** The shape of the model. */
  readonly config: LanguageModelConfig;
  /** Where weights and states are. */
  readonly device: Device;
  /** How the weight matrices are held, and on a GPU the activations too. Sums and states are float32. */
  readonly dtype: WeightDtype;
  /** How what products read is held: on the CPU f32, unless the option `activations` asked for less. */
  readonly activations: ActivationDtype;
  /** Numbers in its weights, a tied head counted once. */
  readonly parameterCount: number;
  /** Present when the source, or the option `tokenizer`, carries one. */
  readonly tokenizer?: Tokenizer;
  /** The kernels that run: `amx`, `avx512`, `avx2`, `portable` or `cuda`. */
  readonly backend: string;
  /** Where it was loaded from. */
  readonly source: string;
  /** @internal A hash of the weights: which model a saved session belongs to. */
  readonly fingerprint: string;
  /** @internal */
  readonly queue = new Queue();
  /** @internal */
  readonly native: NativeLanguageModel;
  readonly #sessions = new Set<WeakRef<Session>>();
  #closing?: Promise<void>;

  /** @internal */
  constructor(loaded: LoadedModel) {
    this.native = loaded.native;
    this.source = loaded.source;
    this.config = loaded.config;
    this.device = loaded.device;
    this.dtype = loaded.dtype;
    this.activations = loaded.activations;
    this.fingerprint = loaded.fingerprint;
    this.backend = loaded.backend;
    this.parameterCount = loaded.parameterCount;
    this.tokenizer = loaded.tokenizer;
  }

  /**
   * Logits of one prompt, or of several prompts of any lengths in one packed pass; each gets exactly what it would get alone.
   *
   * @param tokens ids of one prompt, or a list of prompts
   */
  async forward(tokens: Tokens | readonly Tokens[], o: ForwardOptions = {}): Promise<Forward> {
    this.assertOpen();
    const { vocabRows, dModel, layers } = this.config;
    const prompts = isBatch(tokens)
      ? tokens.map((prompt, s) => checkTokens(prompt, `tokens[${s}]`, vocabRows))
      : [checkTokens(tokens, 'tokens', vocabRows)];
    const ids = concatenate(prompts);
    const starts = startOffsets(prompts);
    const lastOnly = o.logits === 'last';
    if (o.logits !== undefined && !lastOnly && o.logits !== 'all') {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `Expected 'all' or 'last' for logits but received ${String(o.logits)}.`,
      );
    }
    if (o.hiddenStates && o.reduction) {
      throw new SkipscanError('ERR_ARGUMENT', 'Expected hiddenStates or a reduction but received both.');
    }
    const lengths = prompts.map((prompt) => prompt.length);
    const reduction = o.reduction && nativeReduction(o.reduction, this.config, lengths);

    return this.queue.run(async () => {
      const room = new Float32Array((lastOnly ? prompts.length : ids.length) * vocabRows);
      const hidden = o.hiddenStates ? new Float32Array((layers + 2) * ids.length * dModel) : undefined;
      const { milliseconds, kept } = await cancellable(o.signal, (cell) =>
        fromNative(this.native.forward(ids, starts, { lastOnly, logits: room, hidden, reduction }, cell)),
      );
      const rows: Kept = kept.at(-1) ?? { layer: -1, offsets: starts, positions: positionsOf(prompts) };
      const shown = lastOnly ? lastRows(rows) : rows;
      const slice = ids.length * dModel;
      return {
        // A copy where a reduction left room unused: a view would keep all of it alive.
        logits:
          shown.positions.length * vocabRows < room.length
            ? room.slice(0, shown.positions.length * vocabRows)
            : room,
        vocabSize: vocabRows,
        offsets: shown.offsets,
        positions: shown.positions,
        kept,
        hiddenStates:
          hidden && Array.from({ length: layers + 2 }, (_, i) => hidden.subarray(i * slice, (i + 1) * slice)),
        stats: { ...this.#work(lengths, kept, shown.offsets, o.reduction), milliseconds },
      };
    }, o.signal);
  }

  #work(lengths: number[], kept: Kept[], offsets: Int32Array, reduction?: Policy) {
    const stats = { flops: 0, denseFlops: 0, reductionFlops: 0 };
    for (const [s, length] of lengths.entries()) {
      const headRows = offsets[s + 1] - offsets[s];
      const counts = reduction?.name === 'ltmp' ? countsOf(kept, s) : undefined;
      const work = flops(this.config, { length, headRows, reduction, counts });
      stats.flops += work.total;
      stats.reductionFlops += work.reduction;
      stats.denseFlops += flops(this.config, {
        length,
        headRows: reduction && headRows > 1 ? length : headRows,
      }).total;
    }
    return stats;
  }

  /**
   * A fresh sequence.
   *
   * @param o.reduction removes tokens in every prefill, each on its own; steps remove nothing
   */
  createSession(o: { reduction?: Policy } = {}): Session {
    const reduction = o.reduction && policyFromJSON(o.reduction, 'the reduction');
    return this.sessionFrom(() => {}, { length: 0, kept: [], reduction });
  }

  /** The session that `Session.save()` wrote. Another model's, or damaged bytes, are an error. */
  restoreSession(saved: Uint8Array): Session {
    const { fingerprint, state, ...rest } = decodeSession(saved);
    if (fingerprint !== this.fingerprint) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `The saved session belongs to another model (weights ${fingerprint}); this one has weights ${this.fingerprint}. ` +
          `Restore it with the model that made it.`,
      );
    }
    return this.sessionFrom((session) => session.importState(state), rest);
  }

  /**
   * One token for each of several sessions, of any lengths, in one pass over the weights; each gets what `session.step()` gives it
   * alone. The states are copied side by side when sessions first step together, or in another order; then they stay there.
   * A session that steps alone, or with others, leaves. Like `session.step()` it is not undone when it fails.
   *
   * @param sessions different ones of this model
   * @param tokens one for each session
   * @param o.signal leaves the queue of the model's calls; a step that has started ends
   * @returns logits `[vocabRows]` after each token: rows of one array
   */
  stepAll(
    sessions: readonly Session[],
    tokens: Tokens,
    o: { signal?: AbortSignal } = {},
  ): Promise<Float32Array[]> {
    return stepAll(this, sessions, tokens, o);
  }

  /**
   * Continues a prompt, token by token. Ends after `maxNewTokens`, at a stop string, or at a token that ends a text.
   * Leaving the loop early ends the generation.
   */
  generate(prompt: string | Tokens, o: GenerateOptions = {}): AsyncGenerator<GeneratedToken, void, void> {
    return generate(this, prompt, o);
  }

  /** Log-probabilities of a continuation, token by token, given the context. */
  score(context: string | Tokens, continuation: string | Tokens, o: ScoreOptions = {}): Promise<Score> {
    return score(this, context, continuation, o);
  }

  /**
   * Runs `work` and tells where the time of its calls on this model went. Operators are timed one by one, on a GPU by waiting for
   * each, so that there the whole takes longer than usual. Calls that others make on the model meanwhile are counted too.
   *
   * @throws SkipscanError `ERR_ARGUMENT` while another profile of this model runs; whatever `work` throws
   */
  async profile<Result>(work: () => Promise<Result>): Promise<Profile<Result>> {
    this.assertOpen();
    return profile(this.native, this.queue, work);
  }

  /**
   * Bytes of native memory in use on the model's device: packed weights, the workspace of calls, states of open sessions. Sessions that
   * step together share one piece of memory with room for each; it is there until the last of them is disposed or has left.
   */
  memory(): {
    /** Packed weights. */
    weights: number;
    /** The workspace of calls: as large as the largest pass so far needed. */
    workspace: number;
    /** States of open sessions. */
    sessions: number;
  } {
    this.assertOpen();
    return this.native.memory();
  }

  /** Gives all memory back, sessions included, after the calls that are running. Every call returns the same promise. */
  dispose(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** `dispose()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #close(): Promise<void> {
    const sessions = [...this.#sessions].map((ref) => ref.deref()?.dispose());
    await Promise.all(sessions);
    await this.queue.run(async () => this.native.dispose());
  }

  /** @internal A session whose state `fill` sets. */
  sessionFrom(fill: (session: NativeSession) => void, state: SessionState): Session {
    this.assertOpen();
    const nativeSession = fromNativeSync(() => new native.Session(this.native));
    try {
      fromNativeSync(() => fill(nativeSession));
    } catch (error) {
      nativeSession.dispose();
      throw error;
    }
    const session = new Session(this, nativeSession, state);
    for (const ref of this.#sessions) if (!ref.deref()) this.#sessions.delete(ref);
    this.#sessions.add(new WeakRef(session));
    return session;
  }

  /** @internal */
  assertOpen(): void {
    if (this.#closing)
      throw new SkipscanError('ERR_DISPOSED', 'This model was disposed. Load it again to use it.');
  }
}

function isBatch(tokens: Tokens | readonly Tokens[]): tokens is readonly Tokens[] {
  return Array.isArray(tokens) && typeof tokens[0] === 'object';
}

/** Each sequence's last row. */
function lastRows({ layer, offsets, positions }: Kept): Kept {
  const last = Array.from(offsets.subarray(1), (end) => positions[end - 1]);
  return {
    layer,
    offsets: Int32Array.from({ length: last.length + 1 }, (_, s) => s),
    positions: Int32Array.from(last),
  };
}
