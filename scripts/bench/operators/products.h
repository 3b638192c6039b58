// Products alone, y = x * weight^T, by one library: its inputs, the check of its results, and its time.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "channel.h"
#include "core/dtype.h"
#include "numbers.h"

namespace skipscan::bench {

// How a library multiplies. What it throws ends the call that made it.
class Library {
 public:
  virtual ~Library() = default;
  virtual std::string version() const = 0;
  // Takes the layers' weights, (outputs, inputs) each, row-major; they stay where they are until the next load. Nothing of
  // this is timed: a model does it once.
  virtual void load(const std::vector<Floats>& weights, int64_t outputs, int64_t inputs, DType dtype) = 0;
  // Whether inputs may be rounded to bf16 before they meet bf16 weights, by a library that does not do so anyway.
  virtual void round_inputs(bool) {}
  // What follows multiplies x (rows, inputs) into y (rows, outputs), both float32, with so many threads.
  virtual void prepare(int64_t rows, const float* x, float* y, int threads) = 0;
  // One product with the weights of a layer: what is timed.
  virtual void multiply(size_t layer) = 0;
  // The kernel that the last product ran, as the library calls it.
  virtual std::string route() const = 0;
};

// The methods of a process that measures this library's products:
//   version                     -> text
//   load OUTPUTS INPUTS DTYPE   -> the number of layers; DTYPE may be bf16-rounded: bf16, and the inputs may be rounded to it
//   prepare ROWS THREADS        -> { error, route }: checked, and warm
//   time SECONDS                -> seconds of one product
//   unload
std::map<std::string, Method> product_methods(Library& library);

}  // namespace skipscan::bench
