import type { Checkpoint, TensorEntry } from '../checkpoints/types';
import { badCheckpoint } from '../errors';
import type { NativeTensorSource, NativeWeightSlot } from '../native-model-types';

/** Names that mean another's tensor: mamba_ssm calls the embedding what transformers calls the embeddings. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['backbone.embedding.weight', 'backbone.embeddings.weight'],
]);

const weightDtypes: ReadonlySet<string> = new Set(['f32', 'bf16', 'f16']);

/** How many names an error lists before it says how many more there are. */
const listed = 5;

function list(names: string[]): string {
  const more = names.length - listed;
  return names.slice(0, listed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * Finds the checkpoint's tensor for every slot of the model. Missing tensors, tensors that the model has no place for,
 * wrong shapes and unsupported dtypes are errors that name them.
 *
 * @returns one source for each slot, in the slots' order, with the bytes it takes in the file
 */
export function matchTensors(
  checkpoint: Checkpoint,
  slots: readonly NativeWeightSlot[],
  tiedHead: boolean,
): (NativeTensorSource & { byteLength: number })[] {
  const entries = new Map<string, TensorEntry>();
  for (const [name, entry] of checkpoint.manifest.tensors) entries.set(aliases.get(name) ?? name, entry);
  // Files that were saved with a tied head may carry it twice.
  if (tiedHead) entries.delete('lm_head.weight');

  const missing = slots.filter((slot) => !entries.has(slot.name)).map((slot) => slot.name);
  const wanted = new Set(slots.map((slot) => slot.name));
  const unknown = [...entries.keys()].filter((name) => !wanted.has(name));
  if (missing.length > 0 || unknown.length > 0) {
    const parts = [];
    if (missing.length > 0) parts.push(`it lacks ${list(missing)}`);
    if (unknown.length > 0) parts.push(`it has ${list(unknown)}, for which the model has no place`);
    throw badCheckpoint(
      checkpoint.directory,
      `the tensors do not fit the model that config.json describes: ${parts.join('; ')}. ` +
        `Use the weights and the config.json that were published together.`,
    );
  }

  return slots.map((slot) => {
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
        `${slot.name} has shape [${entry.shape.join(', ')}] but config.json asks for [${slot.shape.join(', ')}]. ` +
          `Use the weights and the config.json that were published together.`,
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
}
