import { describe } from '../errors';
import { PickleError, PickleInput, PickleStack } from './pickle-machine';

export { PickleError } from './pickle-machine';

/**
 * Builds an inert value for a global that the caller allows. It stands in for the Python function or class of that
 * name: it only records what it is given, and throws a PickleError when that makes no sense.
 */
export type Builder = (args: readonly unknown[]) => unknown;

export type PickleHooks = {
  /** The builder of an allowed global such as `collections.OrderedDict`; throws a PickleError for any other. */
  findGlobal(name: string): Builder;
  /** The value of a persistent id, which for torch describes a storage. */
  persistentLoad(id: unknown): unknown;
};

/** An allowed global, as a value on the stack. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly build: Builder,
  ) {}
}

/** An instance of an allowed class that has attributes, such as `argparse.Namespace`. */
export class PickleObject {
  attributes: ReadonlyMap<unknown, unknown> = new Map();

  constructor(readonly className: string) {}
}

/** Each operation creates at most one value, so this bounds stack, memo and every container; 30 make one tensor. */
const maxOperations = 1_000_000;
const stopOperation = 0x2e;

/**
 * Reads a pickle into inert data: null, booleans, numbers (bigint beyond 2^53), strings, byte arrays, arrays (lists and
 * tuples), Maps (dicts), and what `hooks` return. Nothing in the pickle is ever run: a pickle is a program, and this
 * reader carries out only the operations that put data together.
 *
 * @throws PickleError naming the byte at which the pickle asks for more than that, or ends.
 */
export function readPickle(data: Buffer, hooks: PickleHooks): unknown {
  const machine = { input: new PickleInput(data), stack: new PickleStack(), hooks };
  for (let count = 0; count < maxOperations; count++) {
    const start = machine.input.position;
    try {
      const code = machine.input.uint8();
      if (code === stopOperation) return machine.stack.pop();
      const run = operations.get(code);
      if (!run) throw new PickleError(`the operation 0x${hex(code)} is not one that a saved state dict uses`);
      run(machine);
    } catch (cause) {
      if (!(cause instanceof PickleError)) throw cause;
      throw new PickleError(`at byte ${start}: ${cause.message}`, { cause });
    }
  }
  throw new PickleError(`it has more than ${maxOperations} operations, far more than a checkpoint needs`);
}

export function isMap(value: unknown): value is Map<unknown, unknown> {
  return value instanceof Map;
}

function hex(code: number): string {
  return code.toString(16).padStart(2, '0');
}

type Machine = { input: PickleInput; stack: PickleStack; hooks: PickleHooks };

