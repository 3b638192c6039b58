// The tarball as it is published, and one as a platform without a prebuilt binary gets it.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, run } from './project.mjs';

/** Packs a folder; returns the tarball's path, its bytes, and its files with theirs. */
export function pack(folder, into, ...options) {
  mkdirSync(into, { recursive: true });
  const args = ['pack', '--json', '--foreground-scripts=false', '--pack-destination', into, ...options];
  const { status, stdout, output } = run('npm', args, { cwd: folder });
  expect(status === 0, 'npm pack failed', output);
  const report = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  const { filename, size, files } = Object.values(report)[0];
  return { tarball: path.join(into, filename), size, files };
}

/** The same package without its prebuilt binaries. */
export function packWithoutPrebuilds(tarball, scratch) {
  mkdirSync(scratch, { recursive: true });
  const { status, output } = run('tar', ['xf', tarball, '-C', scratch]);
  expect(status === 0, 'tar failed', output);
  rmSync(path.join(scratch, 'package', 'prebuilds'), { recursive: true });
  return pack(path.join(scratch, 'package'), path.join(scratch, 'packed'), '--ignore-scripts');
}
