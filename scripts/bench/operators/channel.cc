#include "channel.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace skipscan::bench {
namespace {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The string after "name": in a message; Node.js writes them without spaces, and ours hold nothing that is escaped.
std::string field(const std::string& message, const std::string& name) {
  const std::string key = '"' + name + "\":\"";
  const size_t begin = message.find(key);
  if (begin == std::string::npos) return {};
  const size_t value = begin + key.size();
  return message.substr(value, message.find('"', value) - value);
}

std::string without_quotes(std::string text) {
  for (char& c : text)
    if (c == '"' || c == '\\' || c < ' ') c = '\'';
  return text;
}

std::string answer(const std::map<std::string, Method>& methods, const std::string& message) {
  const auto method = methods.find(field(message, "method"));
  try {
    if (method == methods.end()) throw std::runtime_error("there is no such method");
    std::istringstream argument(field(message, "argument"));
    return "{\"result\":" + method->second(argument);
  } catch (const std::exception& error) {
    return "{\"error\":" + json(without_quotes(error.what()));
  }
}

bool send(int channel, const std::string& text) {
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t n = write(channel, text.data() + sent, text.size() - sent);
    if (n <= 0) return false;
    sent += size_t(n);
  }
  return true;
}

}  // namespace

std::string json(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string json(const std::string& value) { return '"' + value + '"'; }

int serve(const std::map<std::string, Method>& methods) {
  const char* const descriptor = std::getenv("NODE_CHANNEL_FD");
  if (!descriptor) {
    std::fprintf(stderr, "This is started by scripts/bench/operators.mjs.\n");
    return 2;
  }
  const int channel = std::atoi(descriptor);
  double last_answer = cpu_seconds();
  std::string received;
  char piece[4096];
  for (ssize_t n; (n = read(channel, piece, sizeof piece)) > 0;) {
    received.append(piece, size_t(n));
    for (size_t end; (end = received.find('\n')) != std::string::npos; received.erase(0, end + 1)) {
      const double start = cpu_seconds(), idle = start - last_answer;
      std::string text = answer(methods, received.substr(0, end));
      last_answer = cpu_seconds();
      text += ",\"cpuSeconds\":" + json(last_answer - start) + ",\"idleCpuSeconds\":" + json(idle) + "}\n";
      if (!send(channel, text)) return 1;
    }
  }
  return 0;
}

}  // namespace skipscan::bench
