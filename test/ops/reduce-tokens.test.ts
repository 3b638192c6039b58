import { testCases } from '../helpers/op-cases/harness';
import { reduceTokensCases } from '../helpers/op-cases/reduce-tokens';

testCases(reduceTokensCases);
