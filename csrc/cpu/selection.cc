#include "cpu/selection.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/buffer.h"

namespace skipscan::cpu {
namespace {

struct Token {
  float score;
  int32_t row;
};

bool more_important(const Token& a, const Token& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; }

// A source and its most similar destination; -1 where `forward` leaves it none, with a cosine below all others.
struct Connection {
  float cosine;
  int32_t source, destination;
};

bool closer(const Connection& a, const Connection& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.source < b.source;
}

// What stands behind a HalfSet.
class HalfSetData {
 public:
  std::vector<int32_t> rows;

  // Measures the features of the rows. Returns the first row whose norm is not finite, with its square, or row -1.
  Token measure(const SelectTokensParams& p, const SimilarityKernel& kernel, ThreadPool& pool) {
    squares_.resize(rows.size());
    scales_.resize(rows.size());
    kernel.squared_norms(p, rows.data(), int64_t(rows.size()), squares_.data(), pool);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!std::isfinite(squares_[i])) return {squares_[i], rows[i]};
      normalise(squares_[i], scales_[i]);
    }
    return {0, -1};
  }

  HalfSet view() const { return {rows.data(), int64_t(rows.size()), squares_.data(), scales_.data()}; }

 private:
  static void normalise(float& square, float& scale) {
    if (square == 0) {
      square = 1;
      scale = 0;
      return;
    }
    int exponent;
    std::frexp(square, &exponent);
    exponent = exponent / 2;
    square = std::ldexp(square, -2 * exponent);
    scale = std::ldexp(1.f, -exponent);
  }

  std::vector<float> squares_, scales_;
};

// The selection of one sequence after the other; its memory serves them all.
class Selector {
 public:
  Selector(const SelectTokensParams& p, const SimilarityKernel& kernel, ThreadPool& pool)
      : p_(p), kernel_(kernel), pool_(pool) {}

  Status select(int32_t sequence) {
    const int64_t begin = p_.offsets[sequence], end = p_.offsets[sequence + 1];
    candidates_.clear();
    for (int64_t row = begin; row < end; ++row) {
      p_.dest_hidden[row] = p_.dest_residual[row] = int32_t(row);
      p_.weights[row] = weighs_by_size(p_.policy) ? float(size(row)) : 1;
      if (!p_.is_protected || !p_.is_protected[row]) candidates_.push_back(int32_t(row));
    }
    if (p_.policy == ReductionPolicy::ltmp) return ltmp();
    const int64_t tokens = end - begin;
    const int64_t removed = tokens - keep_count(tokens, tokens - count(), p_.keep[sequence]);
    return removed > 0 ? remove(removed) : Status();
  }

 private:
  int64_t count() const { return int64_t(candidates_.size()); }
  int32_t size(int64_t row) const { return p_.sizes ? p_.sizes[row] : 1; }

  void send(int32_t row, int32_t destination) { p_.dest_hidden[row] = p_.dest_residual[row] = destination; }
  void drop(int32_t row) { send(row, -1); }

  Status remove(int64_t removed) {
    switch (p_.policy) {
      case ReductionPolicy::utrc: return utrc(removed);
      case ReductionPolicy::prune: return prune(removed);
      case ReductionPolicy::merge: return merge(removed);
      case ReductionPolicy::ltmp: break;
      case ReductionPolicy::uniform: uniform(removed); break;
      case ReductionPolicy::random: random(removed); break;
      case ReductionPolicy::recent:
        std::for_each_n(candidates_.begin(), removed, [this](int32_t r) { drop(r); });
        break;
      case ReductionPolicy::released_utrc: released_utrc(removed); break;
    }
    return {};
  }

