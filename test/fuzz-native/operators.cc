// Calls of every operator with params that fit, nearly fit or do not: each is refused, or runs inside of its arrays.
#include "calls/op_call.h"
#include "cpu/device.h"
#include "cpu/tables.h"
#include "drawn_params.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skipscan;
  static const std::shared_ptr<Device> devices[] = {cpu::open(cpu::portable::backend, false),
                                                    cpu::open(cpu::reference::backend, false)};
  static ThreadPool pool(1);
  fuzz::Bytes bytes(data, size);
  const auto& device = bytes.PickValueInArray(devices);
  try {
    const fuzz::DrawnParams params(bytes);
    // The reference lays out every position of a path, however large its gaps are.
    if (&device->backend() == &cpu::reference::backend && params.op() == "causal_conv") return 0;
    std::string route;
    (void)OpCall(params.op(), params, device).run(pool, &route);
  } catch (const ParamError&) {
  } catch (const std::bad_alloc&) {
  }
  return 0;
}
