import { bytes } from '../checkpoints/files';
import type { Checkpoint, TensorEntry } from '../checkpoints/types';
import { badCheckpoint, describeShape, shorten } from '../errors';
import type { NativeTensorSource, NativeWeightSlot } from '../native-model-types';

/** Where a model's shape was taken from, in the words of an error about tensors that do not fit it. */
export type Described = { model: string; asker: string; advice: string };

export const describedBy = {
  configFile: {
    model: 'the model that config.json describes',
    asker: 'config.json',
    advice: 'Use the weights and the config.json that were published together.',
  },
  modelName: (name: string): Described => ({
    model: name,
    asker: name,
    advice: 'Pass the name of the model that these weights are of, or leave the option model out.',
  }),
  shapes: {
    model: 'the model that their shapes make',
    asker: 'the model that the other shapes make',
    advice: 'Use the whole checkpoint as it was published, or put a config.json beside it.',
  },
};

export type MatchOptions = {
  described: Described;
  /** Names that mean another's tensor. */
  aliases?: ReadonlyMap<string, string>;
  /** Tensors that the model has no use for. */
  ignored?: (name: string) => boolean;
};

const weightDtypes: ReadonlySet<string> = new Set(['f32', 'bf16', 'f16']);

/** How many names an error lists before it says how many more there are. */
const listed = 5;

function list(names: string[]): string {
  const more = names.length - listed;
  return shorten(names.slice(0, listed).join(', '), 300) + (more > 0 ? ` and ${more} more` : '');
}

/**
 * Checks that a config's number of layers can be that of the weights, before anything is made for each layer.
 *
 * @throws SkipscanError `ERR_CHECKPOINT` where there are not even as many tensors
 */
export function assertLayers(
  { directory, manifest }: Pick<Checkpoint, 'directory' | 'manifest'>,
  layers: number,
): void {
  const { size } = manifest.tensors;
  if (size >= layers) return;
  throw badCheckpoint(
    directory,
    `the config describes ${layers} layers, but the weights have ${size} tensors in all. ${describedBy.configFile.advice}`,
  );
}

/**
 * Checks that weights are not made of the same bytes again and again, which would take far more memory than the files are long. Two
 * tensors may be one, as an embedding and a head are.
 */
function assertBacked(
  { directory, manifest }: Pick<Checkpoint, 'directory' | 'manifest'>,
  sources: readonly { byteLength: number }[],
): void {
  const claimed = sources.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const stored = manifest.files.reduce((sum, { size }) => sum + Number(size), 0);
  if (claimed <= 2 * stored) return;
  throw badCheckpoint(
    directory,
    `the tensors claim ${bytes(claimed)}, but the files have ${bytes(stored)}: many of them share the same ones. Save the` +
      ' state dict of the model itself, best as safetensors.',
  );
}

/**
 * Finds the checkpoint's tensor for every slot of the model. Missing tensors, tensors that the model has no place for,
 * wrong shapes and unsupported dtypes are errors that name them.
 *
 * @returns one source for each slot, in the slots' order, with the bytes it takes in the file
 */
export function matchTensors(
  checkpoint: Pick<Checkpoint, 'directory' | 'manifest'>,
  slots: readonly NativeWeightSlot[],
  { described, aliases, ignored = () => false }: MatchOptions,
): (NativeTensorSource & { byteLength: number })[] {
  const entries = new Map<string, TensorEntry>();
  for (const [name, entry] of checkpoint.manifest.tensors) {
    if (!ignored(name)) entries.set(aliases?.get(name) ?? name, entry);
  }
  const missing = slots.filter((slot) => !entries.has(slot.name)).map((slot) => slot.name);
  const wanted = new Set(slots.map((slot) => slot.name));
  const unknown = [...entries.keys()].filter((name) => !wanted.has(name));
  if (missing.length > 0 || unknown.length > 0) {
    const parts = [];
    if (missing.length > 0) parts.push(`it lacks ${list(missing)}`);
    if (unknown.length > 0) parts.push(`it has ${list(unknown)}, for which the model has no place`);
    throw badCheckpoint(
      checkpoint.directory,
      `the tensors do not fit ${described.model}: ${parts.join('; ')}. ${described.advice}`,
    );
  }

  const sources = slots.map((slot) => {
    const entry = entries.get(slot.name)!;
    if (!weightDtypes.has(entry.dtype)) {
      throw badCheckpoint(
        entry.file,
        `${slot.name} has dtype ${entry.dtype}; supported are f32, bf16 and f16. Convert the checkpoint to one of them.`,
      );
    }
    if (entry.shape.length !== slot.shape.length || entry.shape.some((n, i) => n !== slot.shape[i])) {
      throw badCheckpoint(
        entry.file,
        `${slot.name} has shape ${describeShape(entry.shape)} but ${described.asker} asks for [${slot.shape.join(', ')}]. ` +
          described.advice,
      );
    }
    return {
      slot: slot.name,
      file: entry.file,
      offset: entry.offset,
      byteLength: entry.byteLength,
      dtype: entry.dtype as NativeTensorSource['dtype'],
    };
  });
  assertBacked(checkpoint, sources);
  return sources;
}
