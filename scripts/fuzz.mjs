// Coverage-guided fuzzing of everything that reads foreign bytes in TypeScript; docs/robustness.md says how. `--help` lists options.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('./typescript-hook.cjs');
process.exitCode = await require('../test/fuzz/main.ts').main(process.argv.slice(2));
