#include "cuda/blas.h"

#include <dlfcn.h>
#include <glob.h>

#include <bit>
#include <compare>
#include <cstdlib>
#include <map>
#include <vector>

namespace skipscan::cuda {
namespace {

#ifdef SKIPSCAN_EMULATED_GPU
constexpr bool kEmulated = true;  // no GPU that NVIDIA's kernels could run on
#else
constexpr bool kEmulated = false;
#endif

// ---- the part of cuBLASLt's interface that is used; the same in versions 11, 12 and 13. Descriptors are made by the library,
// never laid out here.

using Handle = struct HandleOpaque*;
using Operation = struct OperationOpaque*;
using Layout = struct LayoutOpaque*;
using Preference = struct PreferenceOpaque*;
using Answer = int;  // 0: success

struct Algorithm {
  uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  Answer state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Heuristic) == 96);

constexpr int kCompute32F = 68;                            // cublasComputeType_t: float32, TF32 not allowed
constexpr int kReal32F = 0, kReal16F = 2, kReal16BF = 14;  // cudaDataType
constexpr int kTransposeA = 3;                             // cublasLtMatmulDescAttributes_t
constexpr int32_t kTranspose = 1;                          // cublasOperation_t
constexpr int kMaxWorkspace = 1, kReductionSchemes = 3;    // cublasLtMatmulPreferenceAttributes_t, as the next
constexpr int kAlignmentA = 5, kAlignmentB = 6, kAlignmentC = 7, kAlignmentD = 8;
constexpr uint32_t kReduceInComputeType = 2;  // cublasLtReductionScheme_t

struct Functions {
  Answer (*create)(Handle*);
  Answer (*destroy)(Handle);
  size_t (*version)();
  Answer (*operation_create)(Operation*, int compute, int scale);
  Answer (*operation_destroy)(Operation);
  Answer (*operation_set)(Operation, int attribute, const void* value, size_t bytes);
  Answer (*layout_create)(Layout*, int type, uint64_t rows, uint64_t cols, int64_t stride);
  Answer (*layout_destroy)(Layout);
  Answer (*preference_create)(Preference*);
  Answer (*preference_destroy)(Preference);
  Answer (*preference_set)(Preference, int attribute, const void* value, size_t bytes);
  Answer (*choose)(Handle, Operation, Layout a, Layout b, Layout c, Layout d, Preference, int wanted, Heuristic*,
                   int* found);
  Answer (*multiply)(Handle, Operation, const void* alpha, const void* a, Layout, const void* b, Layout,
                     const void* beta, const void* c, Layout, void* d, Layout, const Algorithm*, void* workspace,
                     size_t bytes, cudaStream_t);

  bool find_in(void* library) {
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    return find(create, "cublasLtCreate") && find(destroy, "cublasLtDestroy") && find(version, "cublasLtGetVersion") &&
           find(operation_create, "cublasLtMatmulDescCreate") && find(operation_destroy, "cublasLtMatmulDescDestroy") &&
           find(operation_set, "cublasLtMatmulDescSetAttribute") && find(layout_create, "cublasLtMatrixLayoutCreate") &&
           find(layout_destroy, "cublasLtMatrixLayoutDestroy") &&
           find(preference_create, "cublasLtMatmulPreferenceCreate") &&
           find(preference_destroy, "cublasLtMatmulPreferenceDestroy") &&
           find(preference_set, "cublasLtMatmulPreferenceSetAttribute") &&
           find(choose, "cublasLtMatmulAlgoGetHeuristic") && find(multiply, "cublasLtMatmul");
  }
};

// ---- where it may be

void add_matches(const std::string& pattern, std::vector<std::string>* paths) {
  glob_t found;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (size_t i = found.gl_pathc; i-- > 0;) paths->push_back(found.gl_pathv[i]);  // the latest version first
  }
  globfree(&found);
}

// The path that the user names, or the loader's own places, the CUDA toolkit's and those of Python packages.
std::vector<std::string> candidates() {
  if (kEmulated) return {};
  const auto variable = [](const char* name) { return std::string(getenv(name) ? getenv(name) : ""); };
  const std::string named = variable("SKIPSCAN_CUBLASLT");
  if (named == "off") return {};
  if (!named.empty()) return {named};

  const std::string name = "libcublasLt.so.";
  std::vector<std::string> paths = {name + "13", name + "12", name + "11"};
  for (const std::string& toolkit : {variable("CUDA_HOME"), variable("CUDA_PATH"), std::string("/usr/local/cuda")}) {
    if (!toolkit.empty()) add_matches(toolkit + "/lib64/" + name + "1[1-3]", &paths);
  }
  const std::string home = variable("HOME");
  for (const std::string& prefix : {variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"),
                                    home.empty() ? home : home + "/.local", std::string("/usr/local")}) {
    if (!prefix.empty()) add_matches(prefix + "/lib/python3*/*-packages/nvidia/*/lib/" + name + "1[1-3]", &paths);
  }
  return paths;
}

// ---- one product

constexpr size_t kWorkspaceBytes = 32 << 20;  // what NVIDIA recommends for Hopper

// All that an algorithm is chosen by.
struct Shape {
  DType x, y;
  int64_t rows, inputs, outputs, x_stride, y_stride;
  uint32_t x_alignment, weight_alignment, y_alignment;

