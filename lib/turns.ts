// Long work on the JavaScript thread, in pieces between which the event loop turns.
import { setImmediate as turn } from 'node:timers/promises';

/** Bytes that are copied, hashed or looked at in some milliseconds: whole pixels of four channels. */
const pieceBytes = 4 << 20;

/** Hands out `bytes` in pieces of the same memory, one after another. */
export async function inPieces(bytes: Uint8Array, use: (piece: Uint8Array) => void): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (at > 0) await turn();
    use(bytes.subarray(at, at + pieceBytes));
  }
}

/** A copy of the first `length` values, which keeps nothing of the rest alive. */
export async function firstPart(values: Float32Array, length: number): Promise<Float32Array> {
  if (length === values.length) return values;
  const copy = new Float32Array(length);
  const to = new Uint8Array(copy.buffer);
  let at = 0;
  await inPieces(new Uint8Array(values.buffer, values.byteOffset, copy.byteLength), (piece) => {
    to.set(piece, at);
    at += piece.length;
  });
  return copy;
}
