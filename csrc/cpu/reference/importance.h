// Importance scores from the values that they are the mean of.
#pragma once
#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {

// The score of a row of channels.
class Score {
 public:
  explicit Score(ImportanceMetric metric) : metric_(metric) {}

  void add(double v) {
    switch (metric_) {
      case ImportanceMetric::clip: total_ += v < 0 ? 0 : v; break;
      case ImportanceMetric::l1: total_ += std::fabs(v); break;
      case ImportanceMetric::l2: total_ += v * v; break;
      default: total_ += v;
    }
    ++count_;
  }

  double value() const {
    const double mean = total_ / double(count_);
    return metric_ == ImportanceMetric::l2 ? std::sqrt(mean) : mean;
  }

 private:
  ImportanceMetric metric_;
  double total_ = 0;
  int64_t count_ = 0;
};

// The scores that a scan makes on the way, one for each step.
class ScanScores {
 public:
  template <class Params>
  explicit ScanScores(const Params& p)
      : of_dt_(p.metric == ImportanceMetric::delta),
        source_(p.source),
        scores_(size_t(p.path.steps), Score(p.metric)) {}

  void add_dt(int64_t step, double dt) {
    if (of_dt_) scores_[size_t(step)].add(dt);
  }
  void add_y(int64_t step, double ungated, double gated) {
    if (!of_dt_) scores_[size_t(step)].add(source_ == ImportanceSource::gated ? gated : ungated);
  }

  // A score of dt belongs to the row that the dt is of.
  template <class Params>
  void write(const Params& p) const {
    if (!p.importance) return;
    const int32_t* rows = of_dt_ ? p.path.param_index : p.path.index;
    for (size_t k = 0; k < scores_.size(); ++k) {
      double score = scores_[k].value();
      if constexpr (requires { p.importance_in; }) {
        if (p.importance_in) score = (p.importance_in[rows[k]] + score) / 2;
      }
      p.importance[rows[k]] = float(score);
    }
  }

 private:
  bool of_dt_;
  ImportanceSource source_;
  std::vector<Score> scores_;
};

}  // namespace skipscan::cpu::reference
