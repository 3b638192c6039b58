// What `skipscan doctor` says where something is wrong: each trouble is made, as far as a test can make it.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Check } from '../../lib/diagnosis';
import { packageVersion } from '../../lib/version';
import { alteredAddon, replaceText } from '../helpers/altered-addon';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const main = path.resolve(__dirname, '../../dist/cli/main.js');
const onLinux = process.platform === 'linux' ? test : test.skip;

function doctor(environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'doctor', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  expect(stderr).toBe('');
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Check[] };
  expect(status).toBe(healthy ? 0 : 1);
  return { healthy, checks, of: (name: string) => checks.find((check) => check.name === name)! };
}

test('what is looked at, and that all is well here', () => {
  const { healthy, checks } = doctor();
  expect(checks.filter(({ status }) => status === 'failure')).toEqual([]);
  expect(healthy).toBe(true);
  expect(checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      ...['skipscan', 'node', 'system', 'processor', 'memory'],
      ...['engine', 'kernels', 'devices', 'cuda', 'model on cpu', 'images', 'hub cache'],
    ]),
  );
});

test('as text: a line for what was found, and one each for what was expected and what to do', () => {
  const { status, stdout } = spawnSync(process.execPath, [main, 'doctor'], {
    encoding: 'utf8',
    env: { ...process.env, SKIPSCAN_PREBUILD: '/nowhere' },
  });
  expect(status).toBe(1);
  expect(stdout).toContain(
    'FAIL  engine         found no binary below /nowhere, which the environment variable SKIPSCAN_PREBUILD names\n' +
      `                     expected: build/Release/skipscan.node or prebuilds/${process.platform}-${process.arch} in it\n` +
      "                     to do: Correct the variable, or unset it to use the package's own binary.\n" +
      '-     kernels        the engine does not load\n',
  );
});

test('kernels that the processor does not have', () => {
  const { of } = doctor({ SKIPSCAN_CPU: 'neon' });
  expect(of('kernels')).toMatchObject({
    status: 'failure',
    found: expect.stringMatching(
      /^Expected one of .*portable, reference for .* SKIPSCAN_CPU but received neon; .* Unset it/,
    ),
  });
  expect(of('model')).toMatchObject({ status: 'skipped' });
});

test('kernels that were asked for', () => {
  expect(doctor({ SKIPSCAN_CPU: 'portable' }).of('kernels')).toMatchObject({
    status: 'ok',
    found: expect.stringContaining('portable, by the environment variable SKIPSCAN_CPU'),
  });
});

onLinux.each<[string, (bytes: Buffer) => Buffer | string | undefined, RegExp]>([
  [
    'cut short',
    (bytes) => bytes.subarray(0, 4096 * 20),
    /it was cut short: it has 81920 of at least \d+ bytes/,
  ],
  ['empty', () => '', /it is empty/],
  ['no binary', () => '<html>404</html>', /it is not a Linux binary: it begins with 3c 68 74 6d/],
  [
    'for another processor',
    (bytes) => bytes.fill(process.arch === 'x64' ? 183 : 62, 18, 19),
    /it is for \w+ processors/,
  ],
  [
    'built from another version',
    (bytes) => replaceText(bytes, `${packageVersion}\0`, `${packageVersion.replace(/^./, '9')}\0`),
    /was built from version 9\S+ of the package, which now is version /,
  ],
  [
    'for a newer C library',
    (bytes) => replaceText(bytes, 'GLIBC_2.27', 'GLIBC_9.27'),
    /expects newer system libraries than this machine has \(.*GLIBC_9\.27/,
  ],
  [
    'for a library that is not there',
    (bytes) => replaceText(bytes, 'libstdc++.so.6', 'libstdc++.so.9'),
    /the system has no libstdc\+\+\.so\.9, which the binary needs/,
  ],
  [
    'for a Node.js that has more',
    (bytes) => replaceText(bytes, 'napi_create_object\0', 'napi_create_objecT\0'),
    /the binary needs a newer Node\.js than v.* \(.*undefined symbol: napi_create_objecT\)/,
  ],
  // The table of what the loader is to do, behind the header.
  ['overwritten', (bytes) => bytes.fill(0xff, 4096, bytes.length / 2), /./],
])('a binary that is %s', (name, alter, found) => {
  const { healthy, of } = doctor({ SKIPSCAN_PREBUILD: alteredAddon(files, name, alter) });
  expect(healthy).toBe(false);
  expect(of('engine')).toMatchObject({ status: 'failure', found: expect.stringMatching(found) });
  expect(of('engine').found).toContain('skipscan.node: ');
  expect(of('engine').expected).toBeTruthy();
  expect(of('engine').advice).toBeTruthy();
  expect(of('devices')).toMatchObject({ status: 'skipped' });
});

/** Options of Node.js with which a package cannot be found. */
function without(name: string): string {
  const hooks = files.write(
    `without-${path.basename(name)}.mjs`,
    `export async function resolve(name, context, next) {
       if (name === '${name}') throw new Error("Cannot find package '${name}'");
       return next(name, context);
     }`,
  );
  const register = files.write(
    `register-${path.basename(name)}.mjs`,
    `import { register } from 'node:module'; register(${JSON.stringify(`file://${hooks}`)});`,
  );
  return `--import ${register}`;
}

test('a package for images that does not load', () => {
  const { healthy, of } = doctor({ NODE_OPTIONS: without('sharp') });
  expect(healthy).toBe(true);
  expect(of('images')).toMatchObject({
    status: 'warning',
    found: expect.stringMatching(/sharp, which could not be loaded: .*To install it, run: npm install sharp/),
  });
});

test('a package for the hub that does not load', () => {
  const { healthy, of } = doctor({ NODE_OPTIONS: without('@huggingface/hub') });
  expect(healthy).toBe(true);
  expect(of('hub cache')).toMatchObject({
    status: 'warning',
    found: expect.stringContaining(
      "@huggingface/hub could not be loaded: Cannot find package '@huggingface/hub'",
    ),
  });
});

test('models of the hub: a folder that cannot be written to, and no network', () => {
  const { healthy, of } = doctor({ HF_HUB_CACHE: '/proc/skipscan', HF_HUB_OFFLINE: '1' });
  expect(healthy).toBe(true);
  expect(of('hub cache')).toMatchObject({
    status: 'warning',
    found: expect.stringMatching(
      /^\/proc\/skipscan cannot be written to .*offline by the environment variable HF_HUB_OFFLINE/,
    ),
  });
});

test('a Node.js that is too old is refused on import, before anything of it is used', () => {
  const program = `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } });
    try { require(process.argv[1]) } catch ({ message }) { console.log(message) }`;
  const { stdout } = spawnSync(process.execPath, ['-e', program, path.resolve(main, '../../index.js')], {
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^skipscan found Node\.js 18\.20\.8 but expected 20 or newer\. Update Node\.js;/);
});
