#include "drawn_params.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <sstream>

namespace fuzz {
namespace {

using namespace skipscan;

// What an operator reads. Arrays are "name=factor*factor", "name@rows*width" where the rows may lie apart, with "?" after the name
// of one that may be absent; what has rules of its own is drawn by functions.
struct Specification {
  const char *op, *sizes, *arrays;
  enum Rows : uint8_t { counted, path, packed, grid, orders, selection } rows;
};

constexpr const char* kScores = " importance?=rows importanceIn?=rows";
const Specification kSpecifications[] = {
    {"embedding", "rows dim vocabulary", "table%=vocabulary*dim out=rows*dim ids<=rows*vocabulary",
     Specification::counted},
    {"linear", "rows inputs outputs", "x@rows*inputs weight%=outputs*inputs bias?=outputs y@rows*outputs",
     Specification::counted},
    {"rms_norm", "rows dim inputRows",
     "x=inputRows*dim residualIn?=inputRows*dim weight=dim residualOut?=rows*dim out=rows*dim index?<=rows*inputRows",
     Specification::counted},
    {"gated_rms_norm", "rows groupSize dim", "y=rows*dim z@rows*dim weight=dim out=rows*dim importance?=rows",
     Specification::counted},
    {"causal_conv", "rows channels width",
     "x@rows*channels weight=width*channels bias?=channels stateIn?=sequences*width*channels "
     "stateOut?=sequences*width*channels y@rows*channels",
     Specification::path},
    {"selective_scan", "rows channels dState groups",
     "u@rows*channels delta@rows*channels A=channels*dState B@rows*groups*dState C@rows*groups*dState D?=channels "
     "z?@rows*channels dtBias?=channels skippedDt?=steps*channels stateIn?=sequences*channels*dState "
     "stateOut?=sequences*channels*dState y@rows*channels yIn?@rows*channels",
     Specification::path},
    {"ssd_scan", "rows heads headDim dState groups",
     "x@rows*heads*headDim dt@rows*heads A=heads B@rows*groups*dState C@rows*groups*dState D?=heads*headDim "
     "z?@rows*heads*headDim dtBias?=heads skippedDt?=steps*heads stateIn?=sequences*heads*headDim*dState "
     "stateOut?=sequences*heads*headDim*dState y@rows*heads*headDim",
     Specification::path},
    {"selective_state_importance", "rows channels dState groups",
     "u@rows*channels delta@rows*channels A=channels*dState B@rows*groups*dState dtBias?=channels "
     "skippedDt?=steps*channels state=sequences*channels*dState scores=rows",
     Specification::path},
    {"ssd_state_importance", "rows heads headDim dState groups",
     "x@rows*heads*headDim dt@rows*heads A=heads B@rows*groups*dState dtBias?=heads skippedDt?=steps*heads "
     "state=sequences*heads*headDim*dState scores=rows",
     Specification::path},
    {"token_importance", "channels", "x@rows*channels added?@rows*channels scores=rows", Specification::packed},
    {"select_tokens", "dim",
     "scores=rows features=rows*dim addedFeatures?=rows*dim weights=rows kept#=rows keptSizes#=rows destHidden#=rows "
     "destResidual#=rows positions#=rows protected?#=rows sizes?#=rows",
     Specification::packed},
    {"reduce_tokens", "rows dim",
     "hidden=rows*dim residual?=rows*dim weights=rows hiddenOut=keptRows*dim residualOut=keptRows*dim protected#=rows "
     "positionsOut#=keptRows protectedOut#=keptRows gapOut#=keptRows",
     Specification::selection},
    {"token_logprobs", "rows vocabulary", "logits@rows*vocabulary logprobs=rows best?#=rows tokens?<=rows*vocabulary",
     Specification::counted},
    {"depthwise_conv2d", "channels height width size",
     "x@rows*channels added?=rows*channels weight=size*size*channels bias?=channels out@rows*channels",
     Specification::grid},
    {"image_patches", "images channels height width kernel outHeight outWidth rows stride",
     "x=images*channels*height*width out=rows*kernel*kernel*channels", Specification::counted},
    {"scan_paths", "height width directions",
     "labels?#=directions*places rowAt#=places*sequences index#=directions*rows gap#=directions*rows "
     "label#=directions*rows",
     Specification::orders},
    {"layer_norm", "rows dim", "x=rows*dim residualIn?=rows*dim weight=dim bias=dim residualOut?=rows*dim out=rows*dim",
     Specification::counted},
    {"mean_rows", "dim", "x=rows*dim out=sequences*dim", Specification::packed},
    {"add_rows", "rows dim entries", "x@rows*dim table=entries*dim out=rows*dim ids<=rows*entries",
     Specification::counted},
};

constexpr int64_t kMostElements = 1 << 15;
constexpr int32_t kExtremes[] = {0, -1, 1, 0x7fffffff, -0x7fffffff - 1, 0x7ffffffe, 1 << 30, 65536};
constexpr double kNumbers[] = {0,    -1,   0.5,         1,   1e300, -1e300, 2147483648.0, 9007199254740993.0,
                               1e-9, 0.25, 4294967297., 17., 1.5,   -0.5,   16.,          3.};
constexpr float kValues[] = {0, 1, -1, 0.5f, -3, 1e-30f, 1e30f, 1e-40f};
const char* const kTexts[] = {"none",   "next",   "previous", "own",   "compact", "aligned",       "clip",  "l1",
                              "l2",     "sum",    "delta",    "novel", "novel2",  "gated",         "ssm",   "f32",
                              "bf16",   "f16",    "i8",       "utrc",  "prune",   "merge",         "ltmp",  "uniform",
                              "random", "recent", "silu",     "gelu",  "state",   "released-utrc", "block", ""};

// The texts that a param may have, as ranges of kTexts, so that most calls get one that is known.
std::pair<int, int> texts_of(const std::string& name) {
  if (name == "alignment") return {0, 3};
  if (name == "mode") return {4, 5};
  if (name == "metric") return {6, 12};
  if (name == "source") return {13, 14};
  if (name == "policy") return {19, 25};
  if (name == "activation") return {26, 27};
  return {15, 18};
}

}  // namespace

DrawnParams::DrawnParams(Bytes& bytes) : bytes_(bytes) {
  const Specification& s = kSpecifications[bytes.ConsumeIntegralInRange<size_t>(0, std::size(kSpecifications) - 1)];
  op_ = s.op;
  draw_sizes(s.sizes);
  switch (s.rows) {
    case Specification::counted: break;
    case Specification::path: draw_path(); break;
    case Specification::packed: draw_packed(24); break;
    case Specification::grid: draw_grid(); break;
    case Specification::orders: draw_orders(); break;
    case Specification::selection: draw_selection(); break;
  }
  draw_arrays(s.arrays);
  if (s.rows == Specification::path) draw_arrays(kScores);
  spoil();
}

void DrawnParams::draw_sizes(const std::string& names) {
  std::istringstream in(names);
  for (std::string name; in >> name;) numbers_[name] = size(name.c_str());
  // Sizes that divide others, and windows of odd sizes.
  if (numbers_.count("groupSize")) numbers_["dim"] = numbers_["groupSize"] * bytes_.ConsumeIntegralInRange(1, 3);
  if (numbers_.count("heads"))
    numbers_["heads"] = numbers_["groups"] * bytes_.ConsumeIntegralInRange(1, 3);
  else if (numbers_.count("groups"))
    numbers_["channels"] = numbers_["groups"] * bytes_.ConsumeIntegralInRange(1, 9);
  if (numbers_.count("size")) numbers_["size"] = 1 + 2 * bytes_.ConsumeIntegralInRange(0, 3);
  if (op_ == "rms_norm" && !bytes_.ConsumeBool()) numbers_["inputRows"] = numbers_["rows"];
}

int32_t DrawnParams::size(const char*) {
  const uint8_t choice = bytes_.ConsumeIntegral<uint8_t>();
  return choice < 230 ? 1 + choice % 8 : 9 + choice % 61;
}

int64_t DrawnParams::product(const std::string& factors) const {
  std::istringstream in(factors);
  int64_t result = 1;
  for (std::string factor; std::getline(in, factor, '*');) {
    const auto at = numbers_.find(factor);
    result *= at == numbers_.end() ? 1 : int64_t(at->second);
  }
  return result;
}

void DrawnParams::draw_arrays(const std::string& specification) {
  std::istringstream in(specification);
  for (std::string item; in >> item;) {
    const size_t end = item.find_first_of("?@=%#<");
    const std::string name = item.substr(0, end), factors = item.substr(item.find_last_of("=@") + 1);
    const auto is = [&](char mark) { return item.find(mark) != std::string::npos; };
    if (is('?') && bytes_.ConsumeBool()) continue;
    if (is('<')) {  // "rows*limit": so many indices below the limit
      const size_t split = factors.find('*');
      add(name, below(product(factors.substr(0, split)), product(factors.substr(split + 1))));
    } else if (is('@')) {
      const size_t split = factors.find('*');
      const int64_t rows = product(factors.substr(0, split)), width = product(factors.substr(split + 1));
      const int64_t stride = width + (bytes_.ConsumeBool() ? bytes_.ConsumeIntegralInRange(0, 5) : 0);
      if (stride != width) numbers_[name + "Stride"] = double(stride);
      add(name, (rows - 1) * stride + width, DType::f32);
    } else {
      const bool half = is('%') && bytes_.ConsumeBool();
      add(name, product(factors), is('#') ? DType::i32 : half ? DType::bf16 : DType::f32);
    }
  }
}

void DrawnParams::add(const std::string& name, int64_t count, DType dtype) {
  count = std::clamp<int64_t>(count, 0, kMostElements);
  Array array = {std::make_unique<std::byte[]>(size_t(count) * size_of(dtype)), count, dtype};
  // A pattern that starts anywhere: one byte of the input for each array, and nothing that all arrays have in common.
  uint32_t state = bytes_.ConsumeIntegral<uint8_t>() * 2654435761u + 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    if (dtype == DType::f32) {
      const float value = state >> 28 == 15 ? kValues[state >> 20 & 7] : float(int32_t(state)) / 0x1p31f;
      std::memcpy(array.memory.get() + 4 * i, &value, 4);
    } else if (dtype == DType::i32) {
      const int32_t value = int32_t(state >> 30);
      std::memcpy(array.memory.get() + 4 * i, &value, 4);
    } else {
      const auto value = uint16_t(state >> 16);
      std::memcpy(array.memory.get() + 2 * i, &value, 2);
    }
  }
  arrays_[name] = std::move(array);
}