  auto operator<=>(const Shape&) const = default;
};

uint32_t alignment_of(const void* p) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  return address % 256 == 0 ? 256 : 1u << std::countr_zero(address);
}

int type_of(DType dtype) { return dtype == DType::bf16 ? kReal16BF : dtype == DType::f16 ? kReal16F : kReal32F; }

// cuBLASLt's matrices are columns one after another, so that it sees our row-major ones transposed: it computes y^T (outputs x
// rows) from the weight (inputs x outputs), transposed, and x^T (inputs x rows).
struct Plan {
  Plan(const Functions& lt, Handle handle, const Shape& s) : lt(lt) {
    Preference preference = nullptr;
    int found = 0;
    const auto prefer = [&](int attribute, auto value) {
      return lt.preference_set(preference, attribute, &value, sizeof(value)) == 0;
    };
    usable = lt.operation_create(&operation, kCompute32F, kReal32F) == 0 &&
             lt.operation_set(operation, kTransposeA, &kTranspose, sizeof(kTranspose)) == 0 &&
             lt.layout_create(&weight, type_of(s.x), s.inputs, s.outputs, s.inputs) == 0 &&
             lt.layout_create(&x, type_of(s.x), s.inputs, s.rows, s.x_stride) == 0 &&
             lt.layout_create(&y, type_of(s.y), s.outputs, s.rows, s.y_stride) == 0 &&
             lt.preference_create(&preference) == 0 && prefer(kMaxWorkspace, kWorkspaceBytes) &&
             prefer(kReductionSchemes, kReduceInComputeType) && prefer(kAlignmentA, s.weight_alignment) &&
             prefer(kAlignmentB, s.x_alignment) && prefer(kAlignmentC, s.y_alignment) &&
             prefer(kAlignmentD, s.y_alignment) &&
             lt.choose(handle, operation, weight, x, y, y, preference, 1, &chosen, &found) == 0 && found == 1 &&
             chosen.state == 0 && chosen.workspace <= kWorkspaceBytes;
    if (preference) lt.preference_destroy(preference);
  }
  ~Plan() {
    for (Layout layout : {weight, x, y}) {
      if (layout) lt.layout_destroy(layout);
    }
    if (operation) lt.operation_destroy(operation);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const Functions& lt;
  Operation operation = nullptr;
  Layout weight = nullptr, x = nullptr, y = nullptr;
  Heuristic chosen = {};
  bool usable = false;
};

}  // namespace

struct Blas::Library {
  ~Library() {
    if (workspace) cudaFree(workspace);
    if (handle) lt.destroy(handle);
  }

  // The library stays in the process even where it cannot be used: CUDA may have been told of its kernels.
  bool open(const std::string& path) {
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library || !lt.find_in(library) || lt.create(&handle) != 0) return false;
    description = path + " (version " + std::to_string(lt.version()) + ")";
    return true;
  }
  bool allocate_workspace() {
    if (cudaMalloc(&workspace, kWorkspaceBytes) == cudaSuccess) return true;
    (void)cudaGetLastError();
    return false;
  }

  Functions lt = {};
  Handle handle = nullptr;
  void* workspace = nullptr;
  std::string description;
};

struct Blas::Plans {
  std::map<Shape, Plan> of;
};

Blas::Blas() = default;
Blas::~Blas() = default;

std::unique_ptr<Blas> Blas::open(int ordinal) {
  if (cudaSetDevice(ordinal) != cudaSuccess) return nullptr;
  for (const std::string& path : candidates()) {
    auto library = std::make_unique<Library>();
    if (!library->open(path)) continue;
    if (!library->allocate_workspace()) return nullptr;
    std::unique_ptr<Blas> blas(new Blas);
    blas->library_ = std::move(library);
    blas->plans_ = std::make_unique<Plans>();
    return blas;
  }
  return nullptr;
}

const std::string& Blas::description() const { return library_->description; }

bool Blas::multiply(const LinearParams& p, cudaStream_t stream) {
  constexpr size_t kMostPlans = 1024;  // prompts may be of any length
  if (p.weight.dtype != p.x.dtype) return false;
  const Shape shape = {.x = p.x.dtype,
                       .y = p.y.dtype,
                       .rows = p.rows,
                       .inputs = p.weight.cols,
                       .outputs = p.weight.rows,
                       .x_stride = p.x_stride,
                       .y_stride = p.y_stride,
                       .x_alignment = alignment_of(p.x.data),
                       .weight_alignment = alignment_of(p.weight.data),
                       .y_alignment = alignment_of(p.y.data)};
  auto& plans = plans_->of;
  if (plans.size() >= kMostPlans && !plans.contains(shape)) plans.clear();
  const Functions& lt = library_->lt;
  Plan& plan = plans.try_emplace(shape, lt, library_->handle, shape).first->second;
  if (!plan.usable) return false;
  constexpr float kOne = 1, kZero = 0;
  plan.usable = lt.multiply(library_->handle, plan.operation, &kOne, p.weight.data, plan.weight, p.x.data, plan.x,
                            &kZero, p.y.data, plan.y, p.y.data, plan.y, &plan.chosen.algorithm, library_->workspace,
                            kWorkspaceBytes, stream) == 0;
  return plan.usable;
}

}  // namespace skipscan::cuda
