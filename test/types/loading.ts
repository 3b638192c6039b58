import { expectTypeOf } from 'expect-type';
import {
  type ActivationDtype,
  type CudaStatus,
  cudaStatus,
  type Device,
  type DeviceInfo,
  type GatedNorm,
  type LanguageModel,
  type LoadOptions,
  listDevices,
  loadLanguageModel,
  loadVisionModel,
  type ModelOptions,
  type VisionLoadOptions,
  type VisionModel,
  type VisionModelName,
  type WeightDtype,
} from 'skipscan';

// ---- devices
expectTypeOf(listDevices).toEqualTypeOf<() => DeviceInfo[]>();
expectTypeOf(cudaStatus).toEqualTypeOf<() => CudaStatus>();
expectTypeOf<CudaStatus['reason']>().toEqualTypeOf<string | undefined>();
expectTypeOf<DeviceInfo['id']>().toEqualTypeOf<Device>();
expectTypeOf<'cpu' | 'cuda:0' | 'cuda:12'>().toExtend<Device>();
// @ts-expect-error a GPU has a number
export const unnumbered: Device = 'cuda';
// @ts-expect-error 'auto' is an option, never where something is
export const automatic: Device = 'auto';

// ---- options: unions, not free strings
expectTypeOf<WeightDtype>().toEqualTypeOf<'f32' | 'bf16' | 'f16' | 'i8'>();
expectTypeOf<ActivationDtype>().toEqualTypeOf<'f32' | 'bf16' | 'f16'>();
expectTypeOf<GatedNorm>().toEqualTypeOf<'whole' | 'grouped'>();
expectTypeOf<NonNullable<ModelOptions['device']>>().toEqualTypeOf<'auto' | Device>();
expectTypeOf<NonNullable<ModelOptions['activations']>>().toEqualTypeOf<'f32' | 'bf16'>();
expectTypeOf<LoadOptions>().toExtend<ModelOptions>();
expectTypeOf<VisionLoadOptions>().toExtend<ModelOptions>();
expectTypeOf<VisionModelName>().toEqualTypeOf<
  | 'vim-tiny'
  | 'vim-small'
  | 'vim-base'
  | 'vim-tiny-stride8'
  | 'vim-small-stride8'
  | 'plainmamba-l1'
  | 'plainmamba-l2'
  | 'plainmamba-l3'
>();

// ---- loaders
expectTypeOf(loadLanguageModel).parameters.toEqualTypeOf<[source: string, o?: LoadOptions | undefined]>();
expectTypeOf(loadLanguageModel).returns.toEqualTypeOf<Promise<LanguageModel>>();
expectTypeOf(loadVisionModel).parameters.toEqualTypeOf<[source: string, o?: VisionLoadOptions | undefined]>();
expectTypeOf(loadVisionModel).returns.toEqualTypeOf<Promise<VisionModel>>();

loadLanguageModel('folder', {
  device: 'auto',
  dtype: 'i8',
  threads: 2,
  cacheDir: 'cache',
  revision: 'main',
  tokenizer: 'EleutherAI/gpt-neox-20b',
  gatedNorm: 'grouped',
  signal: AbortSignal.timeout(1000),
  onProgress(done, total) {
    expectTypeOf(done).toEqualTypeOf<number>();
    expectTypeOf(total).toEqualTypeOf<number>();
  },
});
loadVisionModel('vim.pth', { model: 'vim-small', labels: ['cat', 'dog'] as const, file: 'vim.pth' });
loadVisionModel('vim.pth', { labels: 'labels.txt' });

// @ts-expect-error a source is needed
loadLanguageModel();
// @ts-expect-error a dtype that there is not
loadLanguageModel('folder', { dtype: 'int8' });
// @ts-expect-error activations have no 8 bits
loadLanguageModel('folder', { activations: 'i8' });
// @ts-expect-error a device that there is not
loadLanguageModel('folder', { device: 'gpu' });
// @ts-expect-error threads are a number
loadLanguageModel('folder', { threads: '2' });
// @ts-expect-error an option that there is not
loadLanguageModel('folder', { quantize: true });
// @ts-expect-error an option of language models
loadVisionModel('vim.pth', { tokenizer: 'folder' });
// @ts-expect-error a model that there is not
loadVisionModel('vim.pth', { model: 'vim-large' });
