// Where the addon cannot have the memory or the threads that it asks for. The engine alone is in test/engine-program.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const linux = process.platform === 'linux' ? test : test.skip; // LD_PRELOAD, and whose symbols come first

linux(
  'an allocation that fails is an error that says so, and the next call is as if nothing had been',
  () => {
    const shim = path.join(files.path, 'failing-memory.so');
    const source = path.join(__dirname, 'failing-memory.c');
    execFileSync('cc', ['-O1', '-g1', '-fPIC', '-shared', '-w', source, '-o', shim, '-ldl', '-pthread']);
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(__dirname, 'fail-allocations.mjs')],
      {
        encoding: 'utf8',
        env: {
          ...process.env,
          LD_PRELOAD: shim,
          SKIPSCAN_FAULTS: files.write('faults', new Uint8Array(32)),
        },
      },
    );
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    const failures: Record<string, number> = JSON.parse(stdout);
    expect(Object.keys(failures).length).toBeGreaterThan(20);
    for (const [scenario, count] of Object.entries(failures))
      expect([scenario, count > 3]).toEqual([scenario, true]);
  },
  600_000,
);
