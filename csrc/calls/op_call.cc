#include "calls/op_call.h"

#include "calls/op_params.h"

namespace skipscan {
namespace {

// Calls body(op) with the operator of this name.
template <class Body>
void with_op(const Backend& backend, const std::string& name, const Body& body) {
  if (name == "embedding") return body(backend.embedding);
  if (name == "linear") return body(backend.linear);
  if (name == "rms_norm") return body(backend.rms_norm);
  if (name == "gated_rms_norm") return body(backend.gated_rms_norm);
  if (name == "causal_conv") return body(backend.causal_conv);
  if (name == "selective_scan") return body(backend.selective_scan);
  if (name == "ssd_scan") return body(backend.ssd_scan);
  if (name == "token_importance") return body(backend.token_importance);
  if (name == "select_tokens") return body(backend.select_tokens);
  if (name == "reduce_tokens") return body(backend.reduce_tokens);
  if (name == "selective_state_importance") return body(backend.selective_state_importance);
  if (name == "ssd_state_importance") return body(backend.ssd_state_importance);
  if (name == "token_logprobs") return body(backend.token_logprobs);
  if (name == "depthwise_conv2d") return body(backend.depthwise_conv2d);
  if (name == "image_patches") return body(backend.image_patches);
  if (name == "scan_paths") return body(backend.scan_paths);
  if (name == "layer_norm") return body(backend.layer_norm);
  if (name == "mean_rows") return body(backend.mean_rows);
  if (name == "add_rows") return body(backend.add_rows);
  OpReader::mismatch("name", "an operator");
}

template <class Params>
std::function<Status(ExecContext&)> prepare(const Op<Params>& op, const OpReader& reader) {
  Params params;
  read(reader, params);
  return [&op, params](ExecContext& context) -> Status {
    if (const Support support = op.supports(params); !support.ok) return fail(Code::unsupported, support.why);
    return op.run(params, context);
  };
}

}  // namespace

OpCall::OpCall(const std::string& name, const ParamSource& source, std::shared_ptr<Device> device)
    : device_(std::move(device)), memory_(std::make_shared<OpMemory>()) {
  const OpReader reader(source, device_, *memory_);
  with_op(device_->backend(), name, [&](const auto& op) { run_ = prepare(op, reader); });
}

Status OpCall::run(ThreadPool& pool, std::string* route) const {
  SKIPSCAN_TRY(device_->use());
  ExecContext context = device_->context(pool);
  Status status;
  try {
    status = run_(context);
    *route = context.route;
  } catch (...) {
    (void)device_->wait(nullptr);
    throw;
  }
  Status after = device_->wait(nullptr);  // in any case: nothing of a call may still run when its memory goes
  return status.ok() ? after : status;
}

}  // namespace skipscan
