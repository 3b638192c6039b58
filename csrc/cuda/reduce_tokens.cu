// Token reduction: means at their destinations, then the rows that stay move together (reduce_tokens.cuh).
#include "cuda/reduce_tokens.cuh"

#include "cuda/tables.h"

namespace skipscan::cuda {
namespace {

Support supports(const ReduceTokensParams& p) { return supports_one_dtype({p.hidden, p.hidden_out}); }

BranchRows rows_of(ConstElements x, Elements out, int64_t dim) {
  return {x.data, out.data, dim * int64_t(size_of(x.dtype)), aligned(x, dim, 16) && aligned(out, dim, 16)};
}

template <class T>
Status average_and_move(const ReduceTokensParams& p, const BothBranches& x, const BothLists* lists, Stream& stream) {
  const unsigned branches = p.residual ? 2 : 1;
  if (lists) {
    const int64_t means = std::min(p.kept_rows, p.rows - p.kept_rows);
    int64_t items = 0;  // of a row: what threads have of it
    for (bool hidden : {true, false}) items = std::max(items, x.of(hidden).packs ? x.of(hidden).bytes / 16 : p.dim);
    const dim3 grid(unsigned(means), unsigned(div_up(items, kMeanThreads)), branches);
    SKIPSCAN_TRY(launch(stream, reduce_average_rows<T>, grid, dim3(kMeanThreads), 0, p, x, *lists));
  }
  const bool in_place = p.hidden.data == p.hidden_out.data && p.residual == p.residual_out;
  const int64_t spans = count_spans(x.hidden, p.dim);
  const int64_t residual_spans = p.residual ? count_spans(x.residual, p.dim) : 0;
  if (in_place && !lists) return {};  // nothing moves
  // Rows that go elsewhere need no order: as many blocks as keep all multiprocessors busy.
  const int64_t parts = in_place ? 1 : std::min<int64_t>(div_up(p.kept_rows, kRowsAtOnce<uint4>), 64);
  const dim3 grid(unsigned(spans + residual_spans), unsigned(parts));
  return launch(stream, reduce_move_rows<T>, grid, dim3(kMoveThreads), 0, p, x, lists ? lists->hidden.counts : nullptr,
                lists ? lists->residual.counts : nullptr, int(spans));
}

BothLists take_lists(Arena& arena, const ReduceTokensParams& p) {
  BothLists lists;
  lists.hidden = MergeLists::take(arena, p.rows, p.dest_hidden);
  lists.residual = p.residual ? MergeLists::take(arena, p.rows, p.dest_residual) : lists.hidden;
  return lists;
}

Status run(const ReduceTokensParams& p, ExecContext& ctx) {
  const bool in_place = p.hidden.data == p.hidden_out.data;
  ctx.route = in_place ? "cuda/in-place" : "cuda/gather";
  Stream& stream = *ctx.stream;
  Arena count;
  take_lists(count, p);
  void* memory;
  SKIPSCAN_TRY(stream.scratch(count.used(), &memory));
  Arena arena(memory);
  const BothLists lists = take_lists(arena, p);

  const unsigned branches = p.residual ? 2 : 1;
  const dim3 of_rows(unsigned(div_up(p.rows, kListThreads)), branches), threads(kListThreads);
  const dim3 of_kept(unsigned(div_up(p.kept_rows, kListThreads)), branches);
  const bool merges = p.kept_rows < p.rows;
  SKIPSCAN_TRY(launch(stream, reduce_start_lists, of_rows, threads, 0, p, lists));
  if (merges) {
    SKIPSCAN_TRY(launch(stream, reduce_count_members, of_rows, threads, 0, p.rows, lists));
    SKIPSCAN_TRY(launch(stream, reduce_place_lists, of_kept, threads, 0, p.kept, p.kept_rows, lists));
    SKIPSCAN_TRY(launch(stream, reduce_fill_lists, of_rows, threads, 0, p.rows, lists));
    SKIPSCAN_TRY(launch(stream, reduce_sort_lists, of_rows, threads, 0, p.rows, lists));
  }
  const BothBranches x = {rows_of(p.hidden, p.hidden_out, p.dim), rows_of(p.residual, p.residual_out, p.dim)};
  return with_dtype(p.hidden.dtype,
                    [&]<class T>(T) -> Status { return average_and_move<T>(p, x, merges ? &lists : nullptr, stream); });
}

}  // namespace

const Op<ReduceTokensParams> reduce_tokens = {supports, run};

}  // namespace skipscan::cuda
