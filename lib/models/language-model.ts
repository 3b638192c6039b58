import type { Device } from '../device';
import { disposedModel, fromNativeSync, SkipscanError } from '../errors';
import { native } from '../native';
import type { NativeLanguageModel, NativeSession } from '../native-model-types';
import { Queue, type QueueStatus } from '../queue';
import { policyFromJSON } from '../reduction/policies';
import type { Policy } from '../reduction/policy-types';
import type { Tokenizer } from '../text/tokenizer';
import type { Tokens } from './arguments';
import type { LanguageModelConfig } from './config';
import { type Forward, type ForwardOptions, forward } from './forward';
import { type GeneratedToken, type GenerateOptions, generate } from './generate';
import { type Profile, profile } from './profile';
import type { ActivationDtype, WeightDtype } from './run-options';
import { type ScoreOptions, score } from './score';
import type { Score } from './score-batch';
import { Session, type SessionState } from './session';
import { decodeSession, decodeSessionInPieces, readSessionFile, type SavedSession } from './session-file';
import { stepAll } from './step-all';

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
  maxQueue: number;
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
  readonly calls: Queue;
  /** @internal */
  readonly native: NativeLanguageModel;
  readonly #sessions = new Set<WeakRef<Session>>();
  #closing?: Promise<void>;

  /** @internal */
  constructor(loaded: LoadedModel) {
    this.native = loaded.native;
    this.calls = new Queue(loaded.maxQueue);
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
    return forward(this, tokens, o, this.calls);
  }

  /**
   * A fresh sequence.
   *
   * @param o.reduction removes tokens in every prefill, each on its own; steps remove nothing
   */
  createSession(o: { reduction?: Policy } = {}): Session {
    const reduction = o.reduction && policyFromJSON(o.reduction, 'the reduction');
    return this.sessionFrom(undefined, { length: 0, kept: [], reduction });
  }

  /** The session that `Session.save()` wrote. Another model's, or damaged bytes, are an error. */
  restoreSession(saved: Uint8Array): Session {
    return this.#restored(decodeSession(saved));
  }

  /**
   * The same without holding up the event loop for as long as the checksum takes, some 50 ms for a state of 20 MB where the
   * processor has no instructions for it. `saved` must not change meanwhile.
   */
  async restoreSessionAsync(saved: Uint8Array): Promise<Session> {
    return this.#restored(await decodeSessionInPieces(saved));
  }

  #restored({ fingerprint, state, ...rest }: SavedSession): Session {
    if (fingerprint !== this.fingerprint) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `The saved session belongs to another model (weights ${fingerprint}); this one has weights ${this.fingerprint}. ` +
          `Restore it with the model that made it.`,
      );
    }
    const session = this.sessionFrom(undefined, rest);
    try {
      fromNativeSync(() => session.native.importState(state));
    } catch (error) {
      void session.dispose();
      throw error;
    }
    return session;
  }

  /** The same for the file that `Session.saveTo()` wrote; one that cannot be read is an error too. */
  async restoreSessionFrom(file: string): Promise<Session> {
    return this.restoreSessionAsync(await readSessionFile(file));
  }

  /**
   * One token for each of several sessions, of any lengths, in one pass over the weights; each gets what `session.step()` gives it
   * alone. The states are copied side by side when sessions first step together, or in another order; then they stay there.
   * A session that steps alone, or with others, leaves. As with `session.step()`, sessions that it fails on have lost their states.
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
    return profile(this.native, this.calls, work);
  }

  /**
   * Bytes of native memory in use on the model's device: packed weights, the workspace of calls, states of open sessions. Sessions that
   * step together share one piece of memory with room for each; it is there until the last of them is disposed or has left. Clones
   * share until they go on.
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

  /** How many calls run and wait. Those of sessions, of `generate()` and of `score()` are among them. */
  queue(): QueueStatus {
    return this.calls.status();
  }

  /**
   * Resolves when the queue has room for one more call, which has to be made at once, before anything else is awaited: producers that
   * wait here add work as fast as it is done. Each of several that wait gets room of its own, in the order they came.
   *
   * @param o.signal ends the waiting; the promise rejects with `signal.reason`
   */
  async ready(o: { signal?: AbortSignal } = {}): Promise<void> {
    this.assertOpen();
    await this.calls.room(o.signal);
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
    this.calls.close(disposedModel());
    const sessions = [...this.#sessions].map((ref) => ref.deref()?.dispose());
    await Promise.all(sessions);
    await this.calls.run(async () => this.native.dispose(), { kind: 'upkeep' });
  }

  /** @internal A session that starts from nothing, or from where another stands. */
  sessionFrom(cloned: NativeSession | undefined, state: SessionState): Session {
    this.assertOpen();
    const nativeSession = fromNativeSync(() => new native.Session(this.native, cloned));
    const session = new Session(this, nativeSession, state);
    for (const ref of this.#sessions) if (!ref.deref()) this.#sessions.delete(ref);
    this.#sessions.add(new WeakRef(session));
    return session;
  }

  /** @internal */
  assertOpen(): void {
    if (this.#closing) throw disposedModel();
  }
}
