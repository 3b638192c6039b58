import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeThreads, textTable } from './report.mjs';
import { measureInTurns, ratio } from './turns.mjs';

/** Time for a process to start, and for a thread to be moved away from it. */
const startMilliseconds = 500;

/**
 * Prefill of one engine with one thread, with all of them, and with all of them while another process keeps one core busy, in
 * turns.
 *
 * @param competitor as languageCompetitors() gives it
 * @returns `rates` in tokens per second of `one`, `all` and `disturbed`; `gain` of the threads and `kept` of the speed
 */
export async function measureThreads(competitor, shape, prompt, { threads, rounds }) {
  const started = [];
  try {
    const processes = {};
    for (const [name, count] of [
      ['one', 1],
      ['all', threads],
    ]) {
      processes[name] = competitor.start();
      started.push(processes[name]);
      await processes[name].call('load', await competitor.settings(shape, count));
      await processes[name].call('prefill', { prompt }); // a warm-up
    }
    const turns = [
      { name: 'one', measure: (...task) => processes.one.measure(...task) },
      { name: 'all', measure: (...task) => processes.all.measure(...task) },
      { name: 'disturbed', measure: (...task) => withBusyCore(() => processes.all.measure(...task)) },
    ];
    const task = { kind: 'prefill', argument: { prompt }, amount: prompt.length };
    const { rates, otherCores } = await measureInTurns(task, turns, rounds);
    return {
      name: competitor.name,
      tokens: prompt.length,
      threads,
      rates,
      gain: ratio(rates.all, rates.one),
      kept: ratio(rates.disturbed, rates.all),
      otherCores,
    };
  } finally {
    for (const process of started) process.close();
  }
}

/** The load that it makes itself does not count as a disturbance. */
async function withBusyCore(measure) {
  const busy = spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' });
  try {
    await sleep(startMilliseconds);
    const run = await measure();
    return { ...run, otherCores: Math.max(0, run.otherCores - 1) };
  } finally {
    const ended = once(busy, 'exit');
    busy.kill('SIGKILL');
    await ended;
  }
}

export function describeThreadScaling(results) {
  const [{ tokens, threads }] = results;
  const rows = results.map(({ name, rates, gain, kept, otherCores }) => [
    name,
    rates.one.median.toFixed(1),
    rates.all.median.toFixed(1),
    `${gain.median.toFixed(2)}x`,
    rates.disturbed.median.toFixed(1),
    `${(100 * kept.median).toFixed(0)} %`,
    otherCores.max.toFixed(2),
  ]);
  const header = [
    `prefill ${tokens}, tokens/s`,
    '1 thread',
    describeThreads(threads),
    'gain',
    'one core taken',
    'kept',
    'other load',
  ];
  return textTable(header, rows);
}
