// Which kernels run: the best ones that the machine has, or those that the environment variable SKIPSCAN_CPU names.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { native } from '../../lib/native';
import { kernelsOf } from '../helpers/kernel-sets';

const { available } = native.cpuBackends();

/** What the addon says, and the route of an operator, in a process with this setting. */
function inProcess(setting: string): { chosen?: string; route?: string; code?: string; message?: string } {
  const program = `
    const addon = require('node-gyp-build')(process.argv[1]);
    const floats = () => new Float32Array(4);
    const params = { rows: 2, dim: 2, x: floats(), weight: floats(), out: floats(), eps: 1e-5 };
    (async () => ({ chosen: addon.cpuBackends().chosen, route: await addon.runOp('rms_norm', params, {}) }))()
      .catch(({ code, message }) => ({ code, message }))
      .then((result) => console.log(JSON.stringify(result)));`;
  const root = resolve(__dirname, '../..');
  const env = { ...process.env, SKIPSCAN_CPU: setting };
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, root], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

test('the reference is last and never chosen by itself', () => {
  expect(available.at(-1)).toBe('reference');
  expect(available).toContain('portable');
  expect(inProcess('')).toEqual({ chosen: available[0], route: kernelsOf(available[0]) });
});

test.each(available)('SKIPSCAN_CPU=%s is obeyed', (name) => {
  expect(inProcess(name)).toEqual({ chosen: name, route: kernelsOf(name) });
});

test('a name that this machine has no kernels for is an error that lists those it has', () => {
  expect(inProcess('sse9')).toEqual({
    code: 'ERR_ARGUMENT',
    message:
      `Expected one of ${available.join(', ')} for the environment variable SKIPSCAN_CPU but received sse9; ` +
      'this machine has no other. Unset it to use the best.',
  });
});
