// Formats the C++ and CUDA sources by .clang-format; without --write it only says which ones differ, and fails.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const folders = ['csrc', 'test', ...['bench', 'gpu', 'train'].map((folder) => path.join('scripts', folder))];
const { getNativeBinary } = createRequire(import.meta.url)('clang-format');
const files = folders.flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true })
    .filter((file) => /\.(h|cc|cu|cuh)$/.test(file))
    .map((file) => path.join(folder, file)),
);
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror'];
const { status } = spawnSync(getNativeBinary(), [...mode, ...files], { cwd: root, stdio: 'inherit' });
if (status !== 0) console.error('Run: npm run format');
process.exit(status ?? 1);
