import { testCases } from '../helpers/op-cases/harness';
import { selectTokensCases } from '../helpers/op-cases/select-tokens';

testCases(selectTokensCases);
