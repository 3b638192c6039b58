import { expectTypeOf } from 'expect-type';
import * as skipscan from 'skipscan';
import { type LanguageModel, loadLanguageModel, ops, type Policy, prune } from 'skipscan';
// @ts-expect-error files of the package are not for users
import type {} from 'skipscan/dist/queue.js';

// An ES module gets the same names.
expectTypeOf(loadLanguageModel).returns.resolves.toEqualTypeOf<LanguageModel>();
expectTypeOf(skipscan.loadLanguageModel).toEqualTypeOf(loadLanguageModel);
expectTypeOf(skipscan.ops).toEqualTypeOf(ops);
expectTypeOf(prune).returns.toExtend<Policy>();
