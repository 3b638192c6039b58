import { existsSync } from 'node:fs';

/** What decides which binaries a process can load. */
export type System = {
  platform: string;
  arch: string;
  /** The C library that Node.js runs on; absent where it is not Linux's. */
  libc?: 'glibc' | 'musl';
  glibc?: string;
};

/** The oldest C library and compiler's library that prebuilt binaries run with; scripts/check-glibc.mjs holds them to it. */
export const oldest = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '7.0.0' };

let seen: System | undefined;

export function thisSystem(): System {
  seen ??= { platform: process.platform, arch: process.arch, ...cLibrary() };
  return seen;
}

function cLibrary(): Pick<System, 'libc' | 'glibc'> {
  if (process.platform !== 'linux') return {};
  const glibc = runtimeGlibc();
  // Of two that are there, the one that Node.js itself runs on counts.
  return glibc || !existsSync('/etc/alpine-release') ? { libc: 'glibc', glibc } : { libc: 'musl' };
}

/** As Node.js reports it; absent with another C library. */
function runtimeGlibc(): string | undefined {
  const report = process.report as { excludeNetwork?: boolean } & NonNullable<typeof process.report>;
  const before = report.excludeNetwork;
  report.excludeNetwork = true; // else it looks up the names of all open connections
  try {
    return (report.getReport() as { header?: { glibcVersionRuntime?: string } }).header?.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = before;
  }
}
