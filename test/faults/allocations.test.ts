// Where the addon cannot have the memory or the threads that it asks for. The engine alone is in test/engine-program.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { randomModel } from '../helpers/random-model';
import { randomVisionModel } from '../helpers/random-vision-model';
import { TemporaryDirectory } from '../helpers/temporary';

const language = { dModel: 8, layers: 2, vocab: 20, dState: 4 };
const vision = { img_size: 32, patch_size: 8, num_classes: 4, d_state: 4, dt_rank: 2 };
const files = new TemporaryDirectory();
const linux = process.platform === 'linux' ? test : test.skip; // LD_PRELOAD, and whose symbols come first

linux(
  'an allocation that fails is an error that says so, and the next call is as if nothing had been',
  () => {
    files.writeAll('mamba', randomModel({ family: 'mamba', ...language }));
    files.writeAll('mamba2', randomModel({ family: 'mamba2', ...language }));
    files.writeAll('vim', randomVisionModel({ embed_dim: 8, depth: 2, ...vision }));
    files.writeAll(
      'plainmamba',
      randomVisionModel({ embed_dims: 8, num_layers: 2, conv_size: 3, ...vision }),
    );
    const shim = path.join(files.path, 'failing-memory.so');
    const source = path.join(__dirname, 'failing-memory.c');
    execFileSync('cc', ['-O1', '-g1', '-fPIC', '-shared', '-w', source, '-o', shim, '-ldl', '-pthread']);
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(__dirname, 'fail-allocations.mjs'), files.path],
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
