import os from 'node:os';
import { type CudaStatus, cudaStatus, type DeviceInfo, listDevices } from '../device';
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
        found: `${os.cpus()[0]?.model.trim() ?? 'unknown processor'}, ${os.availableParallelism()} threads, ${gibibytes(os.totalmem())}`,
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
    await check('devices', () => listDevices().map(describeDevice).join('; '));
    await check('cuda', () => describeCuda(cudaStatus()));
    await check('shipped model', async () => {
      await using model = await loadLanguageModel(shippedModel);
      const { logits } = await model.forward([72, 105], { logits: 'last' });
      if (!logits.every(Number.isFinite))
        throw new Error('it computes logits that are not numbers: report this as a bug.');
      return `loads and computes on ${model.device} (${model.parameterCount} parameters)`;
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

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** `cuda:0 (NVIDIA H200, 139.8 GiB, compute capability 9.0, 132 multiprocessors)` */
function describeDevice({ id, name, memory, capability, multiprocessors }: DeviceInfo): string {
  if (id === 'cpu') return id;
  const facts = [
    name,
    gibibytes(memory),
    `compute capability ${capability}`,
    `${multiprocessors} multiprocessors`,
  ];
  return `${id} (${facts.join(', ')})`;
}

/** The versions that matter, and why CUDA cannot be used, where it cannot. */
function describeCuda({ reason, driver, runtime }: CudaStatus): string {
  const built = runtime === undefined ? [] : [`built for CUDA ${runtime}`];
  const installed = driver === undefined ? [] : [`the driver supports CUDA ${driver}`];
  const why = reason === undefined ? [] : [`not used: ${reason}`];
  return [...built, ...installed, ...why].join('; ');
}