void DrawnParams::add(const std::string& name, Ints values) {
  Array array = {std::make_unique<std::byte[]>(values.size() * 4), int64_t(values.size()), DType::i32};
  if (!values.empty()) std::memcpy(array.memory.get(), values.data(), values.size() * 4);
  arrays_[name] = std::move(array);
}

DrawnParams::Ints DrawnParams::below(int64_t count, int64_t limit, int32_t least) {
  Ints values(size_t(std::clamp<int64_t>(count, 0, kMostElements)));
  for (int32_t& value : values)
    value = bytes_.ConsumeIntegralInRange<int32_t>(least, int32_t(std::max<int64_t>(limit, 1)) - 1);
  return values;
}

// One to four sequences, some of them empty, but not all.
DrawnParams::Ints DrawnParams::draw_offsets(int32_t most_rows) {
  Ints offsets = {0};
  const int32_t sequences = bytes_.ConsumeIntegralInRange(1, 4);
  for (int32_t s = 0; s < sequences; ++s) {
    offsets.push_back(offsets.back() + bytes_.ConsumeIntegralInRange(0, most_rows / sequences));
  }
  if (offsets.back() == 0) offsets.back() = 1;
  numbers_["sequences"] = sequences;
  return offsets;
}

void DrawnParams::draw_path() {
  const auto rows = int64_t(numbers_["rows"]);
  Ints offsets = draw_offsets(int32_t(rows) + 2);
  const int64_t steps = offsets.back();
  numbers_["steps"] = double(steps);
  add("path.offsets", std::move(offsets));
  add("path.index", below(steps, rows));
  add("path.paramIndex", below(steps, rows));
  add("path.gap", below(steps, bytes_.ConsumeBool() ? 9 : 0x7fffffff, 1));
}

