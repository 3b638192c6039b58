import os from 'node:os';
import { cudaStatus, listDevices } from '../device';
import { loadLanguageModel } from '../models/load';
import { native } from '../native';
import { packageVersion } from '../version';
import type { Command } from './command';
import { shippedModel } from './model';

type Check = { name: string; ok: boolean; found: string };

export const doctor: Command = {
  usage: 'doctor [options]',
  summary: 'Prints versions, devices and whether the engine works here; says what to fix.',
  options: {},

  async run(_positionals, values) {
    const checks: Check[] = [
      { name: 'skipscan', ok: true, found: packageVersion },
      { name: 'node', ok: true, found: `${process.version}, ${process.platform}-${process.arch}` },
      {
        name: 'machine',
        ok: true,
        found: `${os.cpus()[0]?.model.trim() ?? 'unknown processor'}, ${os.availableParallelism()} threads, ${(os.totalmem() / 2 ** 30).toFixed(1)} GiB`,
      },
    ];
    const check = async (name: string, look: () => string | Promise<string>) => {
      try {
        checks.push({ name, ok: true, found: await look() });
      } catch (error) {
        checks.push({ name, ok: false, found: (error as Error).message });
      }
    };
    await check('engine', () => {
      const { compiler, architecture, glibc } = native.buildInfo();
      return [compiler, architecture, glibc && `glibc ${glibc}`].filter(Boolean).join(', ');
    });
    await check('kernels', () => {
      const { available, chosen } = native.cpuBackends();
      return `${chosen} (of ${available.join(', ')})`;
    });
    await check('devices', () =>
      listDevices()
        .map(({ id }) => id)
        .join(', '),
    );
    const cuda = cudaStatus();
    checks.push({
      name: 'cuda',
      ok: true,
      found: cuda.available ? `driver ${cuda.driver}` : (cuda.reason ?? 'absent'),
    });
    await check('shipped model', async () => {
      await using model = await loadLanguageModel(shippedModel);
      const { logits } = await model.forward([72, 105], { logits: 'last' });
      if (!logits.every(Number.isFinite))
        throw new Error('it computes logits that are not numbers: report this as a bug.');
      return `loads and computes (${model.parameterCount} parameters)`;
    });

    const healthy = checks.every(({ ok }) => ok);
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ healthy, checks })}\n`);
    } else {
      for (const { name, ok, found } of checks)
        process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(13)}  ${found}\n`);
    }
    if (!healthy) process.exitCode = 1;
  },
};
