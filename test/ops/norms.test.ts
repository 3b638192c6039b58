import { testCases } from '../helpers/op-cases/harness';
import { gatedRmsNormCases, rmsNormCases } from '../helpers/op-cases/norms';

testCases(rmsNormCases);
testCases(gatedRmsNormCases);
