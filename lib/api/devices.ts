/**
 * Which processors there are, and why a GPU cannot be used. The option `device` of models and tensors takes what `listDevices()`
 * calls `id`.
 *
 * @module devices
 */
export { type CudaStatus, cudaStatus, type Device, type DeviceInfo, listDevices } from '../device';
