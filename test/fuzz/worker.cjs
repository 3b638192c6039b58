// A thread cannot be started on TypeScript.
require('../../scripts/typescript-hook.cjs');
require('./worker.ts');
