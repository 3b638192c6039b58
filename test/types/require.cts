import skipscan = require('skipscan');

import { expectTypeOf } from 'expect-type';

// CommonJS: `const skipscan = require('skipscan')` in a JavaScript file that an editor checks.
expectTypeOf(skipscan.loadLanguageModel).returns.resolves.toEqualTypeOf<skipscan.LanguageModel>();
expectTypeOf(skipscan.ops.linear).returns.resolves.toEqualTypeOf<skipscan.ops.RowsResult>();
expectTypeOf<keyof typeof skipscan>().toEqualTypeOf<
  | 'SkipscanError'
  | 'ScanPath'
  | 'Tensor'
  | 'cudaStatus'
  | 'flops'
  | 'languageTask'
  | 'listDevices'
  | 'loadLanguageModel'
  | 'loadVisionModel'
  | 'ltmp'
  | 'merge'
  | 'openWeights'
  | 'ops'
  | 'paperSchedule'
  | 'prune'
  | 'publishedFlops'
  | 'random'
  | 'recent'
  | 'recommended'
  | 'releasedTop'
  | 'releasedUtrc'
  | 'runTask'
  | 'uniform'
  | 'utrc'
>();

// @ts-expect-error there is no default export
skipscan.default;
// @ts-expect-error files of the package are not for users
import('skipscan/dist/queue.js');
