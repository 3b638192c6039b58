import { testCases } from '../helpers/op-cases/harness';
import { floatImagePatchesCases, imagePatchesCases } from '../helpers/op-cases/image-patches';

testCases(imagePatchesCases);
testCases(floatImagePatchesCases);
