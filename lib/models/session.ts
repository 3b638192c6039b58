import { writeWhole } from '../atomic-file';
import { fromNative, fromNativeSync, SkipscanError } from '../errors';
import type { NativeSession } from '../native-model-types';
import type { Policy } from '../reduction/policy-types';
import { checkToken, checkTokens, type Tokens } from './arguments';
import type { LanguageModel } from './language-model';
import type { Kept } from './reduce';
import { readOn, stepOn } from './session-batch';
import { checkedFile, encodeSession } from './session-file';

/** What one layer carries from token to token. */
export type LayerState = {
  /** `[convWidth, channels]`: the convolution's last inputs, oldest first, zeros before the start. */
  conv: Float32Array;
  /** `[dInner, dState]` (Mamba) or `[heads, headDim, dState]` (Mamba-2). */
  ssm: Float32Array;
};

/** What a session is besides the native state. */
export type SessionState = { length: number; kept: Kept[]; reduction?: Policy };

/**
 * The recurrent state of one sequence. Made by `model.createSession()`; disposed with its model. Calls on one session
 * run in the order they are made.
 */
export class Session implements AsyncDisposable {
  readonly #model: LanguageModel;
  /** @internal */
  readonly native: NativeSession;
  /** @internal */
  readonly reduction?: Policy;
  #length: number;
  #kept: Kept[];
  #running = 0;
  #lost = false;
  #closing?: Promise<void>;

  /** @internal */
  constructor(model: LanguageModel, native: NativeSession, { length, kept, reduction }: SessionState) {
    this.#model = model;
    this.native = native;
    this.#length = length;
    this.#kept = kept;
    this.reduction = reduction;
  }

  /** Tokens that were read, removed ones included: the position of the next. */
  get length(): number {
    return this.#length;
  }

  /** The positions that each reduction of the prefills so far has left; empty without a reduction. */
  get kept(): Kept[] {
    return this.#kept;
  }

  /**
   * Reads a prompt, or a further part of one, and returns the logits after its last token: `[vocabRows]`. A session with a
   * reduction reduces each part on its own, positions going on.
   * When it fails or is aborted, the session is as it was before the call.
   */
  async prefill(tokens: Tokens, o: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    const ids = checkTokens(tokens, 'tokens', this.#model.config.vocabRows);
    const { logits } = await readOn(this.#model, [this], [ids], {
      logits: 'last',
      advance: true,
      reduce: true,
      signal: o.signal,
    });
    return logits;
  }

  /**
   * Reads one token and returns the logits after it: `[vocabRows]`. `model.stepAll()` does this for several sessions at once. A step
   * works in place: when it fails, the session has lost its state, and every further call but `dispose()` is `ERR_DISPOSED`.
   * A session that has read something is let in beyond `maxQueue`, one step at a time.
   *
   * @param o.signal leaves the queue of the model's calls; a step that has started ends
   */
  async step(token: number, o: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    checkToken(token, 'token', this.#model.config.vocabRows);
    return stepOn(this.#model, [this], Int32Array.of(token), o.signal);
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
    return fromNativeSync(() => this.native.layerState(layer));
  }

  /**
   * A second session with the same state, independent from here on. The state is copied when one of them goes on. Not while a call on
   * this session runs.
   */
  clone(): Session {
    this.#idle('clone');
    return this.#model.sessionFrom(this.native, {
      length: this.#length,
      kept: this.#kept,
      reduction: this.reduction,
    });
  }

  /** The state as bytes for `model.restoreSession()`, in this or another process, with the same model. */
  async save(): Promise<Uint8Array> {
    const save = async () => {
      this.assertState();
      return encodeSession(
        {
          fingerprint: this.#model.fingerprint,
          length: this.#length,
          kept: this.#kept,
          reduction: this.reduction,
        },
        fromNativeSync(() => this.native.stateBytes()),
        (into) => fromNative(() => this.native.exportState(into)),
      );
    };
    const kind = this.idle ? 'going on' : 'new';
    this.begin();
    try {
      return await this.#model.calls.run(save, { kind });
    } finally {
      this.end();
    }
  }

  /**
   * Writes what `save()` gives to a file, for `model.restoreSessionFrom()`. The file is there whole or as it was before, also where
   * this process is killed or the disk is full.
   *
   * @throws SkipscanError `ERR_ARGUMENT` where the file cannot be written (`cause` is the system's error)
   */
  async saveTo(file: string): Promise<void> {
    const path = checkedFile(file);
    await writeWhole(path, await this.save());
  }

  /** Gives the state's memory back, after the calls that are running. Every call returns the same promise. */
  dispose(): Promise<void> {
    this.#closing ??= this.#model.calls.run(async () => this.native.dispose(), { kind: 'upkeep' });
    return this.#closing;
  }

  /** `dispose()`, for `await using`. */
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
    this.assertState();
  }

  #idle(method: string): void {
    this.#open();
    if (this.idle) return;
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `Session.${method}() was called while another call on the session was running. Await that call first.`,
    );
  }

  /** @internal Whether it is one of this model's. */
  belongsTo(model: LanguageModel): boolean {
    return model === this.#model;
  }

  /** @internal Whether no call on this session runs or waits. */
  get idle(): boolean {
    return this.#running === 0;
  }

  /** @internal A call on this session starts to run, or to wait for its turn. */
  begin(): void {
    this.#open();
    this.#running += 1;
  }

  /** @internal The call has ended. */
  end(): void {
    this.#running -= 1;
  }

  /** @internal A step has failed: its state is neither that before the token nor that after it. */
  lose(): void {
    this.#lost = true;
  }

  /** @internal Also for calls that waited for their turn while a step failed. */
  assertState(): void {
    if (!this.#lost) return;
    throw new SkipscanError(
      'ERR_DISPOSED',
      'A step of this session failed in the middle, and its state is lost. Dispose the session; go on from a clone or from what ' +
        'save() gave before, or read the tokens again.',
    );
  }

  /** @internal The state has come to stand after `count` more tokens. */
  advanced(count: number, kept: Kept[]): void {
    this.#length += count;
    if (kept.length > 0) this.#kept = append(this.#kept, kept);
  }
}

/** The positions of a further prefill, after those before it. */
function append(before: Kept[], after: Kept[]): Kept[] {
  return after.map(({ layer, positions }, i) => {
    const all = Int32Array.from([...(before[i]?.positions ?? []), ...positions]);
    return { layer, offsets: Int32Array.of(0, all.length), positions: all };
  });
}
