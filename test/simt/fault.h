// The end of a process that made a mistake.
#pragma once
#include <string>

namespace simt {

// Prints "SIMT: <what>", with the kernel, block and thread that run, and aborts.
[[noreturn]] void fail(const std::string& what);

// Lets the sanitizers' reports end with the same.
void explain_reports();

}  // namespace simt
