import { loadFailureMessage } from '../../lib/diagnosis/load-failure';

const missing =
  'No native build was found for platform=linux arch=x64\n    loaded from: /app/node_modules/skipscan\n';
const root = '/app/node_modules/skipscan';
const linux = { platform: 'linux', arch: 'x64', libc: 'glibc', glibc: '2.31' } as const;
const alpine = { platform: 'linux', arch: 'x64', libc: 'musl' } as const;
const mac = { platform: 'darwin', arch: 'arm64' };
const build =
  'run: node /app/node_modules/skipscan/scripts/build-native.js\n' +
  'That needs cmake 3.20 or newer, make and a C++20 compiler (g++ 11 or clang 14, or newer)';

beforeEach(() => {
  delete process.env.SKIPSCAN_PREBUILD; // the tests of the emulated GPU set it
});

test.each([
  [
    'a missing binary',
    loadFailureMessage(missing, root, linux),
    "skipscan's native engine for linux-x64 could not be loaded: found no binary below /app/node_modules/skipscan. " +
      'Expected one for linux-x64 with glibc. None came with the package, and the install script failed or was not ' +
      `allowed to run. To build one, ${build}.`,
  ],
  [
    'a missing binary on Alpine',
    loadFailureMessage(missing, root, alpine),
    `Expected one for linux-x64 with musl. Prebuilt ones are for glibc, and the install script failed or was not allowed to run. To build one, ${build}: apk add cmake make g++ linux-headers.`,
  ],
  [
    'a path with a space',
    loadFailureMessage(missing, '/my app/skipscan', linux),
    "run: node '/my app/skipscan/scripts/build-native.js'\n",
  ],
  [
    'a C library that is too old',
    loadFailureMessage(
      "/lib/libc.so.6: version `GLIBC_2.38' not found (required by skipscan.node)",
      root,
      linux,
    ),
    "the binary expects newer system libraries than this machine has (/lib/libc.so.6: version `GLIBC_2.38' not found " +
      '(required by skipscan.node)). Expected a system with GLIBC 2.38; this one has glibc 2.31. ' +
      `To build one for it, ${build}`,
  ],
  [
    "a compiler's library that is too old",
    loadFailureMessage("libstdc++.so.6: version `GLIBCXX_3.4.30' not found", root, linux),
    'Expected a system with GLIBCXX 3.4.30; this one has glibc 2.31.',
  ],
  [
    "no compiler's library",
    loadFailureMessage(
      'libstdc++.so.6: cannot open shared object file: No such file or directory',
      root,
      linux,
    ),
    "the system has no libstdc++.so.6, which the binary needs. Expected the C++ compiler's runtime library. To install it, run: apt-get install libstdc++6 (Debian, Ubuntu)",
  ],
  [
    "no compiler's library on Alpine",
    loadFailureMessage(
      'Error loading shared library libstdc++.so.6: No such file or directory (needed by /app/skipscan.node)',
      root,
      alpine,
    ),
    'the system has no libstdc++.so.6, which the binary needs. ',
  ],
  [
    'a binary for glibc on Alpine',
    loadFailureMessage(
      'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /app/skipscan.node)',
      root,
      alpine,
    ),
    'the binary was made for another C library (Error loading shared library ld-linux-x86-64.so.2',
  ],
  [
    'a binary for musl elsewhere',
    loadFailureMessage(
      'libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory',
      root,
      linux,
    ),
    'Expected one for the C library of this system: Alpine has musl, most others have glibc.',
  ],
  [
    'a file system without execution',
    loadFailureMessage(
      'skipscan.node: failed to map segment from shared object: Operation not permitted',
      root,
      linux,
    ),
    'the system does not let the binary be executed (skipscan.node: failed to map segment from shared object: Operation ' +
      'not permitted). Expected a folder whose file system is not mounted noexec, and no rule of SELinux or seccomp',
  ],
  [
    'a binary that may not be read',
    loadFailureMessage("EACCES: permission denied, open '/app/skipscan.node'", root, linux),
    'Expected this user to have the right to read it. Give node_modules to the user that runs Node.js',
  ],
  [
    'a binary that stayed behind',
    loadFailureMessage('the binary is of version 0.1.0, the package of version 0.2.0', root, linux),
    'the binary was built from version 0.1.0 of the package, which now is version 0.2.0. Expected both to be of one ' +
      `version. It stayed behind when the package was replaced. To build a new one, ${build}`,
  ],
  [
    'a Node.js without a function of Node-API',
    loadFailureMessage('skipscan.node: undefined symbol: napi_new_one', root, linux),
    `the binary needs a newer Node.js than ${process.version} (skipscan.node: undefined symbol: napi_new_one)`,
  ],
  [
    'a binary of another platform',
    loadFailureMessage('skipscan.node: invalid ELF header', root, mac),
    'darwin-arm64 could not be loaded: skipscan.node: invalid ELF header. Expected a whole binary for darwin-arm64. It is ' +
      `damaged or was made for another platform, as when node_modules is copied between machines. To build one here, ${build}`,
  ],
  [
    'a platform without support',
    loadFailureMessage(missing, 'C:\\app', { platform: 'win32', arch: 'x64' }),
    'win32-x64 could not be loaded: this platform is not supported. Expected linux or darwin. On Windows use WSL.',
  ],
])('%s is explained, with what to do', (_what, message, expected) => {
  expect(message).toContain(expected);
});

test('importing the package does not load the engine; using it says why it cannot', () => {
  jest.isolateModules(() => {
    jest.doMock('node-gyp-build', () => ({
      path: () => {
        throw new Error(missing);
      },
    }));
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
