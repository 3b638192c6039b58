// Kernel files are compiled for processors that the machine may lack. Two things could make such code run there:
// a weak symbol, of which the linker keeps one copy for the whole addon (an inline function or a std:: template,
// compiled with AVX-512, say, and then called by everyone), and an initialiser that runs when the addon is loaded.
// This script fails on either in the kernel objects below build/cmake.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILD = join(dirname(fileURLToPath(import.meta.url)), '..', 'build', 'cmake');
const SPECIAL_ISAS = ['avx2', 'avx512']; // "portable" may share: it is compiled for every processor

function objectsOf(isa) {
  const folder = `${sep}kernels_${isa}.dir${sep}`;
  return readdirSync(BUILD, { recursive: true })
    .map((file) => join(BUILD, file))
    .filter((file) => file.includes(folder) && file.endsWith('.o'));
}

/** The reasons why an object of this instruction set must not be linked. */
function problemsOf(object, isa) {
  const lines = execFileSync('nm', ['-C', '--defined-only', object], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, type, name] = /^\S* (\S) (.*)$/.exec(line) ?? [];
    if (/^_GLOBAL__sub_I/.test(name)) return [`${object}: ${name} runs when the addon is loaded`];
    const shared = 'WVu'.includes(type) && !name.startsWith('DW.ref.'); // DW.ref.*: a pointer, not code
    return shared && !name.includes(`skipscan::cpu::${isa}::`) ? [`${object}: ${name} is shared`] : [];
  });
}

let problems = [];
let checked = 0;
try {
  if (!objectsOf('portable').length) throw Object.assign(new Error('no objects'), { code: 'ENOENT' });
  for (const isa of SPECIAL_ISAS) {
    const objects = objectsOf(isa);
    checked += objects.length;
    problems = problems.concat(objects.flatMap((object) => problemsOf(object, isa)));
  }
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
  problems = [`Expected kernel objects below ${BUILD} and the program nm (${error.message}). Build first.`];
}
if (problems.length) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`ok: ${checked} kernel objects share no code and run nothing at load`);
