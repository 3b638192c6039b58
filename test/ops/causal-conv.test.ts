import { causalConvCases } from '../helpers/op-cases/causal-conv';
import { testCases } from '../helpers/op-cases/harness';

testCases(causalConvCases);
