import { testCases } from '../helpers/op-cases/harness';
import { embeddingCases, linearCases } from '../helpers/op-cases/products';

testCases(linearCases);
testCases(embeddingCases);
