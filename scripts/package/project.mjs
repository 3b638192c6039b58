// An empty project that the package is installed into.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Runs a program to its end; `output` is all that it said. */
export function run(command, args, { cwd, env = process.env } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) throw error;
  return { status, stdout, output: stdout + stderr };
}

export function expect(condition, what, output = '') {
  if (!condition) throw new Error(`${what}\n${output}`);
}

export class Project {
  /** @param folder where it is made @param env the environment of all that runs in it */
  constructor(folder, env = process.env) {
    this.folder = folder;
    // What the calling npm was told, and a checkout's own settings, are not a user's.
    this.env = Object.fromEntries(
      Object.entries(env).filter(
        ([name]) => !/^(npm_(?!config_registry)|SKIPSCAN_(PREBUILD|CPU))/i.test(name),
      ),
    );
    mkdirSync(folder, { recursive: true });
    this.write('package.json', '{ "private": true }');
  }

  get installed() {
    return path.join(this.folder, 'node_modules', 'skipscan');
  }

  /** Whether the addon was compiled here. */
  get isCompiled() {
    return existsSync(path.join(this.installed, 'build', 'Release', 'skipscan.node'));
  }

  write(name, text) {
    writeFileSync(path.join(this.folder, name), text);
  }

  run(command, ...args) {
    return run(command, args, { cwd: this.folder, env: this.env });
  }

  /** What a program prints; it must succeed. */
  print(command, ...args) {
    const { status, stdout, output } = this.run(command, ...args);
    expect(status === 0, `${[command, ...args].join(' ')} failed`, output);
    return stdout;
  }

  /** Installs a tarball; without success, too. */
  npm(...args) {
    return this.run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...args);
  }

  install(...args) {
    const { status, output } = this.npm(...args);
    expect(status === 0, 'npm install failed', output);
    return output;
  }
}
