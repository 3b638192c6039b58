import { depthwiseConv2dCases } from '../helpers/op-cases/depthwise-conv2d';
import { testCases } from '../helpers/op-cases/harness';

testCases(depthwiseConv2dCases);