void DrawnParams::draw_packed(int32_t most_rows) {
  Ints offsets = draw_offsets(most_rows);
  numbers_["rows"] = offsets.back();
  add("keptOffsets", int64_t(offsets.size()), DType::i32);
  add("offsets", std::move(offsets));
}

// Some places of a grid for each sequence, and the rows that are there.
void DrawnParams::draw_grid() {
  const auto places = int32_t(product("height*width"));
  const int32_t sequences = bytes_.ConsumeIntegralInRange(1, 3);
  Ints offsets = {0}, positions, row_at(size_t(places) * size_t(sequences), -1);
  for (int32_t s = 0; s < sequences; ++s) {
    const uint8_t share = bytes_.ConsumeIntegral<uint8_t>();
    uint32_t state = share;
    for (int32_t place = 0; place < places && positions.size() < 500; ++place) {
      state = state * 1664525u + 1013904223u;
      if (state >> 24 > share) continue;
      row_at[size_t(place) * size_t(sequences) + size_t(s)] = int32_t(positions.size());
      positions.push_back(place);
    }
    offsets.push_back(int32_t(positions.size()));
  }
  numbers_["sequences"] = sequences;
  numbers_["places"] = places;
  numbers_["rows"] = offsets.back();
  add("offsets", std::move(offsets));
  add("positions", std::move(positions));
  add("rowAt", std::move(row_at));
}

void DrawnParams::draw_orders() {
  draw_grid();
  const auto places = int32_t(numbers_["places"]), directions = int32_t(numbers_["directions"]);
  Ints orders;
  for (int32_t d = 0; d < directions; ++d) {
    Ints order(static_cast<size_t>(places));
    std::iota(order.begin(), order.end(), 0);
    if (bytes_.ConsumeBool()) std::reverse(order.begin(), order.end());
    if (bytes_.ConsumeBool()) std::rotate(order.begin(), order.begin() + places / 2, order.end());
    orders.insert(orders.end(), order.begin(), order.end());
  }
  add("orders", std::move(orders));
}

