/// <reference lib="esnext.disposable" preserve="true" />
import './supported-node';

export * from './api/devices';
export * from './api/errors';
export * from './api/evaluation';
export * from './api/models';
export * from './api/reduction';
export * from './api/sessions';
export * from './api/tensors';
export * from './api/vision';
export * as ops from './ops';
