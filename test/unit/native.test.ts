import { diagnose } from '../../lib/native';

const missing =
  'No native build was found for platform=linux arch=x64\n    loaded from: /app/node_modules/skipscan\n';

test.each([
  [
    'a missing binary',
    diagnose(missing, '/app/node_modules/skipscan', 'linux', 'x64'),
    /^skipscan's native engine for linux-x64 could not be loaded: found no binary below \/app\/node_modules\/skipscan; .* run: npm rebuild skipscan --ignore-scripts=false\nThat needs cmake/,
  ],
  [
    'a C library that is too old',
    diagnose(
      "/lib/libc.so.6: version `GLIBC_2.38' not found (required by skipscan.node)",
      '/app',
      'linux',
      'x64',
    ),
    /expects newer system libraries than this machine has \(.*GLIBC_2\.38.*\)\. To build one for it, run: npm rebuild skipscan --ignore-scripts=false --build-from-source/,
  ],
  [
    'a binary of another platform',
    diagnose('skipscan.node: invalid ELF header', '/app', 'darwin', 'arm64'),
    /darwin-arm64 could not be loaded: skipscan\.node: invalid ELF header\. The binary is damaged or was made for another platform.* run: npm rebuild skipscan/,
  ],
  [
    'a platform without support',
    diagnose(missing, 'C:\\app', 'win32', 'x64'),
    /win32-x64 could not be loaded: this platform is not supported\. Expected linux or darwin; on Windows use WSL\.$/,
  ],
])('%s is explained, with what to do', (_what, message, expected) => {
  expect(message).toMatch(expected);
});

test('importing the package does not load the engine; using it says why it cannot', () => {
  jest.isolateModules(() => {
    jest.doMock('node-gyp-build', () => () => {
      throw new Error(missing);
    });
    const { listDevices, cudaStatus, Tensor } = jest.requireActual<typeof import('../../lib')>('../../lib');
    expect(Tensor.zeros([1]).size).toBe(1);
    for (const use of [listDevices, cudaStatus]) {
      expect(use).toThrow(
        expect.objectContaining({
          code: 'ERR_NATIVE',
          message: expect.stringContaining('found no binary below'),
        }),
      );
    }
  });
});
