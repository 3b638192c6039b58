// Random valid calls against the plain-loop reference; scripts/random-calls.mjs runs it.
import { native } from '../../lib/native';
import { Draw } from '../helpers/random';
import { Findings } from './findings';
import { languageModels } from './language-models';
import { type Kind, operators } from './operators';
import { visionModels } from './vision-models';

export type RunOptions = {
  /** How many cases; each runs on every kernel set. */
  cases: number;
  /** Case i is drawn from `seed + i`, so that a single one can be repeated. */
  seed: number;
  /** The kernel sets; all that this machine has by default. */
  kernels?: readonly string[];
  /** Only kinds whose names contain this. */
  only?: string;
};

const kinds: readonly Kind[] = [...operators, languageModels, visionModels];

/** Runs them and prints what they found. Returns the number of failures. */
export async function run(o: RunOptions, print: (line: string) => void = console.log): Promise<number> {
  const backends = kernelSets(o.kernels);
  const chosen = kinds.filter(({ name }) => name.includes(o.only ?? ''));
  if (chosen.length === 0) throw new Error(`No kind of call has ${o.only} in its name.`);
  let seed = o.seed;
  const repeat = () =>
    `npm run random-calls -- --cases 1 --seed ${seed}${o.only ? ` --only ${JSON.stringify(o.only)}` : ''}`;
  const findings = new Findings((message) => print(`FAIL ${message}\n  again: ${repeat()}`));
  for (; seed < o.seed + o.cases; seed += 1) {
    const draw = new Draw(seed);
    const kind = pick(chosen, draw);
    try {
      await kind.run(draw, backends, findings);
    } catch (error) {
      findings.add(kind.name, 'any', Infinity, () => String((error as Error).stack));
    }
  }
  report(findings, print);
  print(`${o.cases} cases from seed ${o.seed} on ${backends.join(', ')}: ${findings.failures} failures`);
  return findings.failures;
}

function kernelSets(wanted?: readonly string[]): string[] {
  const available = native.cpuBackends().available.filter((name) => name !== 'reference');
  const missing = wanted?.find((name) => !available.includes(name));
  if (missing === undefined) return [...(wanted ?? available)];
  throw new Error(`This machine has no kernels ${missing}; expected some of ${available.join(', ')}.`);
}

function pick(choices: readonly Kind[], draw: Draw): Kind {
  let at = draw.next() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of choices) {
    at -= kind.weight;
    if (at < 0) return kind;
  }
  return choices[choices.length - 1];
}

function report({ rows }: Findings, print: (line: string) => void): void {
  print(`${'kind'.padEnd(30)}${'kernels'.padEnd(10)}${'cases'.padStart(8)}   worst error / tolerance`);
  for (const { kind, backend, cases, worst, undecided } of rows) {
    const share = worst === 0 ? 'none' : worst.toFixed(3);
    const note = undecided > 0 ? ` (${undecided} hung on less than float32 resolves)` : '';
    print(`${kind.padEnd(30)}${backend.padEnd(10)}${String(cases).padStart(8)}   ${share}${note}`);
  }
}
