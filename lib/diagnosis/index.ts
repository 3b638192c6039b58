import { listDevices } from '../device';
import { packageVersion } from '../version';
import { type Check, ok } from './check';
import { checkEngine } from './engine';
import { checkMemory, checkProcessor, checkSystem } from './environment';
import { checkHub } from './hub';
import { checkImages, checkModels } from './models';

export type { Check, Status } from './check';

/** Looks at everything that can be in the way of running models, from the outside in; never throws. */
export async function diagnose(): Promise<Check[]> {
  const outside = [
    ok('skipscan', packageVersion),
    ok('node', process.version),
    checkSystem(),
    checkProcessor(),
    checkMemory(),
  ];
  const engine = await checkEngine();
  const works = engine.find(({ name }) => name === 'devices')?.status === 'ok';
  const devices = works ? listDevices().map(({ id }) => id) : [];
  return [...outside, ...engine, ...(await checkModels(devices)), await checkImages(), await checkHub()];
}
