#include "simt/settings.h"

#include <cerrno>
#include <cstdlib>
#include <string>

#include "simt/fault.h"

namespace simt {
namespace {

std::string text_of(const char* name) {
  const char* text = std::getenv(name);
  return text ? text : "";
}

[[noreturn]] void refuse(const char* name, const std::string& text, const char* expected) {
  fail(std::string(name) + "=" + text + ", but it must be " + expected);
}

uint64_t number_in(const char* name, const std::string& whole, const std::string& digits) {
  errno = 0;
  char* end = nullptr;
  const uint64_t number = std::strtoull(digits.c_str(), &end, 10);
  if (digits.empty() || digits[0] == '-' || *end || errno) refuse(name, whole, "a number, or end in one");
  return number;
}

template <class T>
void read_number(const char* name, T* value) {
  const std::string text = text_of(name);
  if (!text.empty()) *value = T(number_in(name, text, text));
}

void read_order(Settings* settings) {
  const std::string text = text_of("SIMT_ORDER");
  if (text.empty() || text == "forward") return;
  settings->order = text == "reverse" ? Order::reverse : Order::random;
  if (text.starts_with("random:")) {
    settings->seed = number_in("SIMT_ORDER", text, text.substr(7));
  } else if (text != "reverse" && text != "random") {
    refuse("SIMT_ORDER", text, "forward, reverse, random or random:<seed>");
  }
}

void read_queue(Settings* settings) {
  const std::string text = text_of("SIMT_QUEUE");
  settings->eager = text == "eager";
  if (!text.empty() && text != "eager" && text != "deferred") refuse("SIMT_QUEUE", text, "deferred or eager");
}

void read_failure(Settings* settings) {
  const std::string text = text_of("SIMT_FAIL");
  if (text.empty()) return;
  if (!text.starts_with("launch:")) refuse("SIMT_FAIL", text, "launch:<n>");
  settings->failing_launch = long(number_in("SIMT_FAIL", text, text.substr(7)));
}

Settings from_environment() {
  Settings settings;
  read_order(&settings);
  read_queue(&settings);
  read_failure(&settings);
  settings.driver = text_of("SIMT_DRIVER") != "none";
  read_number("SIMT_DEVICES", &settings.devices);
  read_number("SIMT_CAPABILITY", &settings.capability);
  read_number("SIMT_MEMORY", &settings.memory);
  return settings;
}

}  // namespace

size_t Settings::shared_limit() const {
  switch (capability) {
    case 75: return 64 << 10;
    case 80:
    case 87: return 163 << 10;
    case 86:
    case 89:
    case 120: return 99 << 10;
    default: return 227 << 10;
  }
}

const Settings& settings() {
  static const Settings settings = from_environment();
  return settings;
}

}  // namespace simt
