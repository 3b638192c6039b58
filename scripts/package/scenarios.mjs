// The ways in which the package gets onto a machine. Each installs a tarball into an empty project and runs it there.
import path from 'node:path';
import { checkPrograms } from './programs.mjs';
import { expect, Project } from './project.mjs';
import { checkTypes } from './types.mjs';

/**
 * A machine without a compiler, with the prebuilt binary.
 *
 * @returns the project
 */
export function prebuilt({ scratch, tarball, bare, typescript, nodeTypes }) {
  const project = new Project(path.join(scratch, 'prebuilt'), bare);
  project.install(tarball);
  expect(!project.isCompiled, 'it was compiled, not installed');
  project.print('npm', 'ls', '--all');
  project.env.npm_config_build_from_source = 'skipscan';
  const asked = project.run('node', path.join(project.installed, 'scripts', 'install.js'));
  expect(
    asked.status === 1 && asked.output.includes("found no 'cmake'"),
    'a build was asked for',
    asked.output,
  );
  delete project.env.npm_config_build_from_source;
  checkPrograms(project);
  checkTypes(project, typescript, nodeTypes);
  return project;
}

/** The same where no package may run scripts. */
export function prebuiltWithoutScripts({ scratch, tarball, bare }) {
  const project = new Project(path.join(scratch, 'prebuilt-without-scripts'), bare);
  project.install('--ignore-scripts', tarball);
  checkPrograms(project);
}

/** Neither a binary nor a compiler: the install fails, and the last words say what to install. */
export function nothing({ scratch, sources, bare }) {
  const { status, output } = new Project(path.join(scratch, 'nothing'), bare).npm(sources);
  expect(status !== 0, 'npm install succeeded without a binary and a compiler', output);
  for (const words of [
    'no binary fits this system (No native build was found for platform=',
    "found no 'cmake', which building from source needs. Install cmake (3.20 or newer), a C++20 compiler",
  ]) {
    expect(output.includes(words), `npm install does not say: ${words}`, output);
  }
}

/**
 * No binary, and no package may run scripts: the package is installed and can be imported, and its first use says which command
 * makes it work.
 *
 * @param compilers whether that command is run with a compiler, or must say that there is none
 */
export function commandOfTheError({ scratch, sources, bare, compilers }) {
  const project = new Project(path.join(scratch, 'command'), bare);
  project.install('--ignore-scripts', sources);
  project.write(
    'first-use.mjs',
    `import { loadLanguageModel } from 'skipscan';
     await loadLanguageModel(process.argv[2]).catch(({ code, message }) => console.log(JSON.stringify({ code, message })));`,
  );
  const model = path.join(project.installed, 'models', 'tiny-mamba2');
  const { code, message } = JSON.parse(project.print(process.execPath, 'first-use.mjs', model));
  const [, script] = message.match(/To build one, run: node (\S+build-native\.js)\n/) ?? [];
  expect(code === 'ERR_NATIVE' && script, `the first use fails with other words: ${code} ${message}`);
  if (!compilers) {
    const { status, output } = project.run('node', script);
    expect(
      status === 1 && output.includes("found no 'cmake'"),
      'without a compiler it says otherwise',
      output,
    );
    return;
  }
  project.env = compilers;
  project.print('node', script);
  checkPrograms(project);
}

/** No binary, but a compiler; in a folder whose name has a space. */
export function fromSource({ scratch, sources, compilers }) {
  const project = new Project(path.join(scratch, 'from source'), compilers);
  project.install(sources);
  expect(project.isCompiled, 'it was not compiled');
  checkPrograms(project);
}
