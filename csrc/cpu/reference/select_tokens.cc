#include <limits>
#include <vector>

#include "cpu/reference/reference.h"

namespace skipscan::cpu::reference {
namespace {

using Rows = std::vector<int64_t>;

struct Connection {
  double cosine;
  int64_t source, destination;  // -1: there is none
};

// The items in the order that `before` says, each placed by counting those that come before it.
template <class Item, class Before>
std::vector<Item> ordered(const std::vector<Item>& items, const Before& before) {
  std::vector<Item> result(items.size());
  for (const Item& item : items) {
    size_t place = 0;
    for (const Item& other : items) place += before(other, item);
    result[place] = item;
  }
  return result;
}

// One sequence.
class Sequence {
 public:
  Sequence(const SelectTokensParams& p, int32_t sequence)
      : p_(p), sequence_(sequence), begin_(p.offsets[sequence]), end_(p.offsets[sequence + 1]) {
    for (int64_t row = begin_; row < end_; ++row) {
      send(row, row);
      p.weights[row] = weighs_by_size(p.policy) ? float(size(row)) : 1;
      if (!p.is_protected || p.is_protected[row] == 0) candidates_.push_back(row);
    }
  }

  Status reduce() {
    const int64_t n = int64_t(candidates_.size()), tokens = end_ - begin_;
    if (n == 0) return {};
    const bool by_count = p_.policy != ReductionPolicy::ltmp;
    const int64_t removed = by_count ? tokens - keep_count(tokens, tokens - n, p_.keep[sequence_]) : 0;
    if (by_count && removed == 0) return {};
    if (needs_scores(p_.policy)) {
      for (int64_t row : candidates_)
        if (!std::isfinite(p_.scores[row])) return non_finite("scores", row, p_.scores[row]);
    }
    switch (p_.policy) {
      case ReductionPolicy::utrc: return utrc(removed);
      case ReductionPolicy::prune: prune(removed); break;
      case ReductionPolicy::merge: return merge(removed);
      case ReductionPolicy::ltmp: return ltmp();
      case ReductionPolicy::uniform: uniform(removed); break;
      case ReductionPolicy::random: random(removed); break;
      case ReductionPolicy::recent:
        for (int64_t i = 0; i < removed; ++i) send(candidates_[size_t(i)], -1);
        break;
      case ReductionPolicy::released_utrc:
        for (int64_t i = 0; i < removed && 2 * i < n && n > 1; ++i) send(candidates_[size_t(2 * i)], candidates_[1]);
        break;
    }
    return {};
  }

  int64_t size(int64_t row) const { return p_.sizes ? p_.sizes[row] : 1; }

 private:
  void send(int64_t row, int64_t to) { p_.dest_hidden[row] = p_.dest_residual[row] = int32_t(to); }

  // The most important candidate first.
  Rows by_importance() const {
    return ordered(candidates_, [this](int64_t a, int64_t b) {
      return p_.scores[a] > p_.scores[b] || (p_.scores[a] == p_.scores[b] && a < b);
    });
  }

  Status utrc(int64_t removed) {
    const Rows order = by_importance();
    const size_t half = order.size() / 2;
    Rows sources(order.end() - int64_t(half), order.end()), destinations(order.begin(), order.end() - int64_t(half));
    std::vector<Connection> connections;
    SKIPSCAN_TRY(connect(sources, destinations, connections));
    connections.resize(size_t(std::min(removed, int64_t(half))));
    send_some_dropped(order, connections, p_.q_hidden, p_.dest_hidden);
    send_some_dropped(order, connections, p_.q_residual, p_.dest_residual);
    return {};
  }

  // From the end of the order on: the least important sources are dropped, the others merged.
  void send_some_dropped(const Rows& order, const std::vector<Connection>& connections, double q, int32_t* dest) {
    int64_t to_drop = drop_count(q, int64_t(connections.size()));
    for (size_t i = order.size(); i-- > 0;)
      for (const Connection& c : connections)
        if (c.source == order[i]) dest[c.source] = to_drop-- > 0 ? -1 : int32_t(c.destination);
  }

  void prune(int64_t removed) {
    const Rows order = by_importance();
    const Rows gone(order.end() - removed, order.end());
    int64_t last = -1;
    double total = 0;
    for (int64_t row : gone) {
      last = std::max(last, row);
      total += std::fmax(p_.scores[row], 0);
    }
    for (int64_t row : gone) {
      send(row, p_.fuse ? last : -1);
      if (p_.fuse) p_.weights[row] = total > 0 ? std::fmax(p_.scores[row], 0.f) : 1;
    }
  }

