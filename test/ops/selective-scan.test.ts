import { testCases } from '../helpers/op-cases/harness';
import { selectiveScanCases } from '../helpers/op-cases/selective-scan';

testCases(selectiveScanCases);
