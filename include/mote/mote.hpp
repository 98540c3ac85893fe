// SPDX-License-Identifier: Apache-2.0
// Everything, in reading order.
#pragma once

// clang-format off: reading order
#include "mote/augmentation.hpp"
#include "mote/builders.hpp"
#include "mote/execute.hpp"
#include "mote/fold.hpp"
#include "mote/initializer.hpp"
#include "mote/isa.hpp"
#include "mote/layer.hpp"
#include "mote/line_search.hpp"
#include "mote/loss.hpp"
#include "mote/minimizer.hpp"
#include "mote/model.hpp"
#include "mote/optimizer.hpp"
#include "mote/plan.hpp"
#include "mote/projection_pursuit.hpp"
#include "mote/random.hpp"
#include "mote/schedule.hpp"
#include "mote/session.hpp"
#include "mote/smoother.hpp"
#include "mote/standardization.hpp"
#include "mote/status.hpp"
#include "mote/trainer.hpp"
#include "mote/types.hpp"
