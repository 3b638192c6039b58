// The C++ side of competitor.mjs: a child process that answers calls, one after the other, and sleeps in between.
#pragma once
#include <functional>
#include <map>
#include <sstream>
#include <string>

namespace skipscan::bench {

// What a method is called with, a line of words, and what it returns, JSON. It throws std::exception when it fails.
using Method = std::function<std::string(std::istringstream& argument)>;

// Answers until the other process is gone; returns the exit code.
int serve(const std::map<std::string, Method>& methods);

std::string json(double value);
std::string json(const std::string& value);  // without characters that JSON escapes

}  // namespace skipscan::bench
