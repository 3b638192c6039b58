import path from 'node:path';
import { type Finding, sentence } from './finding';
import { type System, thisSystem } from './system';

/** The command that builds a binary, and what it needs. The same for every package manager, and whether or not it runs scripts. */
function buildAdvice({ packageRoot, libc }: Place): string {
  const script = path.join(packageRoot, 'scripts', 'build-native.js');
  const tools = 'That needs cmake 3.20 or newer, make and a C++20 compiler (g++ 11 or clang 14, or newer)';
  const alpine = libc === 'musl' ? ': apk add cmake make g++ linux-headers' : '';
  return `run: node ${/\s/.test(script) ? `'${script}'` : script}\n${tools}${alpine}.`;
}

type Place = System & { packageRoot: string };

/** What a loader's words mean: the first of these that they fit counts. */
const meanings: {
  words: RegExp;
  explain(problem: string, words: RegExpMatchArray, place: Place): Finding;
}[] = [
  {
    // Not a loader's words but those of lib/native.ts.
    words: /^the binary is of version (.+), the package of version (.+)$/,
    explain: (_, [, binary, version], place) => ({
      found: `the binary was built from version ${binary} of the package, which now is version ${version}`,
      expected: 'both to be of one version',
      advice: `It stayed behind when the package was replaced. To build a new one, ${buildAdvice(place)}`,
    }),
  },
  {
    words: /(?:GLIBC|GLIBCXX|CXXABI|GCC)_[\d.]+/,
    explain: (problem, [version], place) => ({
      found: `the binary expects newer system libraries than this machine has (${problem})`,
      expected: `a system with ${version.replace('_', ' ')}${place.glibc ? `; this one has glibc ${place.glibc}` : ''}`,
      advice: `To build one for it, ${buildAdvice(place)}`,
    }),
  },
  {
    words:
      /(lib(?:stdc\+\+|gcc_s)\.so\.\d+): cannot open shared object file|shared library (lib(?:stdc\+\+|gcc_s)\S*):/,
    explain: (_, [, glibc, musl]) => ({
      found: `the system has no ${glibc ?? musl}, which the binary needs`,
      expected: "the C++ compiler's runtime library",
      advice:
        'To install it, run: apt-get install libstdc++6 (Debian, Ubuntu), dnf install libstdc++ (Fedora, RHEL) or ' +
        'apk add libstdc++ (Alpine).',
    }),
  },
  {
    words: /^Error (?:loading shared library|relocating)|ld-linux\S*: cannot open|ld-musl|libc\.musl/,
    explain: (problem, _, place) => ({
      found: `the binary was made for another C library (${problem})`,
      expected: 'one for the C library of this system: Alpine has musl, most others have glibc',
      advice: `To build one, ${buildAdvice(place)}`,
    }),
  },
  {
    words:
      /failed to map segment|Operation not permitted|cannot enable executable stack|cannot apply additional/,
    explain: (problem) => ({
      found: `the system does not let the binary be executed (${problem})`,
      expected:
        'a folder whose file system is not mounted noexec, and no rule of SELinux or seccomp against it',
      advice:
        "Look at the mount options (findmnt -T node_modules) and at SELinux's log (ausearch -m avc), or install the package " +
        'in another folder.',
    }),
  },
  {
    words: /Permission denied|EACCES/,
    explain: (problem) => ({
      found: `the binary may not be read (${problem})`,
      expected: 'this user to have the right to read it',
      advice: 'Give node_modules to the user that runs Node.js: chown -R, or chmod -R a+rX.',
    }),
  },
  {
    words: /undefined symbol: (?:napi|node_api)_\w+/,
    explain: (problem) => ({
      found: `the binary needs a newer Node.js than ${process.version} (${problem})`,
      expected: 'Node.js 20 or newer',
      advice: 'Update Node.js.',
    }),
  },
];

/**
 * Why the addon did not load and what to do.
 *
 * @param problem the loader's message
 * @param packageRoot the folder of this package
 */
export function explainLoadFailure(problem: string, packageRoot: string, system = thisSystem()): Finding {
  const { platform, arch } = system;
  const place = { ...system, packageRoot };
  if (platform !== 'linux' && platform !== 'darwin') {
    return {
      found: 'this platform is not supported',
      expected: 'linux or darwin',
      advice: 'On Windows use WSL.',
    };
  }
  if (problem.startsWith('No native build was found')) return explainMissing(place);
  const line = problem.split('\n')[0].slice(0, 500); // of a damaged binary it may name half the file
  for (const { words, explain } of meanings) {
    const match = line.match(words);
    if (match) return explain(line, match, place);
  }
  return {
    found: line,
    expected: `a whole binary for ${platform}-${arch}`,
    advice:
      'It is damaged or was made for another platform, as when node_modules is copied between machines. ' +
      `To build one here, ${buildAdvice(place)}`,
  };
}

function explainMissing(place: Place): Finding {
  const { platform, arch, libc, packageRoot } = place;
  const elsewhere = process.env.SKIPSCAN_PREBUILD;
  if (elsewhere) {
    return {
      found: `found no binary below ${elsewhere}, which the environment variable SKIPSCAN_PREBUILD names`,
      expected: `build/Release/skipscan.node or prebuilds/${platform}-${arch} in it`,
      advice: "Correct the variable, or unset it to use the package's own binary.",
    };
  }
  const why =
    libc === 'musl'
      ? 'Prebuilt ones are for glibc, and the install script failed or was not allowed to run.'
      : 'None came with the package, and the install script failed or was not allowed to run.';
  return {
    found: `found no binary below ${packageRoot}`,
    expected: `one for ${platform}-${arch}${libc ? ` with ${libc}` : ''}`,
    advice: `${why} To build one, ${buildAdvice(place)}`,
  };
}

/** The same as the message of an error. */
export function loadFailureMessage(problem: string, packageRoot: string, system = thisSystem()): string {
  const engine = `skipscan's native engine for ${system.platform}-${system.arch} could not be loaded`;
  return `${engine}: ${sentence(explainLoadFailure(problem, packageRoot, system))}`;
}
