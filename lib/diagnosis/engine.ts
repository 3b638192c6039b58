// The native engine: its file, whether it loads, the kernels and devices that it has.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type CudaStatus, cudaStatus, type DeviceInfo, listDevices } from '../device';
import { addonFile, loadFailure, native, packageRoot } from '../native';
import { checkBinaryFile } from './binary-file';
import { attempt, type Check, failure, gibibytes, ok, skipped, warning } from './check';
import type { Finding } from './finding';
import { explainLoadFailure } from './load-failure';

export async function checkEngine(): Promise<Check[]> {
  const problem = crash() ?? loadFailure();
  if (problem) {
    const rest = ['kernels', 'devices', 'cuda'].map((name) => skipped(name, 'the engine does not load'));
    return [
      failure('engine', { ...problem, found: [whichFile(), problem.found].filter(Boolean).join(': ') }),
      ...rest,
    ];
  }
  const kernels = await attempt('kernels', () => {
    const { available, chosen } = native.cpuBackends();
    const forced = process.env.SKIPSCAN_CPU ? ', by the environment variable SKIPSCAN_CPU' : '';
    return `${chosen}${forced} (of ${available.join(', ')})`;
  });
  const devices =
    kernels.status === 'ok'
      ? await attempt('devices', () => listDevices().map(describeDevice).join('; '))
      : skipped('devices', 'there are no kernels');
  return [ok('engine', describeBuild()), kernels, devices, checkCuda(cudaStatus())];
}

/** Loading damaged code can end a process, so it is first tried in another one. */
function crash(): Finding | undefined {
  const file = whichFile();
  if (!file || !looksWhole(file)) return undefined;
  const program = 'try { require(process.argv[1]).buildInfo() } catch {}';
  const { signal, status } = spawnSync(process.execPath, ['-e', program, file], {
    stdio: 'ignore',
    timeout: 60_000,
  });
  if (status === 0) return undefined;
  return explainLoadFailure(
    `it ended the process that loaded it (${signal ?? `exit code ${status}`})`,
    packageRoot,
  );
}

function describeBuild(): string {
  const { compiler, architecture, glibc, cuda } = native.buildInfo();
  const file = addonFile();
  const size = `${(checkBinaryFile(file) / 1e6).toFixed(1)} MB`;
  const kernels = cuda ? 'with CUDA kernels' : 'without CUDA kernels';
  return [file, size, compiler, architecture, glibc && `glibc ${glibc}`, kernels].filter(Boolean).join(', ');
}

function looksWhole(file: string): boolean {
  try {
    checkBinaryFile(file);
    return true;
  } catch {
    return false;
  }
}

/** The file that would be loaded, if it is there. */
function whichFile(): string | undefined {
  try {
    return addonFile();
  } catch {
    return undefined;
  }
}

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

/** A GPU that could be used and is not is worth a warning; a machine without one is as it should be. */
export function checkCuda({ available, reason, driver, runtime }: CudaStatus, hasGpu = seesGpu()): Check {
  const found = [
    runtime && `built for CUDA ${runtime}`,
    driver && `the driver supports CUDA ${driver}`,
    reason && `not used: ${reason.replace(/\.$/, '')}`,
  ]
    .filter(Boolean)
    .join('; ');
  if (available || !hasGpu) return ok('cuda', found);
  return warning('cuda', {
    found: `this machine has an NVIDIA GPU; ${found}`,
    expected: runtime
      ? `a GPU of compute capability 7.5 or more, with a driver for CUDA ${runtime} or newer that this process can reach`
      : 'a build with CUDA kernels',
    advice: runtime
      ? 'Update the driver where it is too old; start a container with --gpus all; see CUDA_VISIBLE_DEVICES. docs/cuda.md says more.'
      : 'Install the CUDA toolkit (nvcc 12.0 or newer) and build from source; docs/cuda.md says how.',
  });
}

/** Whether the system knows of an NVIDIA GPU, with or without a driver that works. */
function seesGpu(): boolean {
  return ['/proc/driver/nvidia/version', '/dev/nvidia0', '/dev/nvidiactl', '/dev/dxg'].some((file) =>
    existsSync(file),
  );
}
