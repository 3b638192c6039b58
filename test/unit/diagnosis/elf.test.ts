import { readFileSync } from 'node:fs';
import { checkBinaryFile } from '../../../lib/diagnosis/binary-file';
import { readElf } from '../../../lib/diagnosis/elf';
import { addonFile } from '../../../lib/native';
import { TemporaryDirectory } from '../../helpers/temporary';

const files = new TemporaryDirectory();
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a binary says whom it is for and what it needs', () => {
  const { arch, needed, runPath, imports } = readElf(readFileSync(addonFile()));
  expect(arch).toBe(process.arch);
  expect(needed).toEqual(expect.arrayContaining(['libstdc++.so.6', 'libc.so.6']));
  expect(runPath).toBeUndefined();
  expect(imports).toContainEqual({ symbol: 'napi_create_object', version: undefined });
  expect(imports.find(({ symbol }) => symbol === 'memcpy')?.version).toMatch(/^GLIBC_2\.\d+$/);
  expect(imports.map(({ symbol }) => symbol)).not.toContain('napi_register_module_v1');
});

onLinux('a whole binary for this machine passes, and its size is told', () => {
  expect(checkBinaryFile(addonFile())).toBe(readFileSync(addonFile()).length);
});

test.each<[string, (whole: Buffer) => Buffer, string]>([
  ['an empty file', () => Buffer.alloc(0), 'it is empty'],
  [
    'a text',
    () => Buffer.from('not found'),
    'it is not a Linux binary: it begins with 6e 6f 74 20 66 6f 75 6e',
  ],
  [
    'a header cut short',
    (whole) => whole.subarray(0, 40),
    'it is not a Linux binary: it begins with 7f 45 4c 46',
  ],
  ['half a file', (whole) => whole.subarray(0, 500), 'it was cut short: it has 500 of at least 1064 bytes'],
  [
    'the last byte gone',
    (whole) => whole.subarray(0, 1063),
    'it was cut short: it has 1063 of at least 1064 bytes',
  ],
  ['32 bits', (whole) => whole.fill(1, 4, 5), 'it is not a 64-bit little-endian binary'],
  ['another processor', (whole) => whole.fill(183, 18, 19), 'it is for arm64 processors'],
  ['an unknown one', (whole) => whole.fill(7, 18, 19), 'it is for ELF machine 7 processors'],
])('refused before it is loaded: %s', (name, alter, message) => {
  const whole = Buffer.alloc(1064);
  whole.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  whole.writeUInt16LE(62, 18);
  whole.writeBigUInt64LE(1000n, 40); // the section headers: one of 64 bytes
  whole.writeUInt16LE(64, 58);
  whole.writeUInt16LE(1, 60);
  const file = files.write(name, alter(whole));
  expect(() => checkBinaryFile(file, 'linux', 'x64')).toThrow(`${file}: ${message}`);
});

test('of other systems nothing is known', () => {
  expect(checkBinaryFile(files.write('mach-o', 'abc'), 'darwin', 'arm64')).toBe(3);
});

onLinux('tables that point outside the file are an error, not an endless search', () => {
  const bytes = readFileSync(addonFile());
  const sections = Number(bytes.readBigUInt64LE(40));
  for (let i = 0; i < bytes.readUInt16LE(60); ++i) bytes.writeBigUInt64LE(2n ** 40n, sections + i * 64 + 24);
  expect(() => readElf(bytes)).toThrow();
});
