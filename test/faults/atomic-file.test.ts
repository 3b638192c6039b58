// What is written is there whole or as it was before: the one writer of result files, pictures, reports and sessions.
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { writeAtomically, writeWhole } from '../../lib/atomic-file';
import { spawnLimited } from '../helpers/spawned';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const writer = path.resolve(__dirname, '../../dist/atomic-file.js');

/** An empty folder of its own for a test. */
function folder(name: string): string {
  const made = path.join(files.path, name);
  mkdirSync(made);
  return made;
}

test('contents in parts, over what was there, whose permissions stay', async () => {
  const at = folder('parts');
  const file = path.join(at, 'file');
  await writeWhole(file, 'before');
  chmodSync(file, 0o600);
  await writeAtomically(file, async (append) => {
    await append('ä');
    await append(Float32Array.of(1));
    await append(new Uint8Array(0));
  });
  expect(readFileSync(file)).toEqual(Buffer.from([0xc3, 0xa4, 0, 0, 0x80, 0x3f]));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(at)).toEqual(['file']);
});

test('what fails on the way leaves the former contents and nothing else', async () => {
  const at = folder('failure');
  const file = path.join(at, 'file');
  await writeWhole(file, 'before');
  const failure = new Error('no more');
  const filling = writeAtomically(file, async (append) => {
    await append('after');
    throw failure;
  });
  await expect(filling).rejects.toBe(failure);
  expect(readFileSync(file, 'utf8')).toBe('before');
  expect(readdirSync(at)).toEqual(['file']);
});

test('of several writers one wins, whole', async () => {
  const at = folder('writers');
  const file = path.join(at, 'file');
  const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(200_000));
  await Promise.all(contents.map((text) => writeWhole(file, text)));
  expect(contents).toContain(readFileSync(file, 'utf8'));
  expect(readdirSync(at)).toEqual(['file']);
});

test('a link is replaced, and what it led to stays', async () => {
  const at = folder('link');
  const target = files.write('elsewhere/target', 'before');
  symlinkSync(target, path.join(at, 'link'));
  await writeWhole(path.join(at, 'link'), 'after');
  expect(readFileSync(target, 'utf8')).toBe('before');
  expect(readFileSync(path.join(at, 'link'), 'utf8')).toBe('after');
});

test('what a killed writer has left goes after an hour, and not before', async () => {
  const at = folder('abandoned');
  const names = ['.file.old.partial', '.file.young.partial', '.other.old.partial'];
  for (const name of names) files.write(path.join('abandoned', name), 'half');
  const before = Date.now() / 1000 - 3700;
  for (const name of [names[0], names[2]]) utimesSync(path.join(at, name), before, before);
  await writeWhole(path.join(at, 'file'), 'whole');
  expect(readdirSync(at).sort()).toEqual(['.file.young.partial', '.other.old.partial', 'file']);
});

test.each([
  ['a folder', '.', /it is there, and is not a file but a folder or a device/],
  ['a folder that is missing', 'missing/file', /ENOENT.*Make the folder first\.$/],
  ['a file as a folder', 'file/file', /ENOTDIR/],
])('%s cannot be written', async (_what, name, message) => {
  files.write('file', '');
  await expect(writeWhole(path.join(files.path, name), 'x')).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(message),
  });
});

test('a device is left alone', async () => {
  await expect(writeWhole('/dev/full', 'x')).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining('/dev/full cannot be written: it is there, and is not a file'),
  });
});

test('a disk that is full (as a limit of the size of files): the former contents stay, and nothing else', async () => {
  const at = folder('full');
  const file = path.join(at, 'file');
  await writeWhole(file, 'before');
  const script = `require(${JSON.stringify(writer)}).writeWhole(${JSON.stringify(file)}, Buffer.alloc(1 << 20))
    .catch(({ code, message, cause }) => console.log(JSON.stringify({ code, message, system: cause.code })));`;
  const { status, stdout, stderr } = await spawnLimited('ulimit -f 64', ['-e', script]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    code: 'ERR_ARGUMENT',
    system: 'EFBIG',
    message: expect.stringMatching(
      /cannot be written: EFBIG.*What was there before is unchanged\..*ulimit -f/,
    ),
  });
  expect(readFileSync(file, 'utf8')).toBe('before');
  expect(readdirSync(at)).toEqual(['file']);
});