/** The operations that protocols 2 to 5 use for plain data and objects, with the names of Python's `pickletools`. */
const operations: ReadonlyMap<number, (machine: Machine) => void> = new Map([
  [0x80 /* PROTO */, ({ input }: Machine) => checkProtocol(input.uint8())],
  // A frame is a hint for reading ahead; its contents follow in place.
  [0x95 /* FRAME */, ({ input }) => void input.take(8)],

  [0x4e /* NONE */, ({ stack }) => stack.push(null)],
  [0x88 /* NEWTRUE */, ({ stack }) => stack.push(true)],
  [0x89 /* NEWFALSE */, ({ stack }) => stack.push(false)],
  [0x4a /* BININT */, ({ input, stack }) => stack.push(input.take(4).readInt32LE())],
  [0x4b /* BININT1 */, ({ input, stack }) => stack.push(input.uint8())],
  [0x4d /* BININT2 */, ({ input, stack }) => stack.push(input.take(2).readUInt16LE())],
  [0x8a /* LONG1 */, ({ input, stack }) => stack.push(input.integer(input.uint8()))],
  [0x47 /* BINFLOAT */, ({ input, stack }) => stack.push(input.take(8).readDoubleBE())],
  [0x8c /* SHORT_BINUNICODE */, ({ input, stack }) => stack.push(input.text(input.uint8()))],
  [0x58 /* BINUNICODE */, ({ input, stack }) => stack.push(input.text(input.uint32()))],
  [0x8d /* BINUNICODE8 */, ({ input, stack }) => stack.push(input.text(input.uint64()))],
  [0x43 /* SHORT_BINBYTES */, ({ input, stack }) => stack.push(input.take(input.uint8()))],
  [0x42 /* BINBYTES */, ({ input, stack }) => stack.push(input.take(input.uint32()))],

  [0x29 /* EMPTY_TUPLE */, ({ stack }) => stack.push([])],
  [0x85 /* TUPLE1 */, ({ stack }) => stack.push(stack.popMany(1))],
  [0x86 /* TUPLE2 */, ({ stack }) => stack.push(stack.popMany(2))],
  [0x87 /* TUPLE3 */, ({ stack }) => stack.push(stack.popMany(3))],
  [0x74 /* TUPLE */, ({ stack }) => stack.push(stack.popMark())],
  [0x5d /* EMPTY_LIST */, ({ stack }) => stack.push([])],
  [0x61 /* APPEND */, ({ stack }) => append(stack, stack.popMany(1))],
  [0x65 /* APPENDS */, ({ stack }) => append(stack, stack.popMark())],
  [0x7d /* EMPTY_DICT */, ({ stack }) => stack.push(new Map())],
  [0x73 /* SETITEM */, ({ stack }) => setItems(stack, stack.popMany(2))],
  [0x75 /* SETITEMS */, ({ stack }) => setItems(stack, stack.popMark())],

  [0x28 /* MARK */, ({ stack }) => stack.mark()],
  [0x30 /* POP */, ({ stack }) => stack.drop()],
  [0x31 /* POP_MARK */, ({ stack }) => void stack.popMark()],
  [0x32 /* DUP */, ({ stack }) => stack.push(stack.top)],
  [0x71 /* BINPUT */, ({ input, stack }) => stack.memoize(input.uint8())],
  [0x72 /* LONG_BINPUT */, ({ input, stack }) => stack.memoize(input.uint32())],
  [0x94 /* MEMOIZE */, ({ stack }) => stack.memoize()],
  [0x68 /* BINGET */, ({ input, stack }) => stack.recall(input.uint8())],
  [0x6a /* LONG_BINGET */, ({ input, stack }) => stack.recall(input.uint32())],

  [0x63 /* GLOBAL */, ({ input, stack, hooks }) => pushGlobal(stack, hooks, [input.line(), input.line()])],
  [0x93 /* STACK_GLOBAL */, ({ stack, hooks }) => pushGlobal(stack, hooks, stack.popMany(2))],
  [0x52 /* REDUCE */, ({ stack }) => build(stack, stack.popMany(2))],
  [0x81 /* NEWOBJ */, ({ stack }) => build(stack, stack.popMany(2))],
  [0x62 /* BUILD */, ({ stack }) => setState(stack, stack.pop())],
  [0x51 /* BINPERSID */, ({ stack, hooks }) => stack.push(hooks.persistentLoad(stack.pop()))],
]);

function checkProtocol(version: number): void {
  if (version < 2 || version > 5)
    throw new PickleError(`protocol ${version} is not supported; expected 2 to 5`);
}

function append(stack: PickleStack, items: unknown[]): void {
  const list = stack.top;
  if (!Array.isArray(list)) throw new PickleError(`expected a list to append to, found ${describe(list)}`);
  for (const item of items) list.push(item);
}

function setItems(stack: PickleStack, items: unknown[]): void {
  const dict = stack.top;
  if (!isMap(dict)) throw new PickleError(`expected a dict to fill, found ${describe(dict)}`);
  if (items.length % 2 !== 0) throw new PickleError('a dict key has no value');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
}

function pushGlobal(stack: PickleStack, hooks: PickleHooks, [module, name]: unknown[]): void {
  if (typeof module !== 'string' || typeof name !== 'string') {
    throw new PickleError('the name of a global is not a string');
  }
  const qualified = `${module}.${name}`;
  stack.push(new PickleGlobal(qualified, hooks.findGlobal(qualified)));
}

function build(stack: PickleStack, [global, args]: unknown[]): void {
  if (!(global instanceof PickleGlobal) || !Array.isArray(args)) {
    throw new PickleError('expected a global and the tuple of its arguments');
  }
  stack.push(global.build(args));
}

/** Attributes for the object on top. Those of a dict (`_metadata` of a state dict) say nothing about the data. */
function setState(stack: PickleStack, state: unknown): void {
  const object = stack.top;
  if (isMap(object)) return;
  if (!(object instanceof PickleObject) || !isMap(state)) {
    throw new PickleError(`expected an object and a dict of its attributes, found ${describe(object)}`);
  }
  object.attributes = state;
}
