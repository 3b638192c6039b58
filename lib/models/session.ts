import { cancellable } from '../cancel';
import { fromNative, SkipscanError } from '../errors';
import type { NativeSession } from '../native-model-types';
import { checkToken, checkTokens, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';
import { encodeSession } from './session-file';

/** What one layer carries from token to token. */
export type LayerState = {
  /** `[convWidth, channels]`: the convolution's last inputs, oldest first, zeros before the start. */
  conv: Float32Array;
  /** `[dInner, dState]` (Mamba) or `[heads, headDim, dState]` (Mamba-2). */
  ssm: Float32Array;
};

/**
 * The recurrent state of one sequence. Made by `model.createSession()`; disposed with its model. Calls on one session
 * run in the order they are made.
 */
export class Session implements AsyncDisposable {
  readonly #model: LanguageModel;
  readonly #native: NativeSession;
  #length: number;
  #running = 0;
  #closing?: Promise<void>;

  /** @internal */
  constructor(model: LanguageModel, native: NativeSession, length: number) {
    this.#model = model;
    this.#native = native;
    this.#length = length;
  }

  /** Tokens that the state has seen. */
  get length(): number {
    return this.#length;
  }

  /**
   * Reads a prompt, or a further part of one, and returns the logits after its last token: `[vocabRows]`.
   * When it fails or is aborted, the session is as it was before the call.
   */
  async prefill(tokens: Tokens, o: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#prefill(tokens, 1, o.signal);
  }

  /**
   * As `prefill`, with the logits after each token: `[tokens.length, vocabRows]`.
   * @internal
   */
  async prefillAll(tokens: Tokens, o: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    return this.#prefill(tokens, tokens.length, o.signal);
  }

  async #prefill(tokens: Tokens, logitRows: number, signal?: AbortSignal): Promise<Float32Array> {
    const ids = checkTokens(tokens, 'tokens', this.#model.config.vocabRows);
    return this.#run(async () => {
      const logits = new Float32Array(logitRows * this.#model.config.vocabRows);
      await cancellable(signal, (cell) => fromNative(this.#native.prefill(ids, logits, cell)));
      this.#length += ids.length;
      return logits;
    }, signal);
  }

  /** Reads one token and returns the logits after it: `[vocabRows]`. */
  async step(token: number): Promise<Float32Array> {
    checkToken(token, 'token', this.#model.config.vocabRows);
    return this.#run(async () => {
      const logits = new Float32Array(this.#model.config.vocabRows);
      await fromNative(this.#native.step(token, logits));
      this.#length += 1;
      return logits;
    });
  }

  /** A copy of one layer's state. Not while a call on this session runs. */
  state(layer: number): LayerState {
    this.#idle('state');
    const { layers } = this.#model.config;
    if (!Number.isInteger(layer) || layer < 0 || layer >= layers) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `Expected a layer from 0 to ${layers - 1} but received ${String(layer)}.`,
      );
    }
    return this.#native.layerState(layer);
  }

  /** A second session with the same state, independent from here on. Not while a call on this session runs. */
  clone(): Session {
    this.#idle('clone');
    return this.#model.sessionFrom((native) => native.copyFrom(this.#native), this.#length);
  }

  /** The state as bytes for `model.restoreSession()`, in this or another process, with the same model. */
  async save(): Promise<Uint8Array> {
    return this.#run(async () =>
      encodeSession({
        fingerprint: this.#model.fingerprint,
        length: this.#length,
        state: this.#native.exportState(),
      }),
    );
  }

  /** Gives the state's memory back, after the calls that are running. Every call returns the same promise. */
  dispose(): Promise<void> {
    this.#closing ??= this.#model.queue.run(async () => this.#native.dispose());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #open(): void {
    this.#model.assertOpen();
    if (this.#closing) {
      throw new SkipscanError(
        'ERR_DISPOSED',
        'This session was disposed. Make another with model.createSession().',
      );
    }
  }

  #idle(method: string): void {
    this.#open();
    if (this.#running === 0) return;
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `Session.${method}() was called while another call on the session was running. Await that call first.`,
    );
  }

  async #run<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#open();
    this.#running += 1;
    try {
      return await this.#model.queue.run(job, signal);
    } finally {
      this.#running -= 1;
    }
  }
}
