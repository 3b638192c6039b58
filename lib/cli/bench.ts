import { benchModel } from './bench-model';
import { benchReduce } from './bench-reduce';
import { benchVision } from './bench-vision';
import { type Command, enumeration, positionalsOf, UsageError, type Values } from './command';

/** One benchmark of `skipscan bench`. */
export type Benchmark = {
  /** What it measures. */
  of: string;
  options: Command['options'];
  run(values: Values): Promise<void>;
};

const benchmarks: Record<string, Benchmark> = {
  model: benchModel,
  reduce: benchReduce,
  vision: benchVision,
};
const names = Object.keys(benchmarks);

export const bench: Command = {
  usage: `bench ${names.join('|')} [options]`,
  summary: `Measures ${enumeration(names.map((name) => `${benchmarks[name].of} (${name})`))}.`,
  options: allOptions(),

  async run(positionals, values) {
    const [name] = positionalsOf(positionals, [`${enumeration(names)}, the benchmark to run`]);
    if (!Object.hasOwn(benchmarks, name)) {
      throw new UsageError(`Expected ${enumeration(names)} as the benchmark but received '${name}'.`);
    }
    const foreign = Object.keys(bench.options).find(
      (option) => values[option] !== undefined && !Object.hasOwn(benchmarks[name].options, option),
    );
    if (foreign !== undefined) {
      throw new UsageError(
        `Received --${foreign} with ${name}, but it is an option of ${enumeration(ownersOf(foreign))}.`,
      );
    }
    await benchmarks[name].run(values);
  },
};

/** Every benchmark's options; the help says whose they are where they are not all's, or where they mean different things. */
function allOptions(): Command['options'] {
  const all = Object.assign({}, ...names.map((name) => benchmarks[name].options)) as Command['options'];
  return Object.fromEntries(
    Object.entries(all).map(([option, described]) => [option, { ...described, help: helpOfOption(option) }]),
  );
}

function helpOfOption(option: string): string {
  const owners = new Map<string, string[]>();
  for (const name of ownersOf(option)) {
    const { help } = benchmarks[name].options[option];
    owners.set(help, [...(owners.get(help) ?? []), name]);
  }
  return [...owners]
    .map(([help, those]) => (those.length === names.length ? help : `Of ${those.join(', ')}. ${help}`))
    .join(' ');
}

function ownersOf(option: string): string[] {
  return names.filter((name) => Object.hasOwn(benchmarks[name].options, option));
}
