// The scans alone, along paths as reductions leave them.
#pragma once
#include <map>
#include <string>

#include "channel.h"
#include "ops/backend.h"

namespace skipscan::bench {

// The methods of a process that measures scans. A scan is "OP VARIANT STEPS THREADS":
//   OP        selective (1536 channels, 16 states) or ssd (24 heads of 64 channels, 128 states)
//   VARIANT   plain       every row, with softplus, D and the gate, as the model calls it
//             bare        the recurrence only: no softplus, D or gate
//             aligned     rows that stand together but are 10 in 7 positions apart: Alignment::next
//             gathered    7 of 10 rows, the others in between
//             importance  plain, with a score for each row
//   scan SCAN            -> { error, updates, route }: checked, and warm; updates = steps x channels x states
//   timeScan SECONDS SCAN -> seconds of one scan
//   endScans             forgets them
std::map<std::string, Method> scan_methods(const Backend& backend);

}  // namespace skipscan::bench
