// Other versions of Node.js, other package managers and other compilers of TypeScript, as the npm registry has them.
import path from 'node:path';
import { checkPrograms } from './programs.mjs';
import { expect, Project } from './project.mjs';
import { checkTypes } from './types.mjs';

const nodes = { node20: '20', node22: '22', node24: '24', newest: 'latest' };

/** Programs of other packages, by the name that they are installed under. */
export function installTools(scratch) {
  const tools = new Project(path.join(scratch, 'tools'));
  const platform = `node-${process.platform}-${process.arch}`;
  tools.install(
    ...Object.entries(nodes).map(([name, version]) => `${name}@npm:${platform}@${version}`),
    ...['npm12@npm:npm@12', 'pnpm@10', 'yarn@1', 'typescript5@npm:typescript@5'],
  );
  return (...parts) => path.join(tools.folder, 'node_modules', ...parts);
}

/** The one binary runs under every version of Node.js that is supported. */
export function everyNode({ tool }, project) {
  project.write(
    'exported.mjs',
    `import { listDevices } from 'skipscan';\nexport const devices = listDevices();\n`,
  );
  project.write('require-module.cjs', `console.log(require('./exported.mjs').devices[0].id);\n`);
  return Object.keys(nodes).map((name) => {
    const node = tool(name, 'bin', 'node');
    const version = project.print(node, '--version').trim();
    checkPrograms(project, node);
    if (name !== 'node20')
      expect(project.print(node, 'require-module.cjs') === 'cpu\n', `${version}: require(esm)`);
    return version;
  });
}

/** An older TypeScript, which many projects have. */
export function olderTypescript({ tool, nodeTypes }, project) {
  checkTypes(project, tool('typescript5', 'bin', 'tsc'), nodeTypes);
}

/** Those that run no scripts of packages unless told to, and another that does; none finds a compiler. */
export function packageManagers({ scratch, tarball, bare, tool }) {
  const newest = tool('newest', 'bin', 'node');
  const managers = {
    npm12: [newest, tool('npm12', 'bin', 'npm-cli.js'), 'install', '--no-audit', '--no-fund', tarball],
    pnpm: [process.execPath, tool('pnpm', 'bin', 'pnpm.cjs'), 'add', tarball],
    yarn: [process.execPath, tool('yarn', 'bin', 'yarn.js'), 'add', '--no-progress', `file:${tarball}`],
  };
  for (const [name, command] of Object.entries(managers)) {
    const project = new Project(path.join(scratch, name), bare);
    project.print(...command);
    expect(!project.isCompiled, `${name} compiled it`);
    checkPrograms(project);
  }
  return Object.keys(managers);
}
