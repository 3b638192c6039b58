import { testCases } from '../helpers/op-cases/harness';
import { eightBitLinearCases, embeddingCases, linearCases } from '../helpers/op-cases/products';

testCases(linearCases);
testCases(eightBitLinearCases);
testCases(embeddingCases);
