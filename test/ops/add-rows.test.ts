import { addRowsCases } from '../helpers/op-cases/add-rows';
import { testCases } from '../helpers/op-cases/harness';

testCases(addRowsCases);
