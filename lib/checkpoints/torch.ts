import { badCheckpoint, describe } from '../errors';
import { elementBytes, elementCount, isCount, tensorBytes } from './dtypes';
import { bytes, type FileReader, rejectGitLfsPointer, withFile } from './files';
import { type Builder, isMap, PickleError, PickleGlobal, PickleObject, readPickle } from './pickle';
import { readSharded } from './sharded';
import type { TensorEntry } from './types';
import { isZip, readZip, type ZipEntry } from './zip';

/** A tensor found in a pickle: where its bytes are. A class, so that it can be told from other values. */
export class TorchTensor {
  constructor(
    readonly entry: TensorEntry,
    /** Why its bytes cannot be used as they are. An optimizer's tensors may be like that, and nobody reads them. */
    readonly problem?: string,
  ) {}
}

/** Far above the pickle of any checkpoint: it holds names and shapes, the weights are entries of their own. */
const maxPickleBytes = 64 << 20;

/** The limit of PyTorch. It also keeps a pickle from naming one long list as the shape of very many tensors. */
const maxRank = 64;

const storageDtypes = new Map([
  ['torch.DoubleStorage', 'f64'],
  ['torch.FloatStorage', 'f32'],
  ['torch.HalfStorage', 'f16'],
  ['torch.BFloat16Storage', 'bf16'],
  ['torch.LongStorage', 'i64'],
  ['torch.IntStorage', 'i32'],
  ['torch.ShortStorage', 'i16'],
  ['torch.CharStorage', 'i8'],
  ['torch.ByteStorage', 'u8'],
  ['torch.BoolStorage', 'bool'],
]);

/**
 * Reads where the tensors of a state dict lie in a file written by `torch.save` (PyTorch 1.6 or later).
 *
 * The state dict may be the saved object itself or its entry `state_dict` or `model`. Nothing in the file is executed:
 * a pickle that needs more than tensors is refused.
 *
 * @throws SkipscanError ERR_CHECKPOINT
 */
export async function readTorch(file: string): Promise<Map<string, TensorEntry>> {
  const saved = await readTorchObject(file);
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
  return withFile(file, async (reader) => {
    await rejectGitLfsPointer(reader);
    if (!(await isZip(reader))) throw await notZip(reader);
    const archive = await readZip(reader);
    const { prefix, pickle } = findPickle(file, archive);
    await checkByteOrder(reader, archive.get(`${prefix}byteorder`));
    const data = await reader.read(pickle.offset, pickle.size, describe(pickle.name));
    const builders = allowedGlobals(file);
    try {
      return readPickle(data, {
        findGlobal: (name) => builders.get(name) ?? refuseGlobal(name),
        persistentLoad: (id) => storage(id, archive, prefix),
      });
    } catch (cause) {
      if (!(cause instanceof PickleError)) throw cause;
      throw badCheckpoint(file, `in the pickle ${describe(pickle.name)} ${cause.message}.`, { cause });
    }
  });
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

function refuseGlobal(name: string): never {
  throw new PickleError(
    `it asks for ${describe(name)}, which is not among the few names a state dict needs. Nothing was executed. If you` +
      ' trust the file, save only model.state_dict() from Python, best as safetensors',
  );
}

/** The Python names that may occur, and the inert value each one stands for. */
function allowedGlobals(file: string): ReadonlyMap<string, Builder> {
  const builders = new Map<string, Builder>([
    ['collections.OrderedDict', emptyDict],
    ['torch._utils._rebuild_tensor_v2', (args) => tensor(file, args)],
    ['torch._utils._rebuild_parameter', parameter],
    ['argparse.Namespace', () => new PickleObject('argparse.Namespace')],
  ]);
  for (const name of storageDtypes.keys()) builders.set(name, () => refuseCall(name));
  return builders;
}

function refuseCall(name: string): never {
  throw new PickleError(`it calls ${name}; a storage is only ever named`);
}

function emptyDict(args: readonly unknown[]): Map<unknown, unknown> {
  if (args.length > 0) throw new PickleError('expected an OrderedDict to start empty');
  return new Map();
}

/** The range of the file that one saved storage fills. */
class Storage {
  constructor(
    readonly offset: number,
    readonly count: number,
    readonly dtype: string,
  ) {}
}

/** The persistent id of a storage: ('storage', type, key, device, number of elements). */
function storage(id: unknown, archive: Map<string, ZipEntry>, prefix: string): Storage {
  const [tag, type, key, , count] = Array.isArray(id) ? id : [];
  const dtype = type instanceof PickleGlobal ? storageDtypes.get(type.name) : undefined;
  if (tag !== 'storage' || !dtype || typeof key !== 'string' || !isCount(count)) {
    throw new PickleError('a reference to a storage is malformed');
  }
  const entry = archive.get(`${prefix}data/${key}`);
  if (!entry) throw new PickleError(`the storage ${describe(key)} is not in the file`);
  if (tensorBytes(dtype, [count]) !== entry.size) {
    throw new PickleError(
      `the storage ${describe(key)} is said to have ${count} elements of ${dtype}, but ${bytes(entry.size)} are stored`,
    );
  }
  return new Storage(entry.offset, count, dtype);
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata)`. */
function tensor(file: string, args: readonly unknown[]): TorchTensor {
  const [source, start, shape, strides] = args;
  const wellFormed =
    source instanceof Storage &&
    isCount(start) &&
    isCounts(shape) &&
    isCounts(strides) &&
    shape.length === strides.length;
  if (!wellFormed) throw new PickleError('a tensor is malformed');
  const { dtype, count, offset } = source;
  const label = `a tensor ${dtype} [${shape.slice(0, 8).join(', ')}]`;
  const used = elementCount(shape);
  if (used === undefined || start + used > count) {
    throw new PickleError(
      `${label} from element ${start} does not fit into its storage of ${count} elements`,
    );
  }
  const size = elementBytes.get(dtype)!;
  const entry = {
    file,
    offset: offset + start * size,
    byteLength: used * size,
    dtype,
    shape: [...shape],
  };
  const problem =
    `${label} has the strides [${strides.slice(0, 8).join(', ')}]; only contiguous tensors are read. Save it again` +
    ' with .contiguous()';
  return new TorchTensor(entry, isContiguous(shape, strides) ? undefined : problem);
}

/** `_rebuild_parameter(data, requires_grad, backward_hooks)`: for reading, a parameter is its data. */
function parameter([data]: readonly unknown[]): TorchTensor {
  if (!(data instanceof TorchTensor)) throw new PickleError('a parameter is malformed');
  return data;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= maxRank && value.every(isCount);
}

/** Row-major without gaps. The stride of an axis of one element, and all strides of an empty tensor, do not matter. */
function isContiguous(shape: number[], strides: number[]): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}
