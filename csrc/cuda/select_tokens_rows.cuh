// The parts of select_tokens that walk over the rows of a sequence in order: which rows are candidates, which sets are
// compared, where rows go, and the list of those that stay. One block for each sequence, 1024 rows at a time: a few
// microseconds for 2048 rows, where latency is all, and about 50 for 65536.
#pragma once
#include "cuda/fault.cuh"
#include "cuda/select_tokens_state.cuh"

namespace skipscan::cuda {

constexpr int kSequenceThreads = 1024;

// One sequence, as the block that walks over it sees it.
struct SequenceRows {
  int begin, tokens;

  __device__ SequenceRows(const SelectTokensParams& p, int s) : begin(p.offsets[s]), tokens(p.offsets[s + 1] - begin) {}
};

// Calls body(i) for i below count, any number at a time.
template <class Body>
__device__ inline void for_each(int count, const Body& body) {
  for (int i = int(threadIdx.x); i < count; i += kSequenceThreads) body(i);
}
// Calls body(i, there) with `there` as whether i is below count: by all threads, so that it may hold barriers.
template <class Body>
__device__ inline void for_each_in_order(int count, const Body& body) {
  for (int first = 0; first < count; first += kSequenceThreads) {
    const int i = first + int(threadIdx.x);
    body(i, i < count);
  }
}

__device__ inline void send(const SelectTokensParams& p, int row, int to) {
  p.dest_hidden[row] = p.dest_residual[row] = to;
}
__device__ inline int size_of_row(const SelectTokensParams& p, int row) { return p.sizes ? p.sizes[row] : 1; }

// When nothing more of a sequence goes.
__device__ inline void count_kept(const SelectTokensParams& p, const SelectState& w, const SequenceRows& rows) {
  __syncthreads();
  int own = 0;
  for_each(rows.tokens, [&](int i) { own += p.dest_hidden[rows.begin + i] == rows.begin + i; });
  const int kept = block_total(own);
  if (threadIdx.x == 0) w.kept_counts[blockIdx.x] = kept;
}

// Lists the candidates, and starts with all rows where they are. Returns how many there are.
__device__ inline int list_candidates(const SelectTokensParams& p, const SelectState& w, const SequenceRows& rows) {
  int listed = 0;
  for_each_in_order(rows.tokens, [&](int i, bool there) {
    const int row = rows.begin + i;
    const bool candidate = there && (!p.is_protected || p.is_protected[row] == 0);
    int more;
    const int place = listed + block_prefix(candidate, more);
    listed += more;
    if (candidate) w.candidates[rows.begin + place] = row;
    if (!there) return;
    const int size = size_of_row(p, row);
    send(p, row, row);
    p.weights[row] = weighs_by_size(p.policy) ? float(size) : 1;
    w.sizes[row] = size;
    w.ranks[row] = w.match_ranks[row] = 0;
    w.matches[row] = 0;
  });
  __syncthreads();
  return listed;
}

// uniform: of n candidates those numbered floor(i * n / stay) stay, for i below `stay`.
__device__ inline bool stays_uniformly(int64_t place, int64_t n, int64_t stay) {
  const int64_t i = div_up(place * stay, n);
  return i < stay && i * n / stay == place;
}

// The policies that look at nothing but the places of the candidates.
__device__ inline void remove_by_place(const SelectTokensParams& p, const int32_t* candidates, int n, int removed) {
  for_each(n, [&](int i) {
    if (p.policy == ReductionPolicy::uniform) {
      if (!stays_uniformly(i, n, n - removed)) send(p, candidates[i], -1);
    } else if (p.policy == ReductionPolicy::recent) {
      if (i < removed) send(p, candidates[i], -1);
    } else {
      if (i % 2 == 0 && i / 2 < removed && n > 1) send(p, candidates[i], candidates[1]);
    }
  });
}

// What candidates are ranked by.
__device__ inline void make_keys(const SelectTokensParams& p, const SelectState& w, int begin, int n) {
  for_each(n, [&](int i) {
    const int row = w.candidates[begin + i];
    w.keys[begin + i] = p.policy == ReductionPolicy::random
                            ? rank_key(random_key(p.seed, unsigned(p.layer), unsigned(p.positions[row])), row)
                            : importance_key(p.scores[row], row);
  });
}

// Every other row of a list becomes a source, those between destinations.
__device__ inline void alternate(const SelectState& w, int begin, int place, int row) {
  int32_t* const list = place % 2 == 0 ? w.sources : w.destinations;
  list[begin + place / 2] = row;
}

// ltmp: drops what is below the threshold, except for the most important one. Returns how many are left.
__device__ inline int drop_by_score(const SelectTokensParams& p, const SelectState& w, int begin, int n) {
  RankKey best = ~RankKey(0);
  const auto key = [&](int i) { return importance_key(p.scores[w.candidates[begin + i]], w.candidates[begin + i]); };
  for_each(n, [&](int i) { best = key(i) < best ? key(i) : best; });
  best = block_fold(best, ~RankKey(0), [](RankKey a, RankKey b) { return a < b ? a : b; });
  int left = 0;
  for_each_in_order(n, [&](int i, bool there) {
    const int row = there ? w.candidates[begin + i] : 0;
    const bool dropped = there && double(p.scores[row]) < p.prune_below && key(i) != best;
    int more;
    const int place = left + block_prefix(there && !dropped, more);
    left += more;
    if (dropped)
      send(p, row, -1);
    else if (there)
      alternate(w, begin, place, row);
  });
  return left;
}

// grid: (sequences)
__global__ void __launch_bounds__(kSequenceThreads, 1)
    select_survey(SelectTokensParams p, SelectState w, unsigned long long* fault) {
  const int s = int(blockIdx.x);
  const SequenceRows rows(p, s);
  const int listed = list_candidates(p, w, rows);
  const bool by_threshold = p.policy == ReductionPolicy::ltmp;
  const int removed = by_threshold ? 0 : rows.tokens - int(keep_count(rows.tokens, rows.tokens - listed, p.keep[s]));
  const int n = by_threshold || removed > 0 ? listed : 0;
  int bad_scores = 0;
  if (needs_scores(p.policy)) {
    for_each(n, [&](int i) {
      const int row = w.candidates[rows.begin + i];
      if (is_finite(p.scores[row])) return;
      report_fault(fault, p.layer, FaultKind::scores, row, p.scores[row]);
      ++bad_scores;
    });
    bad_scores = block_total(bad_scores);
  }
  int compared = 0;
  switch (p.policy) {
    case ReductionPolicy::utrc:
    case ReductionPolicy::prune:
    case ReductionPolicy::random: make_keys(p, w, rows.begin, n); break;
    case ReductionPolicy::merge:
      for_each(n, [&](int i) { alternate(w, rows.begin, i, w.candidates[rows.begin + i]); });
      compared = n;
      break;
    case ReductionPolicy::ltmp: compared = drop_by_score(p, w, rows.begin, n); break;
    case ReductionPolicy::uniform:
    case ReductionPolicy::recent:
    case ReductionPolicy::released_utrc: remove_by_place(p, w.candidates + rows.begin, n, removed); break;
  }
  count_kept(p, w, rows);  // where other kernels remove more, they count anew
  if (threadIdx.x == 0) {
    w.candidate_counts[s] = n;
    w.removed[s] = removed;
    w.bad_scores[s] = bad_scores;
    w.source_counts[s] = compared < 2 ? 0 : compared - compared / 2;
    w.destination_counts[s] = compared / 2;
  }
}

// prune, random: the last by rank go. `fuse`: into the last row of them, as their mean by scores.
__device__ inline void remove_by_rank(const SelectTokensParams& p, const SelectState& w, int begin, int n,
                                      int removed) {
  const auto goes = [&](int i) { return w.ranks[begin + i] >= n - removed; };
  const bool fuse = p.policy == ReductionPolicy::prune && p.fuse;
  int last = 0;
  bool weighed = false;  // whether there is a score to weigh by
  if (fuse) {
    RankKey own = 0;
    for_each(n, [&](int i) {
      const int row = w.candidates[begin + i];
      if (goes(i)) own = RankKey(row) | (own & 1ull << 32) | RankKey(p.scores[row] > 0) << 32;
    });
    const RankKey all = block_fold(own, 0, [](RankKey a, RankKey b) {
      const unsigned row = unsigned(a) > unsigned(b) ? unsigned(a) : unsigned(b);
      return ((a | b) >> 32) << 32 | row;
    });
    last = int(unsigned(all));
    weighed = all >> 32;
  }
  for_each(n, [&](int i) {
    if (!goes(i)) return;
    const int row = w.candidates[begin + i];
    send(p, row, fuse ? last : -1);
    if (fuse) p.weights[row] = weighed ? fmaxf(p.scores[row], 0) : 1;
  });
}

// utrc: the less important half are sources.
__device__ inline void split_by_rank(const SelectState& w, int begin, int n) {
  const int rest = n - n / 2;
  int sources = 0;
  for_each_in_order(n, [&](int i, bool there) {
    const int rank = there ? w.ranks[begin + i] : 0;
    const bool is_source = there && rank >= rest;
    int more;
    const int place = sources + block_prefix(is_source, more);
    sources += more;
    if (is_source) {
      w.sources[begin + place] = w.candidates[begin + i];
      w.source_ranks[begin + place] = rank - rest;
    } else if (there) {
      w.destinations[begin + i - place] = w.candidates[begin + i];
    }
  });
}

// grid: (sequences). After the candidates were ranked.
__global__ void __launch_bounds__(kSequenceThreads, 1) select_split(SelectTokensParams p, SelectState w) {
  const int s = int(blockIdx.x);
  const SequenceRows rows(p, s);
  const int n = w.candidate_counts[s];
  if (p.policy == ReductionPolicy::utrc) {
    split_by_rank(w, rows.begin, n);
    if (threadIdx.x == 0) {
      w.source_counts[s] = n / 2;
      w.destination_counts[s] = n - n / 2;
    }
  } else {
    remove_by_rank(p, w, rows.begin, n, w.removed[s]);
    count_kept(p, w, rows);
  }
}

// utrc: of the sources that go, the least important are dropped, some in each branch, and the others merged.
__device__ inline void send_some_dropped(const SelectTokensParams& p, const SelectState& w, int begin, int sources,
                                         int gone) {
  const int64_t drop_hidden = drop_count(p.q_hidden, gone), drop_residual = drop_count(p.q_residual, gone);
  for_each(sources, [&](int i) {
    const bool goes = w.match_ranks[begin + i] < gone;
    w.by_rank[begin + w.source_ranks[begin + i]] = goes ? i : -1;
  });
  __syncthreads();
  int less_important = 0;
  for_each_in_order(sources, [&](int r, bool there) {
    const int i = there ? w.by_rank[begin + sources - 1 - r] : -1;
    int more;
    const int place = less_important + block_prefix(i >= 0, more);
    less_important += more;
    if (i < 0) return;
    const int row = w.sources[begin + i], to = match_destination(w.matches[begin + i]);
    p.dest_hidden[row] = place < drop_hidden ? -1 : to;
    p.dest_residual[row] = place < drop_residual ? -1 : to;
  });
}

// merge and ltmp: the sources that go are merged, and their tokens count where they go.
__device__ inline void send_matches(const SelectTokensParams& p, const SelectState& w, int begin, int sources,
                                    int gone) {
  for_each(sources, [&](int i) {
    const RankKey match = w.matches[begin + i];
    const int row = w.sources[begin + i], to = match_destination(match);
    const bool goes = p.policy == ReductionPolicy::ltmp ? to >= 0 && is_similar(match_cosine(match), p.merge_above)
                                                        : w.match_ranks[begin + i] < gone;
    if (!goes) return;
    send(p, row, to);
    if (to >= 0) atomicAdd(&w.sizes[to], size_of_row(p, row));
  });
}

// grid: (sequences). After the sources were matched and, but for ltmp, ranked.
__global__ void __launch_bounds__(kSequenceThreads, 1) select_send(SelectTokensParams p, SelectState w) {
  const int s = int(blockIdx.x);
  const SequenceRows rows(p, s);
  const int sources = w.source_counts[s], gone = sources < w.removed[s] ? sources : w.removed[s];
  if (p.policy == ReductionPolicy::utrc)
    send_some_dropped(p, w, rows.begin, sources, gone);
  else
    send_matches(p, w, rows.begin, sources, gone);
  count_kept(p, w, rows);
}

// grid: (sequences)
__global__ void __launch_bounds__(kSequenceThreads, 1) select_list_kept(SelectTokensParams p, SelectState w) {
  const int s = int(blockIdx.x);
  const SequenceRows rows(p, s);
  int own = 0;
  for_each(s, [&](int i) { own += w.kept_counts[i]; });
  int listed = block_total(own);
  if (s == 0 && threadIdx.x == 0) p.kept_offsets[0] = 0;
  for_each_in_order(rows.tokens, [&](int i, bool there) {
    const int row = rows.begin + i;
    const bool stays = there && p.dest_hidden[row] == row;
    int more;
    const int place = listed + block_prefix(stays, more);
    listed += more;
    if (!stays) return;
    p.kept[place] = row;
    p.kept_sizes[place] = w.sizes[row];
  });
  if (threadIdx.x == 0) p.kept_offsets[s + 1] = listed;
}

}  // namespace skipscan::cuda
