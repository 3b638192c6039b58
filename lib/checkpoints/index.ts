import { checkpointFiles, openDirectory, openFile } from './directory';
import { openSource, type SourceKind } from './source';
import type { Checkpoint, OpenOptions } from './types';

export { downloadDataset } from './hub-dataset';
export { openTokenizer } from './tokenizer';
export type {
  Checkpoint,
  Manifest,
  OpenOptions,
  TensorEntry,
  TokenizerFiles,
  VisionCheckpoint,
} from './types';
export { openVisionCheckpoint, type VisionOpenOptions } from './vision';
export { openWeights, type ReadWeightOptions, type WeightInfo, type Weights } from './weights';

const checkpointSource: SourceKind<Checkpoint> = {
  argument: 'source',
  expected: 'a directory, a weights file or a hub id',
  example: 'state-spaces/mamba2-130m',
  files: checkpointFiles,
  openDirectory,
  openFile,
};

/**
 * Finds a checkpoint and reads its headers; the weights stay on disk.
 *
 * @param source a directory, a weights file (.safetensors, .bin, .pth, .pt) with config.json beside it, or a hub id
 *   such as `state-spaces/mamba2-130m`. A path that exists wins over a hub id of the same name.
 * @throws SkipscanError ERR_CHECKPOINT when the checkpoint is missing, damaged, or claims what cannot be.
 */
export async function openCheckpoint(source: string, options: OpenOptions = {}): Promise<Checkpoint> {
  return openSource(source, checkpointSource, options);
}
