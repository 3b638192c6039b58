// What went wrong, as a value. Codes are the ones users see in SkipscanError.code; `aborted` becomes the
// signal's reason.
#pragma once
#include <string>
#include <utility>

namespace skipscan {

enum class Code { ok, argument, checkpoint, unsupported, out_of_memory, device, native, aborted };

constexpr const char* name_of(Code code) {
  switch (code) {
    case Code::ok: return "OK";
    case Code::argument: return "ERR_ARGUMENT";
    case Code::checkpoint: return "ERR_CHECKPOINT";
    case Code::unsupported: return "ERR_UNSUPPORTED";
    case Code::out_of_memory: return "ERR_OUT_OF_MEMORY";
    case Code::device: return "ERR_DEVICE";
    case Code::native: return "ERR_NATIVE";
    case Code::aborted: return "ABORTED";
  }
  return "ERR_NATIVE";
}

struct [[nodiscard]] Status {
  Code code = Code::ok;
  std::string message;

  bool ok() const { return code == Code::ok; }
};

inline Status fail(Code code, std::string message) { return {code, std::move(message)}; }

// Returns from the calling function with the first status that is not ok.
#define SKIPSCAN_TRY(expression)                                                  \
  do {                                                                            \
    if (::skipscan::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

}  // namespace skipscan
