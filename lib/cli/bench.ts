import { benchReduce } from './bench-reduce';
import { benchVision } from './bench-vision';
import { type Command, positionalsOf, UsageError, type Values } from './command';

/** One benchmark of `skipscan bench`. */
export type Benchmark = {
  /** Whose tokens it removes. */
  of: string;
  options: Command['options'];
  run(values: Values): Promise<void>;
};

const benchmarks: Record<string, Benchmark> = { reduce: benchReduce, vision: benchVision };
const names = Object.keys(benchmarks);

export const bench: Command = {
  usage: `bench ${names.join('|')} [options]`,
  summary: `Measures what removing tokens saves: ${names
    .map((name) => `${benchmarks[name].of} (${name})`)
    .join(', ')}.`,
  options: allOptions(),

  async run(positionals, values) {
    const [name] = positionalsOf(positionals, [`${names.join(' or ')}, the benchmark to run`]);
    if (!Object.hasOwn(benchmarks, name)) {
      throw new UsageError(`Expected ${names.join(' or ')} as the benchmark but received '${name}'.`);
    }
    const foreign = Object.keys(bench.options).find(
      (option) => values[option] !== undefined && !Object.hasOwn(benchmarks[name].options, option),
    );
    if (foreign !== undefined) {
      throw new UsageError(
        `Received --${foreign} with ${name}, but it is an option of ${ownersOf(foreign).join()}.`,
      );
    }
    await benchmarks[name].run(values);
  },
};

/** Every benchmark's options; the help says whose they are where they are not all's. */
function allOptions(): Command['options'] {
  const all = Object.assign({}, ...names.map((name) => benchmarks[name].options)) as Command['options'];
  return Object.fromEntries(
    Object.entries(all).map(([option, described]) => {
      const owners = ownersOf(option);
      const { help } = benchmarks[owners[0]].options[option];
      return [
        option,
        owners.length === names.length ? described : { ...described, help: `Of ${owners.join()}. ${help}` },
      ];
    }),
  );
}

function ownersOf(option: string): string[] {
  return names.filter((name) => Object.hasOwn(benchmarks[name].options, option));
}
