import { types } from 'node:util';
import { cancellable } from '../cancel';
import type { Device } from '../device';
import { disposedModel, fromNative, fromNativeSync, SkipscanError } from '../errors';
import type { NativeVisionModel } from '../native-model-types';
import { Queue, type QueueStatus, type Runner } from '../queue';
import type { Policy } from '../reduction/policy-types';
import { type Classification, type ClassifyOptions, classify, imageFeatures } from './classify';
import { type ExplainOptions, type Explanation, explain } from './explain';
import { type Profile, profile } from './profile';
import { type Kept, nativeReduction } from './reduce';
import type { ActivationDtype, WeightDtype } from './run-options';
import type { VisionConfig } from './vision-config';
import type { ImageSource } from './vision-images';
import { checkImageSize, checkPixels, type PixelShape } from './vision-input';
import { type VisionStats, visionStats } from './vision-stats';

/** What a forward pass computes. */
export type VisionForwardOptions = {
  /** Removes tokens on the way. Defaults to none. */
  reduction?: Policy;
  /** Also return what every block returns. Not with a reduction. Defaults to false. */
  hiddenStates?: boolean;
  /** Stops the work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** How features are computed. */
export type FeatureOptions = Pick<VisionForwardOptions, 'reduction' | 'signal'>;

/** What a forward pass of images returns. */
export type VisionForward = {
  /** `[images, numClasses]`. */
  logits: Float32Array;
  /** Entries of one row of logits. */
  numClasses: number;
  /**
   * After each reduction: image i keeps the tokens at `positions`, from `offsets[i]` to `offsets[i + 1] - 1`. Patches are counted in
   * raster order, and in ViM the class token stands in the middle of them.
   */
  kept: Kept[];
  /**
   * Of each layer, `[images, tokens, dModel]`: the mixer's output, and the residual stream that it is to be added to. Where a depthwise
   * convolution ends the layer, `hidden` is the stream and `residual` is zero.
   */
  hiddenStates?: {
    /** The mixer's output. */
    hidden: Float32Array;
    /** The residual stream. */
    residual: Float32Array;
  }[];
  /** The work, and how long it took. */
  stats: VisionStats;
};

/** @internal What the loader hands over. */
export type LoadedVisionModel = {
  native: NativeVisionModel;
  source: string;
  config: VisionConfig;
  device: Device;
  dtype: WeightDtype;
  activations: ActivationDtype;
  fingerprint: string;
  backend: string;
  parameterCount: number;
  labels: readonly string[];
  maxQueue: number;
};

/** @internal A forward pass with what only some callers want. */
export type VisionPass = VisionForward & {
  /** `[images, dModel]`. */
  features?: Float32Array;
  /** Of every reduction, for the rows before it; absent where the policy scores nothing. */
  scores?: Float32Array[];
};

/** A ViM or PlainMamba image classifier. Made by `loadVisionModel()`. Calls run one after another, in the order they are made. */
export class VisionModel implements AsyncDisposable {
  /** The shape of the model. */
  readonly config: VisionConfig;
  /** Where the weights are. */
  readonly device: Device;
  /** How the weight matrices are held, and on a GPU the activations too. Sums and states are float32. */
  readonly dtype: WeightDtype;
  /** How what products read is held: on the CPU f32, unless the option `activations` asked for less. */
  readonly activations: ActivationDtype;
  /** Without the statistics of batch norms. */
  readonly parameterCount: number;
  /** The kernels that run: `amx`, `avx512`, `avx2`, `portable` or `cuda`. */
  readonly backend: string;
  /** Where it was loaded from. */
  readonly source: string;
  /** The name of every class. */
  readonly labels: readonly string[];
  /** @internal A hash of the weights. */
  readonly fingerprint: string;
  readonly #native: NativeVisionModel;
  /** @internal */
  readonly calls: Queue;
  #closing?: Promise<void>;

  /** @internal */
  constructor(loaded: LoadedVisionModel) {
    this.#native = loaded.native;
    this.calls = new Queue(loaded.maxQueue);
    this.source = loaded.source;
    this.config = loaded.config;
    this.device = loaded.device;
    this.dtype = loaded.dtype;
    this.activations = loaded.activations;
    this.backend = loaded.backend;
    this.parameterCount = loaded.parameterCount;
    this.labels = loaded.labels;
    this.fingerprint = loaded.fingerprint;
  }

  /**
   * Logits of images that are pixels already. Sizes other than the trained one are accepted: the position embedding is resampled as
   * the authors do it, and PlainMamba fills the last patches up with zeros.
   *
   * @param pixels `[images, 3, height, width]`, normalised by the mean and the deviation of ImageNet; copied when it is the call's turn
   */
  async forward(
    pixels: Float32Array,
    shape: PixelShape,
    o: VisionForwardOptions = {},
  ): Promise<VisionForward> {
    return this.pass(pixels, shape, o);
  }

  /**
   * The most probable classes of images, each from the most probable on. Images are prepared as the authors evaluate: the shorter
   * side is resampled to 8/7 of the trained size and the middle cut out.
   *
   * @param images a path, the content of an image file, or several of these; the result has an entry for each
   */
  classify(
    images: ImageSource | readonly ImageSource[],
    o: ClassifyOptions = {},
  ): Promise<Classification[][]> {
    return classify(this, images, o);
  }

  /** `[images, dModel]`: what the head is given, of image files, prepared as in `classify`, or of pixels, as in `forward`. */
  features(images: ImageSource | readonly ImageSource[], o?: FeatureOptions): Promise<Float32Array>;
  features(pixels: Float32Array, shape: PixelShape, o?: FeatureOptions): Promise<Float32Array>;
  async features(
    input: Float32Array | ImageSource | readonly ImageSource[],
    shapeOrOptions?: PixelShape | FeatureOptions,
    o: FeatureOptions = {},
  ): Promise<Float32Array> {
    if (!types.isFloat32Array(input)) {
      return imageFeatures(
        this,
        input as ImageSource | readonly ImageSource[],
        (shapeOrOptions ?? {}) as FeatureOptions,
      );
    }
    const { features } = await this.pass(input, shapeOrOptions as PixelShape, { ...o, features: true });
    return features!;
  }

  /** A picture of which patches each reduction drops, and of the scores it went by. */
  explain(image: ImageSource, o: ExplainOptions): Promise<Explanation> {
    return explain(this, image, o);
  }

  /** @internal `forward`, with features and scores if they are wanted, and in a place of the line if the caller has one. */
  async pass(
    pixels: Float32Array,
    shape: PixelShape,
    o: VisionForwardOptions & { features?: boolean; scores?: boolean; line?: Runner },
  ): Promise<VisionPass> {
    this.assertOpen();
    const { numClasses, dModel, layers } = this.config;
    const input = checkPixels(pixels, shape, this.config);
    const { images, height, width, tokens } = input;
    if (o.hiddenStates && o.reduction) {
      throw new SkipscanError('ERR_ARGUMENT', 'Expected hiddenStates or a reduction but received both.');
    }
    const lengths = Array<number>(images).fill(tokens);
    const reduction = o.reduction && nativeReduction(o.reduction, this.config, lengths);

    return (o.line ?? this.calls).run(async () => {
      if (pixels.length !== images * 3 * height * width) {
        throw new SkipscanError(
          'ERR_ARGUMENT',
          'The memory of pixels was transferred away or resized while the call waited for its turn. Transfer a copy instead.',
        );
      }
      // Its own, whatever becomes of the caller's memory while it computes.
      const own = pixels.slice();
      const slice = images * tokens * dModel;
      const room = (n: number, wanted = true) => (wanted ? new Float32Array(n) : undefined);
      const logits = new Float32Array(images * numClasses);
      const features = room(images * dModel, o.features === true);
      const hidden = room(layers * slice, o.hiddenStates === true);
      const residual = room(layers * slice, o.hiddenStates === true);
      const { milliseconds, kept, scores } = await cancellable(o.signal, (cell) =>
        fromNative(() =>
          this.#native.forward(
            own,
            { images, height, width },
            { logits, features, hidden, residual, scores: o.scores === true, reduction },
            cell,
          ),
        ),
      );
      const layer = (all: Float32Array, i: number) => all.subarray(i * slice, (i + 1) * slice);
      return {
        logits,
        numClasses,
        kept,
        hiddenStates:
          hidden &&
          residual &&
          Array.from({ length: layers }, (_, i) => ({
            hidden: layer(hidden, i),
            residual: layer(residual, i),
          })),
        features,
        scores,
        stats: { ...visionStats(this.config, input, kept, o.reduction), milliseconds },
      };
    }, o);
  }

  /**
   * The orders in which the scans of every layer visit the tokens of images of this size: `positions` is `[directions, tokens]`, two
   * directions for ViM and four for PlainMamba, whose `moves` say how each step was reached: 0 first, 1 right, 2 left, 3 up, 4 down.
   */
  scanOrders(
    height: number,
    width: number,
  ): {
    /** `[directions, tokens]` the token of each step. */
    positions: Int32Array;
    /** `[directions, tokens]` how each step was reached; PlainMamba only. */
    moves?: Int32Array;
  } {
    this.assertOpen();
    checkImageSize(1, height, width, this.config);
    return fromNativeSync(() => this.#native.scanOrders(height, width));
  }

  /**
   * Runs `work` and tells where the time of its calls on this model went. Operators are timed one by one, on a GPU by waiting for
   * each, so that there the whole takes longer than usual. Calls that others make on the model meanwhile are counted too.
   *
   * @throws SkipscanError `ERR_ARGUMENT` while another profile of this model runs; whatever `work` throws
   */
  async profile<Result>(work: () => Promise<Result>): Promise<Profile<Result>> {
    this.assertOpen();
    return profile(this.#native, this.calls, work);
  }

  /** Bytes of native memory in use on the model's device: packed weights, and the workspace of calls. */
  memory(): {
    /** Packed weights. */
    weights: number;
    /** The workspace of calls: as large as the largest pass so far needed. */
    workspace: number;
  } {
    this.assertOpen();
    return this.#native.memory();
  }

  /** How many calls run and wait, those whose images are being decoded included. */
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

  /** Gives all memory back, after the calls that are running. Every call returns the same promise. */
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
    await this.calls.run(async () => this.#native.dispose(), { kind: 'upkeep' });
  }

  /** @internal */
  assertOpen(): void {
    if (this.#closing) throw disposedModel();
  }
}
