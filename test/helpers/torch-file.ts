import { type ZipOptions, type ZipSource, zipFile } from './zip-file';

/** Pieces of a pickle of protocol 2. Each pushes one value on the stack of whoever reads it. */
export const pickle = {
  none: Buffer.from('N'),
  false: Buffer.from([0x89]),
  emptyDict: Buffer.from('}'),
  text: (value: string) =>
    Buffer.concat([Buffer.from('X'), uint32(Buffer.byteLength(value)), Buffer.from(value)]),
  integer: (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return Buffer.concat([Buffer.from([0x8a, 8]), bytes]);
  },
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  tuple: (...items: Buffer[]) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]),
  dict: (...items: [key: Buffer, value: Buffer][]) =>
    Buffer.concat([Buffer.from('}('), ...items.flat(), Buffer.from('u')]),
  call: (global: Buffer, ...args: Buffer[]) =>
    Buffer.concat([global, pickle.tuple(...args), Buffer.from('R')]),
  persistent: (id: Buffer) => Buffer.concat([id, Buffer.from('Q')]),
  document: (...operations: Buffer[]) =>
    Buffer.concat([Buffer.from([0x80, 2]), ...operations, Buffer.from('.')]),
};

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A tensor of a state dict, and any claim of its description that shall differ from the truth. */
export type TorchTensorSource = {
  shape: number[];
  strides?: number[];
  /** First element within the storage. */
  start?: number;
  /** Name of the storage, the entry `data/<key>`; tensors may share one. */
  key: string;
  /** Elements the storage is said to have. */
  count: number;
  storageType?: string;
};

/** The pickle of one tensor. */
export function tensorPickle({
  shape,
  strides,
  start = 0,
  key,
  count,
  storageType = 'FloatStorage',
}: TorchTensorSource) {
  const { call, global, persistent, tuple, text, integer } = pickle;
  const storage = tuple(
    text('storage'),
    global('torch', storageType),
    text(key),
    text('cpu'),
    integer(count),
  );
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    persistent(storage),
    integer(start),
    tuple(...shape.map(integer)),
    tuple(...(strides ?? rowMajor(shape)).map(integer)),
    pickle.false,
    call(global('collections', 'OrderedDict')),
  );
}

/** The pickle of a state dict. */
export function stateDictPickle(tensors: Readonly<Record<string, TorchTensorSource>>): Buffer {
  return pickle.dict(
    ...Object.entries(tensors).map(([name, source]): [Buffer, Buffer] => [
      pickle.text(name),
      tensorPickle(source),
    ]),
  );
}

/** A file of `torch.save`: the pickled object and the bytes of each storage. */
export function torchFile(
  object: Buffer,
  storages: Readonly<Record<string, Uint8Array>> = {},
  {
    prefix = 'archive/',
    byteOrder = 'little',
    ...options
  }: ZipOptions & { prefix?: string; byteOrder?: string } = {},
): Buffer {
  const entries: ZipSource[] = [
    { name: `${prefix}data.pkl`, data: pickle.document(object) },
    { name: `${prefix}byteorder`, data: Buffer.from(byteOrder) },
    ...Object.entries(storages).map(([key, data]) => ({ name: `${prefix}data/${key}`, data })),
    { name: `${prefix}version`, data: Buffer.from('3\n') },
  ];
  return zipFile(entries, options);
}

function rowMajor(shape: number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
}