  Status merge(int64_t removed) {
    Rows sources, destinations;
    alternate(candidates_, sources, destinations);
    if (destinations.empty()) return {};
    std::vector<Connection> connections;
    SKIPSCAN_TRY(connect(sources, destinations, connections));
    for (size_t i = 0; i < connections.size() && int64_t(i) < removed; ++i)
      send(connections[i].source, connections[i].destination);
    return {};
  }

  Status ltmp() {
    Rows left, sources, destinations;
    const int64_t best = by_importance().front();
    for (int64_t row : candidates_) {
      if (p_.scores[row] < p_.prune_below && row != best)
        send(row, -1);
      else
        left.push_back(row);
    }
    alternate(left, sources, destinations);
    if (destinations.empty()) return {};
    std::vector<Connection> connections;
    SKIPSCAN_TRY(connect(sources, destinations, connections));
    for (const Connection& c : connections)
      if (c.destination >= 0 && is_similar(c.cosine, p_.merge_above)) send(c.source, c.destination);
    return {};
  }

  void uniform(int64_t removed) {
    const int64_t n = int64_t(candidates_.size()), stay = n - removed;
    for (int64_t row : candidates_) send(row, -1);
    for (int64_t i = 0; i < stay; ++i) {
      const int64_t row = candidates_[size_t(i * n / stay)];
      send(row, row);
    }
  }

  void random(int64_t removed) {
    const auto key = [this](int64_t row) {
      return random_key(p_.seed, uint32_t(p_.layer), uint32_t(p_.positions[row]));
    };
    const Rows order =
        ordered(candidates_, [&](int64_t a, int64_t b) { return key(a) < key(b) || (key(a) == key(b) && a < b); });
    for (int64_t i = 0; i < removed; ++i) send(order[order.size() - 1 - size_t(i)], -1);
  }

  static void alternate(const Rows& rows, Rows& sources, Rows& destinations) {
    for (size_t i = 0; i < rows.size(); ++i) (i % 2 == 0 ? sources : destinations).push_back(rows[i]);
  }

  double feature(int64_t row, int64_t c) const {
    return double(p_.features[row * p_.dim + c]) + (p_.added_features ? p_.added_features[row * p_.dim + c] : 0);
  }

  double dot(int64_t a, int64_t b) const {
    double total = 0;
    for (int64_t c = 0; c < p_.dim; ++c) total += feature(a, c) * feature(b, c);
    return total;
  }

  double cosine(int64_t a, int64_t b) const {
    const double squares = dot(a, a) * dot(b, b);
    return squares == 0 ? 0 : dot(a, b) / std::sqrt(squares);
  }

  // One connection for each source, the closest first.
  Status connect(const Rows& sources, const Rows& destinations, std::vector<Connection>& connections) const {
    for (int64_t row = begin_; row < end_; ++row) {
      const float square = float(dot(row, row));
      const bool compared = contains(sources, row) || contains(destinations, row);
      if (compared && !std::isfinite(square)) return non_finite("features", row, square);
    }
    for (int64_t a : sources) {
      Connection best = {-std::numeric_limits<double>::infinity(), a, -1};
      for (int64_t b = begin_; b < end_; ++b) {
        if (!contains(destinations, b) || (p_.forward && b < a)) continue;
        if (const double c = cosine(a, b); c > best.cosine) best = {c, a, b};
      }
      connections.push_back(best);
    }
    connections = ordered(connections, [](const Connection& a, const Connection& b) {
      return a.cosine > b.cosine || (a.cosine == b.cosine && a.source < b.source);
    });
    return {};
  }

  static bool contains(const Rows& rows, int64_t row) {
    for (int64_t other : rows)
      if (other == row) return true;
    return false;
  }

  const SelectTokensParams& p_;
  int32_t sequence_;
  int64_t begin_, end_;
  Rows candidates_;
};

Status run(const SelectTokensParams& p, ExecContext& ctx) {
  ctx.route = kRoute;
  int32_t kept = 0;
  p.kept_offsets[0] = 0;
  for (int32_t s = 0; s < p.sequences; ++s) {
    Sequence sequence(p, s);
    SKIPSCAN_TRY(sequence.reduce());
    for (int64_t row = p.offsets[s]; row < p.offsets[s + 1]; ++row) {
      if (p.dest_hidden[row] != row) continue;
      int64_t size = sequence.size(row);
      for (int64_t other = p.offsets[s]; other < p.offsets[s + 1]; ++other)
        if (weighs_by_size(p.policy) && other != row && p.dest_hidden[other] == row) size += sequence.size(other);
      p.kept[kept] = int32_t(row);
      p.kept_sizes[kept++] = int32_t(size);
    }
    p.kept_offsets[s + 1] = kept;
  }
  return {};
}

}  // namespace

const Op<SelectTokensParams> select_tokens = {supports_all, run};

}  // namespace skipscan::cpu::reference
