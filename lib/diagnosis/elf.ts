/** What a Linux binary says of itself: whom it is for, and what it needs of the system's libraries. */
export type Elf = {
  /** As `process.arch` has it; of other processors the number in the file. */
  arch: string;
  /** Libraries that are loaded with it. */
  needed: string[];
  /** Folders that it looks for them in before the system's. */
  runPath?: string;
  imports: ElfImport[];
};

/** A symbol of another library, with the version of it that was linked with. */
export type ElfImport = { symbol: string; version?: string };

const architectures: Record<number, string> = {
  3: 'ia32',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
};
const sectionTypes = { dynamic: 6, symbols: 11, needs: 0x6ffffffe, versions: 0x6fffffff };
const needed = 1n;
const rpath = 15n;
const runpath = 29n;

export const headerBytes = 64;

/**
 * Reads the first 64 bytes of a binary of `size` bytes.
 *
 * @throws Error with a clause that says what is wrong: it is no 64-bit ELF file, or has been cut short
 */
export function readElfHeader(header: Buffer, size: number) {
  if (header.length < headerBytes || header.readUInt32BE(0) !== 0x7f454c46) {
    throw new Error(
      size === 0 ? 'it is empty' : `it is not a Linux binary: it begins with ${hex(header.subarray(0, 8))}`,
    );
  }
  if (header[4] !== 2 || header[5] !== 1) throw new Error('it is not a 64-bit little-endian binary');
  const machine = header.readUInt16LE(18);
  const sections = Number(header.readBigUInt64LE(40));
  const count = header.readUInt16LE(60);
  // They stand at the end of the file. Loading a shorter one would end the process with SIGBUS.
  const whole = sections + count * header.readUInt16LE(58);
  if (size < whole) throw new Error(`it was cut short: it has ${size} of at least ${whole} bytes`);
  return { arch: architectures[machine] ?? `ELF machine ${machine}`, sections, count };
}

/**
 * Reads a whole binary.
 *
 * @throws Error as `readElfHeader` does, and for tables that point outside the file
 */
export function readElf(bytes: Buffer): Elf {
  const { arch, sections, count } = readElfHeader(bytes.subarray(0, headerBytes), bytes.length);
  const section = (index: number) => {
    const at = sections + index * 64;
    const from = Number(bytes.readBigUInt64LE(at + 24));
    return {
      type: bytes.readUInt32LE(at + 4),
      link: bytes.readUInt32LE(at + 40),
      content: bytes.subarray(from, from + Number(bytes.readBigUInt64LE(at + 32))),
    };
  };
  const all = Array.from({ length: count }, (_, i) => section(i));
  const find = (type: number) => all.find((one) => one.type === type);
  const dynamic = find(sectionTypes.dynamic);
  const entries = dynamic ? dynamicEntries(dynamic.content) : [];
  const textOf = (tag: bigint) =>
    entries.filter((e) => e.tag === tag).map((e) => text(all[dynamic!.link].content, Number(e.value)));

  const needs = find(sectionTypes.needs);
  const names = needs ? versionNames(needs.content, all[needs.link].content) : new Map<number, string>();
  const symbols = find(sectionTypes.symbols);
  const versions = find(sectionTypes.versions);
  const imports: ElfImport[] = [];
  for (let i = 1; symbols && i < symbols.content.length / 24; ++i) {
    const isDefined = symbols.content.readUInt16LE(i * 24 + 6) !== 0;
    if (isDefined) continue;
    const symbol = text(all[symbols.link].content, symbols.content.readUInt32LE(i * 24));
    imports.push({ symbol, version: versions && names.get(versions.content.readUInt16LE(i * 2) & 0x7fff) });
  }
  return { arch, needed: textOf(needed), runPath: [...textOf(runpath), ...textOf(rpath)][0], imports };
}

function dynamicEntries(content: Buffer): { tag: bigint; value: bigint }[] {
  return Array.from({ length: Math.floor(content.length / 16) }, (_, i) => ({
    tag: content.readBigUInt64LE(i * 16),
    value: content.readBigUInt64LE(i * 16 + 8),
  }));
}

/** Verneed: for every library a list of the versions of it that symbols refer to, chained by relative offsets. */
function versionNames(content: Buffer, strings: Buffer): Map<number, string> {
  const names = new Map<number, string>();
  for (let library = 0, next = -1; next !== 0; library += next) {
    for (let version = library + content.readUInt32LE(library + 8), step = -1; step !== 0; version += step) {
      names.set(content.readUInt16LE(version + 6), text(strings, content.readUInt32LE(version + 8)));
      step = content.readUInt32LE(version + 12);
    }
    next = content.readUInt32LE(library + 12);
  }
  return names;
}

function text(strings: Buffer, from: number): string {
  return strings.toString('latin1', from, strings.indexOf(0, from));
}

function hex(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
