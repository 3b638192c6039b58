import { spawnSync } from 'node:child_process';

/** Whether a Python can import a module; says on stderr why it cannot. */
export function pythonHas(python, module) {
  const { status, error, stderr } = spawnSync(python, ['-c', `import ${module}`], { encoding: 'utf8' });
  if (status === 0) return true;
  const reason = error ? error.message : stderr.trim().split('\n').at(-1);
  process.stderr.write(`${python} cannot be used: ${reason}\n`);
  return false;
}
