// Compiles every GPU kernel to machine code and reports what it takes of a multiprocessor: registers, spilled bytes, stack
// and static shared memory, as ptxas counts them. Fails on any warning, and when a hot kernel spills or needs a stack frame.
//
//   node scripts/check-kernels.mjs [--archs 80,90] [--jobs 2] [--nvcc PATH] [--json FILE] [PATTERN ...]
//
// With patterns only the files of csrc/cuda whose names contain one of them. Without --archs for every GPU that prebuilt packages
// are compiled for, as far as this nvcc knows them.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');

/** What prebuilt packages are compiled for, as CMakeLists.txt has it. */
const RELEASE = ['75', '80', '86', '89', '90', '100', '120'];

/** Kernels in which a spilled register is paid for in every step of a long loop: their names begin so. */
const HOT = [
  'conv2d_kernel',
  'conv_window',
  'gated_rms_norm',
  'layer_norm',
  'image_patches_kernel',
  'linear_',
  'rms_norm',
  'select_similarity',
  'selective_scan_',
  'ssd_carry',
  'ssd_chunked',
  'ssd_recurrent',
  'ssd_step',
];

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: {
    archs: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    nvcc: { type: 'string' },
    json: { type: 'string' },
  },
});

function findNvcc() {
  const { CUDA_HOME, CUDA_PATH, PATH = '' } = process.env;
  const folders = [
    ...PATH.split(path.delimiter),
    ...[CUDA_HOME, CUDA_PATH, '/usr/local/cuda'].filter(Boolean).map((home) => path.join(home, 'bin')),
  ];
  return folders.map((folder) => path.join(folder, 'nvcc')).find(existsSync);
}

/** Whether this nvcc compiles for the architecture. */
function isKnown(arch) {
  const { stdout } = spawnSync(nvcc, ['--list-gpu-arch'], { encoding: 'utf8' });
  return stdout.split('\n').includes(`compute_${arch}`);
}

/** Runs a command; its output, both streams together. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output: Buffer.concat(chunks).toString() }));
  });
}

/** What ptxas -v says, as one entry for each kernel and architecture. */
function parseReport(output) {
  const found = [];
  for (const block of output.split(/(?=ptxas info\s+: Compiling entry function )/)) {
    const [, symbol, arch] = /Compiling entry function '(.+?)' for 'sm_(\w+)'/.exec(block) ?? [];
    if (!symbol) continue;
    const number = (pattern) => Number(pattern.exec(block)?.[1] ?? 0);
    found.push({
      symbol,
      arch,
      registers: number(/Used (\d+) registers/),
      spilled: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
      stack: number(/(\d+) bytes stack frame/),
      shared: number(/(\d+) bytes smem/),
    });
  }
  return found;
}

/** `void skipscan::cuda::(anonymous namespace)::scan<skipscan::bf16, 4>(Params)` is `scan<bf16, 4>`. */
function shorten(name) {
  const plain = name.replace(/skipscan::|cuda::|\(anonymous namespace\)::/g, '').replace(/^void /, '');
  let depth = 0;
  for (let i = 0; i < plain.length; i++) {
    if (plain[i] === '<') depth++;
    else if (plain[i] === '>') depth--;
    else if (plain[i] === '(' && depth === 0) return plain.slice(0, i);
  }
  return plain;
}

function demangle(symbols) {
  const { stdout, error } = spawnSync('c++filt', { input: symbols.join('\n'), encoding: 'utf8' });
  return error ? symbols : stdout.trimEnd().split('\n').map(shorten);
}

function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    console.log(
      row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join('  '),
    );
  }
}

const nvcc = options.nvcc ?? findNvcc();
if (!nvcc) {
  console.error(
    'found no nvcc on the PATH, in CUDA_HOME, in CUDA_PATH or in /usr/local/cuda; name it with --nvcc',
  );
  process.exit(1);
}
const archs = options.archs?.split(',') ?? RELEASE.filter(isKnown);
const folder = path.join('csrc', 'cuda');
const files = readdirSync(path.join(root, folder))
  .filter(
    (file) =>
      file.endsWith('.cu') && (!patterns.length || patterns.some((pattern) => file.includes(pattern))),
  )
  .map((file) => path.join(folder, file));
const scratch = mkdtempSync(path.join(os.tmpdir(), 'skipscan-kernels-'));
const start = performance.now();
const problems = [];
const kernels = [];

async function compile(file) {
  const out = path.join(scratch, `${path.basename(file)}.o`);
  const code = archs.map((arch) => `--generate-code=arch=compute_${arch},code=sm_${arch}`);
  // As CMakeLists.txt compiles them.
  const flags = [
    '-std=c++20',
    '-O3',
    '-DNDEBUG',
    '--expt-relaxed-constexpr',
    '-Icsrc',
    '-Xcompiler=-fPIC,-Wall',
    '-Xptxas=-v',
  ];
  const { status, output } = await run(nvcc, [...flags, ...code, '-c', file, '-o', out]);
  rmSync(out, { force: true });
  if (status !== 0)
    problems.push(
      `${file} does not compile:\n${output.replace(/^ptxas info.*\n|^\s+\d+ bytes stack.*\n/gm, '')}`,
    );
  else kernels.push(...parseReport(output).map((kernel) => ({ file, ...kernel })));
  problems.push(...output.split('\n').filter((line) => /\bwarning\b/i.test(line)));
}

const waiting = [...files];
async function work() {
  for (let file = waiting.shift(); file; file = waiting.shift()) await compile(file);
}
try {
  await Promise.all(Array.from({ length: Number(options.jobs) }, work));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

const symbols = [...new Set(kernels.map(({ symbol }) => symbol))];
const names = new Map(demangle(symbols).map((name, i) => [symbols[i], name]));
for (const kernel of kernels) kernel.name = names.get(kernel.symbol);
for (const { name, arch, spilled, stack } of kernels) {
  if (HOT.some((prefix) => name.startsWith(prefix)) && (spilled || stack)) {
    problems.push(
      `${name} for sm_${arch}: ${spilled} bytes spilled, ${stack} bytes of stack; it is hot and may have neither`,
    );
  }
}
for (const prefix of HOT) {
  if (!patterns.length && !kernels.some(({ name }) => name.startsWith(prefix))) {
    problems.push(`found no kernel whose name begins with ${prefix}, which the list of hot kernels has`);
  }
}
if (options.json)
  writeFileSync(
    options.json,
    `${JSON.stringify(
      kernels.map(({ symbol, ...rest }) => rest),
      null,
      1,
    )}\n`,
  );

const header = ['kernel', ...archs.map((arch) => `regs sm_${arch}`), 'spilled', 'stack', 'shared'];
const rows = symbols
  .map((symbol) => {
    const own = kernels.filter((kernel) => kernel.symbol === symbol);
    const worst = (key) => String(Math.max(...own.map((kernel) => kernel[key])));
    const registers = archs.map((arch) =>
      String(own.find((kernel) => kernel.arch === arch)?.registers ?? '-'),
    );
    return [names.get(symbol), ...registers, worst('spilled'), worst('stack'), worst('shared')];
  })
  .sort(([a], [b]) => (a < b ? -1 : 1));
printTable([header, ...rows]);

const seconds = ((performance.now() - start) / 1000).toFixed(0);
for (const problem of problems) console.error(problem);
console.log(
  `${problems.length ? 'failed' : 'ok'}: ${symbols.length} kernels of ${files.length} files for ${archs.map((arch) => `sm_${arch}`).join(', ')} in ${seconds} s`,
);
process.exit(problems.length || !symbols.length ? 1 : 0);
