import type { Target } from '../engine/target';

/** Every target, loaded when it is asked for: only what it needs is instrumented then. */
const modules: Readonly<Record<string, () => Target>> = {
  safetensors: () => (require('./safetensors') as typeof import('./safetensors')).safetensors,
  'shard-index': () => (require('./safetensors') as typeof import('./safetensors')).shardIndex,
  'torch-zip': () => (require('./torch') as typeof import('./torch')).torchZip,
  'torch-pickle': () => (require('./torch') as typeof import('./torch')).torchPickle,
  config: () => (require('./config') as typeof import('./config')).config,
  'vision-shapes': () => (require('./config') as typeof import('./config')).visionShapes,
  session: () => (require('./session') as typeof import('./session')).session,
  tokenizer: () => (require('./tokenizer') as typeof import('./tokenizer')).tokenizer,
  policy: () => (require('./policy') as typeof import('./policy')).policy,
  'scan-path': () => (require('./scan-path') as typeof import('./scan-path')).scanPath,
  records: () => (require('./records') as typeof import('./records')).records,
  'text-files': () => (require('./records') as typeof import('./records')).textFiles,
};

export const targetNames: readonly string[] = Object.keys(modules);

export function loadTarget(name: string): Target {
  return modules[name]();
}
