import { testCases } from '../helpers/op-cases/harness';
import { gatedRmsNormCases, layerNormCases, rmsNormCases } from '../helpers/op-cases/norms';

testCases(rmsNormCases);
testCases(gatedRmsNormCases);
testCases(layerNormCases);
