import { createHash } from 'node:crypto';
import { isCount } from '../checkpoints/dtypes';
import { invalidArgument, SkipscanError } from '../errors';
import { policyFromJSON } from '../reduction/policies';
import { readRegular } from '../regular-file';
import { inPieces } from '../turns';
import type { SessionState } from './session';

/**
 * A saved session: the magic bytes, the format's version and the header's length (both little-endian uint32), the header
 * as JSON, the state as float32, and the SHA-256 of all that came before.
 */
const magic = Buffer.from('SKIPSCAN', 'latin1');
const version = 1;
const prefixLength = magic.length + 8;
const digestLength = 32;

/** What goes into a saved session, besides the state. */
export type SavedHeader = SessionState & {
  /** The model's: a hash of its weights. */
  fingerprint: string;
};

export type SavedSession = SavedHeader & { state: Uint8Array };

/** @param writeState fills memory of so many bytes with the state */
export async function encodeSession(
  { kept, ...rest }: SavedHeader,
  stateBytes: number,
  writeState: (into: Uint8Array) => Promise<void>,
): Promise<Uint8Array> {
  const positions = kept.map((k) => ({ layer: k.layer, positions: [...k.positions] }));
  const header = Buffer.from(JSON.stringify({ ...rest, kept: positions, stateBytes }), 'utf8');
  const bytes = Buffer.alloc(prefixLength + header.length + stateBytes + digestLength);
  magic.copy(bytes);
  bytes.writeUInt32LE(version, magic.length);
  bytes.writeUInt32LE(header.length, magic.length + 4);
  header.copy(bytes, prefixLength);
  const end = bytes.length - digestLength;
  await writeState(bytes.subarray(prefixLength + header.length, end));
  (await digestInPieces(bytes.subarray(0, end))).copy(bytes, end);
  return bytes;
}

export function decodeSession(saved: Uint8Array): SavedSession {
  const { bytes, content, digest } = checkFormat(saved);
  if (!createHash('sha256').update(content).digest().equals(digest)) throw wrongDigest();
  return parseContent(bytes);
}

/** The same, with turns of the event loop between the parts of the checksum; `saved` must not change meanwhile. */
export async function decodeSessionInPieces(saved: Uint8Array): Promise<SavedSession> {
  const { bytes, content, digest } = checkFormat(saved);
  if (!(await digestInPieces(content)).equals(digest)) throw wrongDigest();
  return parseContent(bytes);
}

async function digestInPieces(bytes: Uint8Array): Promise<Buffer> {
  const hash = createHash('sha256');
  await inPieces(bytes, (piece) => hash.update(piece));
  return hash.digest();
}

/** What starts like a saved session of this version: all of it, what the checksum is of, and the checksum. */
function checkFormat(saved: Uint8Array): { bytes: Buffer; content: Buffer; digest: Buffer } {
  if (!ArrayBuffer.isView(saved)) throw damaged('is not a Uint8Array');
  const bytes = Buffer.from(saved.buffer, saved.byteOffset, saved.byteLength);
  if (bytes.length < prefixLength + digestLength || !bytes.subarray(0, magic.length).equals(magic)) {
    throw damaged('does not start like one');
  }
  const found = bytes.readUInt32LE(magic.length);
  if (found !== version) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `The saved session has format version ${found}; this version of skipscan reads version ${version}. ` +
        `Prefill the prompt again, or use the version that saved it.`,
    );
  }
  const end = bytes.length - digestLength;
  return { bytes, content: bytes.subarray(0, end), digest: bytes.subarray(end) };
}

function wrongDigest(): SkipscanError {
  return damaged('does not match its checksum');
}

function parseContent(bytes: Buffer): SavedSession {
  const end = bytes.length - digestLength;
  const stateStart = prefixLength + bytes.readUInt32LE(magic.length + 4);
  const header = parseHeader(bytes.subarray(prefixLength, Math.min(stateStart, end)));
  const { fingerprint, length, stateBytes, kept, reduction } = header;
  if (
    typeof fingerprint !== 'string' ||
    !isCount(length) ||
    stateBytes !== end - stateStart ||
    !Array.isArray(kept) ||
    !kept.every((each) => isKept(each, length))
  ) {
    throw damaged('has a header that does not fit its contents');
  }
  return {
    fingerprint,
    length,
    kept: kept.map(({ layer, positions }) => ({
      layer,
      offsets: Int32Array.of(0, positions.length),
      positions: Int32Array.from(positions),
    })),
    reduction: reduction === undefined ? undefined : policyFromJSON(reduction, 'the saved reduction'),
    state: bytes.subarray(stateStart, end),
  };
}

/** Reads a saved session, which `decodeSession` then takes apart. */
export async function readSessionFile(file: string): Promise<Uint8Array> {
  const path = checkedFile(file);
  try {
    return await readRegular(path);
  } catch (cause) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `The saved session ${path} cannot be read: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

export function checkedFile(file: unknown): string {
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return file;
  throw invalidArgument('file', 'the path of a file', file);
}

/** What one reduction left of so many tokens: rising positions. A checksum only shows that nobody changed the file by accident. */
function isKept(value: unknown, length: number): value is { layer: number; positions: number[] } {
  const { layer, positions } = Object(value);
  return (
    isCount(layer) &&
    Array.isArray(positions) &&
    positions.every(
      (at, i) => isCount(at) && at < length && at < 2 ** 31 && (i === 0 || at > positions[i - 1]),
    )
  );
}

function parseHeader(bytes: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw damaged('has a header that is not JSON');
  }
}

function damaged(why: string): SkipscanError {
  return new SkipscanError(
    'ERR_ARGUMENT',
    `The saved session ${why}: it is damaged, cut short, or not something that Session.save() returned. Prefill the prompt again.`,
  );
}