  // Half of the candidates, the less important, are matched with the other half; the closest matches are removed.
  Status utrc(int64_t removed) {
    SKIPSCAN_TRY(rank());
    const int64_t half = count() / 2, rest = count() - half;
    take_rows(ranked_.begin(), ranked_.begin() + rest, destinations_.rows);
    take_rows(ranked_.begin() + rest, ranked_.end(), sources_.rows);
    SKIPSCAN_TRY(connect());
    connections_.resize(size_t(std::min(removed, half)));
    // The least important first: so many of these are dropped.
    std::sort(connections_.begin(), connections_.end(), [this](const Connection& a, const Connection& b) {
      return rank_of_[size_t(a.source - candidates_.front())] > rank_of_[size_t(b.source - candidates_.front())];
    });
    send_connections(drop_count(p_.q_hidden, int64_t(connections_.size())), p_.dest_hidden);
    send_connections(drop_count(p_.q_residual, int64_t(connections_.size())), p_.dest_residual);
    return {};
  }

  Status prune(int64_t removed) {
    SKIPSCAN_TRY(rank());
    const auto first = ranked_.end() - removed;
    int32_t last = -1;  // the last row to go is where the fused one stays
    float total = 0;
    for (auto token = first; token != ranked_.end(); ++token) {
      drop(token->row);
      last = std::max(last, token->row);
      total += std::max(token->score, 0.f);
    }
    if (!p_.fuse) return {};
    for (auto token = first; token != ranked_.end(); ++token) {
      send(token->row, last);
      p_.weights[token->row] = total > 0 ? std::max(token->score, 0.f) : 1;
    }
    return {};
  }

  // Every other candidate is matched with those between; the closest matches are merged.
  Status merge(int64_t removed) {
    if (count() < 2) return {};
    alternate(candidates_);
    SKIPSCAN_TRY(connect());
    connections_.resize(size_t(std::min(removed, int64_t(connections_.size()))));
    send_connections(0, p_.dest_hidden);
    send_connections(0, p_.dest_residual);
    return {};
  }

  Status ltmp() {
    if (count() == 0) return {};
    SKIPSCAN_TRY(rank());
    for (size_t i = 1; i < ranked_.size(); ++i) {  // the most important one stays in any case
      if (ranked_[i].score < p_.prune_below) drop(ranked_[i].row);
    }
    std::erase_if(candidates_, [this](int32_t row) { return p_.dest_hidden[row] < 0; });
    if (count() < 2) return {};
    alternate(candidates_);
    SKIPSCAN_TRY(connect());
    for (const Connection& c : connections_) {
      if (c.destination >= 0 && is_similar(c.cosine, p_.merge_above)) send(c.source, c.destination);
    }
    return {};
  }

  void uniform(int64_t removed) {
    const int64_t stay = count() - removed;
    for (int64_t i = 0, next = 0; i < count(); ++i) {
      if (next < stay && i == next * count() / stay)
        ++next;
      else
        drop(candidates_[size_t(i)]);
    }
  }

  void random(int64_t removed) {
    std::vector<std::pair<uint32_t, int32_t>> keys;
    for (int32_t row : candidates_)
      keys.emplace_back(random_key(p_.seed, uint32_t(p_.layer), uint32_t(p_.positions[row])), row);
    std::sort(keys.begin(), keys.end());
    for (auto key = keys.end() - removed; key != keys.end(); ++key) drop(key->second);
  }

  // Rows 0, 2, 4, ... into row 1, counted among the candidates.
  void released_utrc(int64_t removed) {
    if (count() < 2) return;
    for (int64_t i = 0; i < removed && 2 * i < count(); ++i) send(candidates_[size_t(2 * i)], candidates_[1]);
  }

  // Fills ranked_ with the candidates, the most important first, and rank_of_ with where each row stands.
  Status rank() {
    ranked_.clear();
    for (int32_t row : candidates_) {
      ranked_.push_back({p_.scores[row], row});
      if (!std::isfinite(ranked_.back().score)) return non_finite("scores", row, ranked_.back().score);
    }
    std::sort(ranked_.begin(), ranked_.end(), more_important);
    rank_of_.resize(size_t(candidates_.back() - candidates_.front() + 1));
    for (size_t i = 0; i < ranked_.size(); ++i) rank_of_[size_t(ranked_[i].row - candidates_.front())] = int32_t(i);
    return {};
  }

