import { expectTypeOf } from 'expect-type';
import type {
  Classification,
  ClassifyOptions,
  Explanation,
  ImageSource,
  Kept,
  PixelShape,
  Policy,
  VisionConfig,
  VisionForward,
  VisionModel,
  VisionStats,
} from 'skipscan';

declare const model: VisionModel;
declare const policy: Policy;
declare const signal: AbortSignal;
const pixels = new Float32Array(3 * 32 * 32);

// @ts-expect-error models come from loadVisionModel(): the class is not there as a value
new VisionModel({});
// @ts-expect-error what is internal is not declared
model.pass;

expectTypeOf(model.config).toEqualTypeOf<VisionConfig>();
expectTypeOf(model.config.family).toEqualTypeOf<'vim' | 'plainmamba'>();
expectTypeOf(model.labels).toEqualTypeOf<readonly string[]>();
expectTypeOf(model.memory()).toEqualTypeOf<{ weights: number; workspace: number }>();
expectTypeOf<VisionModel>().toExtend<AsyncDisposable>();

// ---- classify: an entry for each image, also where there is one
expectTypeOf<ImageSource>().toEqualTypeOf<string | Uint8Array>();
expectTypeOf(model.classify).parameters.toEqualTypeOf<
  [images: ImageSource | readonly ImageSource[], o?: ClassifyOptions | undefined]
>();
expectTypeOf(model.classify('a.jpg', { topK: 3, reduction: policy, signal })).resolves.toEqualTypeOf<
  Classification[][]
>();
expectTypeOf<Classification>().toEqualTypeOf<{ label: string; index: number; probability: number }>();
model.classify(['a.jpg', new Uint8Array()]);
// @ts-expect-error pixels are for forward()
model.classify(pixels);
// @ts-expect-error an option that there is not
model.classify('a.jpg', { top: 3 });

// ---- forward: pixels with their shape
expectTypeOf<[1, 3, 32, 32]>().toExtend<PixelShape>();
expectTypeOf(model.forward(pixels, [1, 3, 32, 32])).resolves.toEqualTypeOf<VisionForward>();
expectTypeOf<VisionForward['kept']>().toEqualTypeOf<Kept[]>();
expectTypeOf<VisionForward['stats']>().toEqualTypeOf<VisionStats>();
// @ts-expect-error a shape is needed
model.forward(pixels);
// @ts-expect-error of four sides
model.forward(pixels, [3, 32, 32]);

// ---- features: of files or of pixels
expectTypeOf(model.features(['a.jpg'], { reduction: policy })).resolves.toEqualTypeOf<Float32Array>();
expectTypeOf(model.features(pixels, [1, 3, 32, 32], { signal })).resolves.toEqualTypeOf<Float32Array>();

// ---- explain: whose choices are drawn must be said
expectTypeOf(model.explain('a.jpg', { reduction: policy })).resolves.toEqualTypeOf<Explanation>();
expectTypeOf<Explanation>().toEqualTypeOf<{ png: Uint8Array }>();
// @ts-expect-error no reduction
model.explain('a.jpg', {});

expectTypeOf(model.scanOrders(32, 32)).toEqualTypeOf<{ positions: Int32Array; moves?: Int32Array }>();