// Rows that stay, and where the others go.
void DrawnParams::draw_selection() {
  const auto rows = int32_t(numbers_["rows"]);
  Ints kept, dest(static_cast<size_t>(rows)), other = dest;
  for (int32_t row = 0; row < rows; ++row) {
    if (bytes_.ConsumeBool() || row == 0) kept.push_back(row);
  }
  for (int32_t row = 0; row < rows; ++row) {
    dest[size_t(row)] = bytes_.ConsumeIntegralInRange(-1, rows - 1);
    other[size_t(row)] = bytes_.ConsumeIntegralInRange(-1, rows - 1);
  }
  numbers_["keptRows"] = double(kept.size());
  if (bytes_.ConsumeBool()) {
    Ints positions = below(rows, bytes_.ConsumeBool() ? 100 : 0x7fffffff);
    std::sort(positions.begin(), positions.end());
    add("positions", std::move(positions));
    add("keptOffsets", Ints{0, int32_t(kept.size())});
  }
  add("kept", std::move(kept));
  add("destHidden", std::move(dest));
  add("destResidual", std::move(other));
}

// Up to three things that are not as they should be.
void DrawnParams::spoil() {
  for (int i = bytes_.ConsumeIntegralInRange(0, 3); i > 0 && !arrays_.empty(); --i) {
    auto at = arrays_.begin();
    std::advance(at, bytes_.ConsumeIntegralInRange<size_t>(0, arrays_.size() - 1));
    Array& array = at->second;
    switch (bytes_.ConsumeIntegralInRange(0, 6)) {
      case 0: arrays_.erase(at); break;
      case 1: add(at->first, array.count - bytes_.ConsumeIntegralInRange(0, 3), array.dtype); break;
      case 2: add(at->first, array.count, bytes_.ConsumeBool() ? DType::i32 : DType::bf16); break;
      case 3:
        if (array.dtype == DType::i32 && array.count > 0) {
          const int64_t place = bytes_.ConsumeIntegralInRange<int64_t>(0, array.count - 1);
          const int32_t value = bytes_.PickValueInArray(kExtremes);
          std::memcpy(array.memory.get() + 4 * place, &value, 4);
        }
        break;
      case 4: {  // two arrays are one
        auto other = arrays_.begin();
        std::advance(other, bytes_.ConsumeIntegralInRange<size_t>(0, arrays_.size() - 1));
        same_[at->first] = other->first;
        break;
      }
      case 5: {
        auto number = numbers_.begin();
        std::advance(number, bytes_.ConsumeIntegralInRange<size_t>(0, numbers_.size() - 1));
        number->second = bytes_.ConsumeBool() ? bytes_.PickValueInArray(kExtremes) : bytes_.PickValueInArray(kNumbers);
        break;
      }
      default: numbers_[at->first + "Stride"] = bytes_.PickValueInArray(kExtremes);
    }
  }
}

bool DrawnParams::has(const std::string& name) const { return arrays_.count(name) || numbers_.count(name); }

double DrawnParams::number(const std::string& name) const {
  const auto at = numbers_.find(name);
  const uint8_t choice = at == numbers_.end() ? 0 : bytes_.ConsumeIntegral<uint8_t>();
  // In a hundred times once another answer than before.
  if (at != numbers_.end() && choice < 253) return at->second;
  if (choice == 255) return std::numeric_limits<double>::quiet_NaN();
  return bytes_.PickValueInArray(kNumbers);
}

bool DrawnParams::flag(const std::string&) const { return bytes_.ConsumeBool(); }

std::string DrawnParams::text(const std::string& name) const {
  const auto [first, last] = texts_of(name);
  const uint8_t choice = bytes_.ConsumeIntegral<uint8_t>();
  return choice < 250 ? kTexts[first + choice % (last - first + 1)] : kTexts[choice % std::size(kTexts)];
}

ParamArray DrawnParams::array(const std::string& name) const {
  auto at = arrays_.find(name);
  if (at == arrays_.end()) throw ParamError(name, "an array");
  const DType own = at->second.dtype;
  if (const auto other = same_.find(name); other != same_.end() && arrays_.count(other->second)) {
    at = arrays_.find(other->second);
  }
  // Views of one memory may differ in their dtypes.
  const bool alike = size_of(own) == size_of(at->second.dtype);
  return {at->second.memory.get(), at->second.count, alike ? own : at->second.dtype, nullptr};
}

}  // namespace fuzz