  template <class Iterator>
  static void take_rows(Iterator first, Iterator last, std::vector<int32_t>& rows) {
    rows.clear();
    for (; first != last; ++first) rows.push_back(first->row);
    std::sort(rows.begin(), rows.end());
  }

  // Even ranks become sources, odd ones destinations.
  void alternate(const std::vector<int32_t>& rows) {
    sources_.rows.clear();
    destinations_.rows.clear();
    for (size_t i = 0; i < rows.size(); ++i) (i % 2 == 0 ? sources_ : destinations_).rows.push_back(rows[i]);
  }

  // Fills connections_ with one for each source, the closest first.
  Status connect() {
    const Token a = sources_.measure(p_, kernel_, pool_), b = destinations_.measure(p_, kernel_, pool_);
    if (a.row >= 0 || b.row >= 0) {
      const Token& bad = b.row < 0 || (a.row >= 0 && a.row < b.row) ? a : b;
      return non_finite("features", bad.row, bad.score);
    }
    const size_t n = sources_.rows.size();
    cosines_.assign(n, -std::numeric_limits<float>::infinity());
    nearest_.assign(n, -1);
    const size_t block = size_t(std::min(kBlockDestinations, int64_t(destinations_.rows.size() + 31) / 32 * 32));
    const size_t bytes = block * size_t(p_.dim) * sizeof(float);
    if (workspace_.bytes() < bytes) workspace_ = Buffer(bytes);
    kernel_.match(p_, sources_.view(), destinations_.view(), workspace_.as<float>(), {cosines_.data(), nearest_.data()},
                  pool_);
    connections_.clear();
    for (size_t i = 0; i < n; ++i) connections_.push_back({cosines_[i], sources_.rows[i], nearest_[i]});
    std::sort(connections_.begin(), connections_.end(), closer);
    return {};
  }

  // Drops the first `drops` sources and merges the others, in one branch.
  void send_connections(int64_t drops, int32_t* destinations) {
    for (const Connection& c : connections_) destinations[c.source] = drops-- > 0 ? -1 : c.destination;
  }

  const SelectTokensParams& p_;
  const SimilarityKernel& kernel_;
  ThreadPool& pool_;
  std::vector<int32_t> candidates_;  // ascending
  std::vector<Token> ranked_;
  std::vector<int32_t> rank_of_;  // counted from the first candidate
  HalfSetData sources_, destinations_;
  std::vector<Connection> connections_;
  std::vector<float> cosines_;
  std::vector<int32_t> nearest_;
  Buffer workspace_;
};

// Lists the rows of a sequence that stay and how many tokens each stands for, from `at` on. Returns the end of the list.
int64_t list_kept(const SelectTokensParams& p, int64_t begin, int64_t end, int64_t at) {
  const bool merges_count = weighs_by_size(p.policy);
  std::vector<int32_t> sizes;
  for (int64_t row = begin; row < end; ++row) sizes.push_back(p.sizes ? p.sizes[row] : 1);
  for (int64_t row = begin; row < end; ++row) {
    const int32_t to = p.dest_hidden[row];  // of this sequence, unless the caller's arrays overlap
    if (merges_count && to >= begin && to < end && to != row) sizes[size_t(to - begin)] += sizes[size_t(row - begin)];
  }
  for (int64_t row = begin; row < end; ++row) {
    if (p.dest_hidden[row] != row) continue;
    p.kept[at] = int32_t(row);
    p.kept_sizes[at++] = sizes[size_t(row - begin)];
  }
  return at;
}

}  // namespace

Status select_tokens(const SelectTokensParams& p, const SimilarityKernel& kernel, ThreadPool& pool) {
  Selector selector(p, kernel, pool);
  int64_t kept = 0;
  p.kept_offsets[0] = 0;
  for (int32_t s = 0; s < p.sequences; ++s) {
    SKIPSCAN_TRY(selector.select(s));
    kept = list_kept(p, p.offsets[s], p.offsets[s + 1], kept);
    p.kept_offsets[s + 1] = int32_t(kept);
  }
  return {};
}

}  // namespace skipscan::cpu
