import type { Draw } from '../../helpers/random';
import { pickle, tensorPickle } from '../../helpers/torch-file';
import type { Mutate } from '../engine/target';
import { drawLiteral, mutateBytes } from './bytes';

/** Operations whose argument is a count of bytes and the bytes: how many bytes the count has. */
const counted = new Map([
  [0x8c, 1],
  [0x58, 4],
  [0x8d, 8],
  [0x43, 1],
  [0x42, 4],
  [0x8a, 1],
]);
/** Those with an argument of a fixed length. */
const fixed = new Map([
  [0x80, 1],
  [0x95, 8],
  [0x4a, 4],
  [0x4b, 1],
  [0x4d, 2],
  [0x47, 8],
  [0x71, 1],
  [0x72, 4],
  [0x68, 1],
  [0x6a, 4],
]);
/** Those without one. */
const bare = Buffer.from('N\x88\x89)\x85\x86\x87t]ae}su(012\x94\x93R\x81bQ.', 'latin1');

/** The operations of a pickle; one that the program does not reach the end of is cut off. */
export function operationsOf(program: Buffer): Buffer[] {
  const operations: Buffer[] = [];
  for (let at = 0; at < program.length; ) {
    const end = at + lengthAt(program, at);
    operations.push(program.subarray(at, end));
    at = end;
  }
  return operations;
}

function lengthAt(program: Buffer, at: number): number {
  const code = program[at];
  const countBytes = counted.get(code);
  if (countBytes !== undefined && at + 1 + countBytes <= program.length) {
    return 1 + countBytes + Math.min(program.readUIntLE(at + 1, Math.min(countBytes, 6)), program.length);
  }
  if (code === 0x63) {
    const module = program.indexOf(10, at);
    const name = module < 0 ? -1 : program.indexOf(10, module + 1);
    return name < 0 ? program.length - at : name + 1 - at;
  }
  return 1 + (fixed.get(code) ?? 0);
}

/** A change of whole operations of a pickle, or of the argument of one. */
export const mutatePickle: Mutate = (input, draw, other) => {
  const operations = operationsOf(input);
  if (operations.length === 0) return mutateBytes(input, draw, other);
  const at = draw.int(0, operations.length - 1);
  const count = draw.int(1, 4);
  const some = () => {
    const from = operationsOf(other);
    const start = draw.int(0, Math.max(0, from.length - 1));
    return from.slice(start, start + draw.int(1, 30));
  };
  switch (draw.int(0, 6)) {
    case 0:
      operations.splice(at, count);
      break;
    case 1:
      operations.splice(at, 0, ...operations.slice(at, at + count));
      break;
    case 2:
      operations.splice(at, 0, ...some());
      break;
    case 3:
      operations.splice(at, draw.int(0, 1), newOperation(draw));
      break;
    case 4:
      operations.splice(at, 0, operations[draw.int(0, operations.length - 1)]);
      break;
    case 5:
      operations[at] = Buffer.concat([
        operations[at].subarray(0, 1),
        mutateBytes(operations[at].subarray(1), draw, other.subarray(0, 32)),
      ]);
      break;
    default:
      operations.splice(at, 0, tensorOf(draw));
  }
  return Buffer.concat(operations);
};

function newOperation(draw: Draw): Buffer {
  switch (draw.int(0, 5)) {
    case 0:
      return pickle.text(drawLiteral(draw));
    case 1:
      return pickle.integer(draw.pick([0, 1, -1, 4, 2 ** 31, 2 ** 53 - 1, draw.int(0, 300)]));
    case 2:
      return Buffer.of(draw.pick([0x68, 0x71, 0x4b]), draw.int(0, 12));
    case 3: {
      const [module, name] = drawLiteral(draw).split(/\.(?=[^.]*$)/);
      return pickle.global(module, name ?? drawLiteral(draw));
    }
    default:
      return Buffer.of(bare[draw.int(0, bare.length - 1)]);
  }
}

/** A tensor that may be well formed, of a storage that the targets have. */
function tensorOf(draw: Draw): Buffer {
  const sizes = () => Array.from({ length: draw.int(0, 3) }, () => draw.pick([0, 1, 2, 4, 2 ** 20]));
  return tensorPickle({
    shape: sizes(),
    strides: draw.next() < 0.5 ? sizes() : undefined,
    start: draw.int(0, 2),
    key: draw.pick(['0', '1']),
    count: draw.pick([4, 4, 2, 8]),
    storageType: draw.pick(['FloatStorage', 'LongStorage', 'HalfStorage']),
  });
}
