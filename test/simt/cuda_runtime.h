// An emulated GPU: what kernels and host code include in place of CUDA's headers, to be compiled by a C++
// compiler and run on the CPU (-Itest, test/simt/*.cc; define SKIPSCAN_EMULATED_GPU for host code).
//
// Each CUDA thread is a fiber; blocks run one after the other. Work is queued and runs when the host waits
// for its stream, so that a wait that is missing shows. Mistakes that real hardware answers with wrong
// numbers end the process with a message here: barriers and warp operations that not all threads reach, wrong
// masks, writes past the end of device or shared memory, host accesses to device memory. Compiled with
// -fsanitize=address, reads past the end and uses after free are found too; with -fsanitize=thread, missing
// barriers.
// Not found: host memory that kernels are given, races between threads of one index in different blocks, and whatever
// depends on timing.
//
//   SIMT_ORDER=forward|reverse|random[:seed]  in which order blocks and threads run (forward)
//   SIMT_QUEUE=deferred|eager                 whether work runs when the host waits for it, or at once (deferred)
//   SIMT_DEVICES=n                            devices; 0 is a machine without one (1)
//   SIMT_DRIVER=none                          a machine without a driver
//   SIMT_CAPABILITY=major*10+minor            compute capability (90)
//   SIMT_MEMORY=bytes                         memory of each device (8 GiB)
//   SIMT_FAIL=launch:n                        the n-th launch breaks the device with cudaErrorIllegalAddress
#pragma once
#include "simt/api.h"
#include "simt/kernel.h"
#include "simt/launch.h"
#include "simt/types.h"
