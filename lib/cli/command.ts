import { type ParseArgsConfig, parseArgs } from 'node:util';
import { SkipscanError } from '../errors';

/** Wrong words on the command line: exit code 2, with the command's usage. */
export class UsageError extends Error {}

export type Values = Record<string, string | boolean | string[] | undefined>;

/** The user ended the work; the message says how it can go on. */
export class Interrupted extends Error {}

/** One command of the program. */
export type Command = {
  /** The line after `Usage: skipscan`. */
  usage: string;
  /** One line for the list of commands. */
  summary: string;
  /** Options besides `--json` and `--help`, with a line of help each. */
  options: Record<
    string,
    { type: 'string' | 'boolean'; multiple?: boolean; short?: string; help: string; value?: string }
  >;
  run(positionals: string[], values: Values): Promise<void>;
};

/** Parses `args` by the command's options and runs it. */
export async function runCommand(command: Command, args: string[]): Promise<void> {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple, short }]) => [
      name,
      { type, ...(multiple && { multiple }), ...(short && { short }) },
    ]),
  ) as NonNullable<ParseArgsConfig['options']>;
  options.json = { type: 'boolean' };
  options.help = { type: 'boolean', short: 'h' };
  let parsed: { positionals: string[]; values: Values };
  try {
    parsed = parseArgs({ args, options, allowPositionals: true }) as typeof parsed;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (parsed.values.help) {
    process.stdout.write(`${helpOf(command)}\n`);
    return;
  }
  await command.run(parsed.positionals, parsed.values);
}

/** The usage and one line for each option. */
export function helpOf(command: Command): string {
  const rows = Object.entries(command.options).map(([name, o]) => [
    `--${name}${o.value ? ` ${o.value}` : ''}${o.short ? `, -${o.short}` : ''}`,
    o.help,
  ]);
  rows.push(['--json', 'Print one JSON object instead of text.'], ['--help, -h', 'Print this.']);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`);
  return `${command.summary}\n\nUsage: skipscan ${command.usage}\n\n${lines.join('\n')}`;
}

/** The number that an option holds, if it was given. */
export function numberOption(values: Values, name: string): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (typeof text !== 'string' || text.trim() === '' || !Number.isFinite(value)) {
    throw new UsageError(`Expected a number for --${name} but received '${String(text)}'.`);
  }
  return value;
}

/** The whole number that an option holds, if it was given. */
export function wholeNumberOption(values: Values, name: string, least: number): number | undefined {
  const value = numberOption(values, name);
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return value;
  throw new UsageError(
    `Expected a whole number from ${least} for --${name} but received '${String(values[name])}'.`,
  );
}

/** The items of an option with commas between them, if it was given. */
export function listOption(values: Values, name: string): string[] | undefined {
  return (values[name] as string | undefined)?.split(',').map((item) => item.trim());
}

/** Numbers with commas between them, if the option was given. */
export function numbersOption(values: Values, name: string): number[] | undefined {
  return listOption(values, name)?.map((item) => numberOption({ [name]: item }, name)!);
}

/** Whole numbers with commas between them, if the option was given. */
export function wholeNumbersOption(values: Values, name: string, least: number): number[] | undefined {
  return listOption(values, name)?.map((item) => wholeNumberOption({ [name]: item }, name, least)!);
}

/** One of `choices`, if the option was given. */
export function choiceOption<Choice extends string>(
  values: Values,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const value = values[name] as Choice | undefined;
  if (value === undefined || choices.includes(value)) return value;
  throw new UsageError(`Expected ${enumeration(choices)} for --${name} but received '${value}'.`);
}

/** `a, b or c`. */
export function enumeration(items: readonly string[]): string {
  return [items.slice(0, -1).join(', '), ...items.slice(-1)].filter(Boolean).join(' or ');
}

/** Exactly `names.length` positionals, or a usage error that names what is missing or too much. */
export function positionalsOf(positionals: string[], names: string[]): string[] {
  if (positionals.length < names.length) throw new UsageError(`Expected ${names[positionals.length]}.`);
  if (positionals.length > names.length) {
    throw new UsageError(
      `Received '${positionals[names.length]}' after ${names.at(-1)}. Put texts with spaces in quotes.`,
    );
  }
  return positionals;
}

/** What a failure looks like to a user: the message, and the stack only for what is not meant to happen. */
export function describeFailure(error: unknown): string {
  if (error instanceof SkipscanError) return `skipscan: ${error.message} (${error.code})`;
  if (error instanceof UsageError || error instanceof Interrupted) return `skipscan: ${error.message}`;
  return `skipscan: unexpected failure\n${(error as Error).stack ?? String(error)}`;
}
