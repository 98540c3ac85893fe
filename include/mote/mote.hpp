// SPDX-License-Identifier: Apache-2.0
// Everything, in reading order: each file relies on files above it only.
#pragma once

#include "mote/requirements.hpp"
#ifndef MOTE_WARN_IN_HEADERS
#pragma GCC system_header
#endif

// clang-format off: reading order
#include "mote/arithmetic.hpp"
#include "mote/status.hpp"
#include "mote/types.hpp"

#include "mote/port.hpp"

#include "mote/model/layer.hpp"
#include "mote/model/model.hpp"
#include "mote/model/shape_rule.hpp"

#include "mote/model/validate.hpp"

#include "mote/model/builders.hpp"
#include "mote/model/fold.hpp"
#include "mote/model/narrow.hpp"

#include "mote/train/loss.hpp"
#include "mote/train/optimizer.hpp"
#include "mote/train/random.hpp"
#include "mote/train/schedule.hpp"

#include "mote/kernels/isa.hpp"
#include "mote/plan/plan.hpp"

#include "mote/plan/planner.hpp"

#include "mote/run/threads.hpp"

#include "mote/run/binding.hpp"

#include "mote/run/operator_args.hpp"

#include "mote/run/execute.hpp"
#include "mote/run/static_memory.hpp"
#include "mote/run/values.hpp"

#include "mote/run/interface.hpp"

#include "mote/run/session.hpp"

#include "mote/train/augmentation.hpp"
#include "mote/train/initializer.hpp"
#include "mote/train/standardization.hpp"
#include "mote/train/train_config.hpp"

#include "mote/train/execute_training.hpp"
#include "mote/train/line_search.hpp"
#include "mote/train/minimizer.hpp"
#include "mote/train/program.hpp"
#include "mote/train/trainer.hpp"

#include "mote/pursuit/smoother.hpp"

#include "mote/pursuit/projection_pursuit.hpp"

#include "mote/quantize/histogram.hpp"

#include "mote/quantize/quantizer.hpp"
// clang-format on
