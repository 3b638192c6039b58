import { testCases } from '../helpers/op-cases/harness';
import { selectiveStateCases, ssdStateCases } from '../helpers/op-cases/state-importance';

testCases(selectiveStateCases);
testCases(ssdStateCases);
