// SPDX-License-Identifier: Apache-2.0
// One set of test macros for hosts and bare metal: GoogleTest where there is an operating system, else a runner of
// about a hundred lines with the same names. Tests that include only this header run on every target.
#pragma once

#if !defined(MOTE_BARE_METAL)
#include <gtest/gtest.h>
#else
#include "target/check_bare_metal.hpp"
#endif
