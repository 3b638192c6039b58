#!/usr/bin/env node
import '../supported-node';

import { packageVersion } from '../version';
import { bench } from './bench';
import { classify } from './classify';
import { type Command, describeFailure, Interrupted, runCommand, UsageError } from './command';
import { doctor } from './doctor';
import { evaluation } from './eval';
import { explain } from './explain';
import { generate } from './generate';
import { inspect } from './inspect';
import { printable } from './printable';
import { report } from './report';
import { score } from './score';

const commands: Record<string, Command> = {
  generate,
  score,
  classify,
  explain,
  eval: evaluation,
  report,
  bench,
  inspect,
  doctor,
};

function overview(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)}  ${summary}`);
  return `Usage: skipscan COMMAND [options]\n\n${lines.join('\n')}\n\nskipscan COMMAND --help lists a command's options.\n`;
}

async function main([name, ...args]: string[]): Promise<void> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(overview());
    if (name === undefined) process.exitCode = 2;
    return;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${packageVersion}\n`);
    return;
  }
  try {
    if (!Object.hasOwn(commands, name)) {
      throw new UsageError(
        `Expected one of ${Object.keys(commands).join(', ')} as the command but received '${name}'.`,
      );
    }
    await runCommand(commands[name], args);
  } catch (error) {
    process.stderr.write(`${printable(describeFailure(error))}\n`);
    if (error instanceof Interrupted) {
      process.exitCode = 130; // what a shell gives a program that Ctrl-C has ended
      return;
    }
    if (error instanceof UsageError) {
      const usage = Object.hasOwn(commands, name) ? `Usage: skipscan ${commands[name].usage}\n` : overview();
      process.stderr.write(`\n${usage}`);
    }
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

// A reader that has seen enough (| head) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void main(process.argv.slice(2));
