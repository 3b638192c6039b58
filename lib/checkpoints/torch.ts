import { badCheckpoint, describe } from '../errors';
import { bytes, type FileReader, rejectGitLfsPointer, withFile } from './files';
import { isMap, PickleGlobal, PickleObject } from './pickle';
import { readSharded } from './sharded';
import { readTorchPickle, TorchTensor } from './torch-pickle';
import type { TensorEntry } from './types';
import { isZip, readZip, type ZipEntry } from './zip';

/** Far above the pickle of any checkpoint: it holds names and shapes, the weights are entries of their own. */
const maxPickleBytes = 64 << 20;

/**
 * Reads where the tensors of a state dict lie in a file written by `torch.save` (PyTorch 1.6 or later).
 *
 * The state dict may be the saved object itself or its entry `state_dict` or `model`. Nothing in the file is executed:
 * a pickle that needs more than tensors is refused.
 *
 * @throws SkipscanError ERR_CHECKPOINT
 */
export async function readTorch(file: string): Promise<Map<string, TensorEntry>> {
  return tensorsOf(file, await readTorchObject(file));
}

/** The tensors of a saved object that is a state dict or holds one. */
export function tensorsOf(file: string, saved: unknown): Map<string, TensorEntry> {
  const dict = stateDict(saved);
  if (!dict) {
    throw badCheckpoint(
      file,
      `no state dict was found: the saved object is ${picture(saved)}. Save model.state_dict() with torch.save.`,
    );
  }
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of dict) {
    if (typeof name !== 'string' || !(value instanceof TorchTensor)) {
      throw badCheckpoint(
        file,
        `expected the state dict to map names to tensors, but ${describe(name)} is ${picture(value)}.`,
      );
    }
    if (value.problem) throw badCheckpoint(file, `${describe(name)}: ${value.problem}.`);
    tensors.set(name, value.entry);
  }
  return tensors;
}

/** Reads all files that a `pytorch_model.bin.index.json` names. */
export function readTorchIndex(indexFile: string): Promise<Map<string, TensorEntry>> {
  return readSharded(indexFile, readTorch);
}

/**
 * Reads the whole object in a file written by `torch.save` as inert data: dicts are Maps, lists and tuples arrays,
 * tensors `TorchTensor`, instances of allowed classes `PickleObject`.
 */
export function readTorchObject(file: string): Promise<unknown> {
  return withFile(file, readTorchObjectFrom);
}

/** The same for a file that is open, or held in memory. */
export async function readTorchObjectFrom(reader: FileReader): Promise<unknown> {
  await rejectGitLfsPointer(reader);
  if (!(await isZip(reader))) throw await notZip(reader);
  const archive = await readZip(reader);
  const { prefix, pickle } = findPickle(reader.file, archive);
  await checkByteOrder(reader, archive.get(`${prefix}byteorder`));
  const data = await reader.read(pickle.offset, pickle.size, describe(pickle.name));
  return readTorchPickle(data, { file: reader.file, name: pickle.name, prefix, archive });
}

function stateDict(saved: unknown): Map<unknown, unknown> | undefined {
  if (!isMap(saved)) return undefined;
  for (const key of ['state_dict', 'model']) {
    const inner = saved.get(key);
    if (isMap(inner)) return inner;
  }
  return [...saved.values()].some((value) => value instanceof TorchTensor) ? saved : undefined;
}

/** A value of a pickle, in words of Python, for an error message. */
function picture(value: unknown): string {
  if (isMap(value)) {
    const keys = [...value.keys()].slice(0, 6).map(describe).join(', ');
    return value.size === 0
      ? 'an empty dict'
      : `a dict with the keys ${keys}${value.size > 6 ? ', ...' : ''}`;
  }
  if (value instanceof TorchTensor) return 'a tensor';
  if (value instanceof PickleObject) return `an object of ${value.className}`;
  if (value instanceof PickleGlobal) return `the global ${value.name}`;
  if (value === null) return 'None';
  return describe(value);
}

async function notZip(reader: FileReader): Promise<Error> {
  // Before 1.6, torch.save wrote this number (0x1950a86a20f9469cfc6c) as a pickle of protocol 2, then more pickles.
  const legacy = Buffer.from('80028a0a6cfc9c46f9206aa85019', 'hex');
  const start = await reader.read(0, Math.min(reader.size, legacy.length), 'the first bytes');
  if (start.equals(legacy)) {
    return badCheckpoint(
      reader.file,
      'this is a file of torch.save before PyTorch 1.6 (or with _use_new_zipfile_serialization=False), which is not' +
        ' read here. Load it and save it again with a current torch.save, or convert it to safetensors.',
    );
  }
  return badCheckpoint(
    reader.file,
    'this is not a file of torch.save, which since PyTorch 1.6 is a zip archive. Save the state dict with torch.save,' +
      ' or use safetensors.',
  );
}

/** All entries share one folder, named when the file was written: `archive/`, or after the file. */
function findPickle(file: string, archive: Map<string, ZipEntry>): { prefix: string; pickle: ZipEntry } {
  const found = [...archive.values()].filter(({ name }) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (found.length !== 1) {
    throw badCheckpoint(
      file,
      `expected one entry data.pkl in the zip archive, found ${found.length}. It was not written by torch.save.`,
    );
  }
  const [pickle] = found;
  if (pickle.size > maxPickleBytes) {
    throw badCheckpoint(
      file,
      `${describe(pickle.name)} has ${bytes(pickle.size)}; at most ${bytes(maxPickleBytes)} are read.`,
    );
  }
  return { prefix: pickle.name.slice(0, -'data.pkl'.length), pickle };
}

async function checkByteOrder(reader: FileReader, record: ZipEntry | undefined): Promise<void> {
  // Older versions of PyTorch do not write the record; they wrote the order of their machine, little-endian in practice.
  if (!record) return;
  const order = (await reader.read(record.offset, Math.min(record.size, 16), 'byteorder')).toString('latin1');
  if (order !== 'little') {
    throw badCheckpoint(
      reader.file,
      `the byte order of the tensors is ${describe(order)}; expected "little".`,
    );
  }
}
