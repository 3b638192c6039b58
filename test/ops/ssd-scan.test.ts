import { testCases } from '../helpers/op-cases/harness';
import { ssdScanCases } from '../helpers/op-cases/ssd-scan';

testCases(ssdScanCases);
