// SPDX-License-Identifier: Apache-2.0
// The ceilings of one instruction set; compiled once for each, with its flags and MOTE_CEILINGS=ceilings_<isa>.
#include "kernels/peak_loops.hpp"
#include "tool/ceilings/ceilings.hpp"

namespace mote::tool {

extern const Ceilings MOTE_CEILINGS;
const Ceilings MOTE_CEILINGS{MOTE_CEILINGS_NAME,
                             {kernels::kPeakF32, kernels::peak_f32},
                             {kernels::PackedPeak<std::int8_t>::kMultiplyAdds, kernels::PackedPeak<std::int8_t>::run},
                             {kernels::PackedPeak<std::int16_t>::kMultiplyAdds, kernels::PackedPeak<std::int16_t>::run},
                             kernels::peak_read};

}  // namespace mote::tool
