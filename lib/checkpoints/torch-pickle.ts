import { badCheckpoint, describe } from '../errors';
import { elementBytes, elementCount, isCount, tensorBytes } from './dtypes';
import { bytes } from './files';
import { type Builder, PickleError, PickleGlobal, PickleObject, readPickle } from './pickle';
import type { TensorEntry } from './types';
import type { ZipEntry } from './zip';

/** A tensor found in a pickle: where its bytes are. A class, so that it can be told from other values. */
export class TorchTensor {
  constructor(
    readonly entry: TensorEntry,
    /** Why its bytes cannot be used as they are. An optimizer's tensors may be like that, and nobody reads them. */
    readonly problem?: string,
  ) {}
}

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

/** Where a pickle comes from: its name in the archive, and the folder in there that it shares with its storages. */
export type PickleSource = {
  file: string;
  name: string;
  prefix: string;
  archive: ReadonlyMap<string, ZipEntry>;
};

/**
 * The object that a pickle of `torch.save` describes, as inert data; see `readTorchObject`.
 *
 * @throws SkipscanError ERR_CHECKPOINT
 */
export function readTorchPickle(data: Buffer, source: PickleSource): unknown {
  const builders = allowedGlobals(source.file);
  try {
    return readPickle(data, {
      findGlobal: (name) => builders.get(name) ?? refuseGlobal(name),
      persistentLoad: (id) => storage(id, source.archive, source.prefix),
    });
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    throw badCheckpoint(source.file, `in the pickle ${describe(source.name)} ${cause.message}.`, { cause });
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
function storage(id: unknown, archive: ReadonlyMap<string, ZipEntry>, prefix: string): Storage {
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
