// A thread cannot be started on TypeScript.
require('./register.cjs');
require('./worker.ts');
