// SPDX-License-Identifier: Apache-2.0
// Time series: rows of a table become overlapping windows, each a sequence for a network (input LENGTHxCOLUMNS).
#pragma once

#include "tool/data/columns.hpp"

namespace mote::tool {

/// As given on the command line; what is not given there as the model knows it.
Windows windows_for(const Reading& reading);

/// Turns the rows of `table` into windows of `windows.length` rows, one every `windows.hop` rows; a window's values are
/// row after row. `cells` is the table that the rows were read from.
/// - A window lies within one recording: consecutive rows with the same cell in the column `windows.group`. It does not
///   reach over a row that was left out (a missing value or label). Rows that fill no window are left out.
/// - Label: the one that most of its rows have, of several such the one that comes first; or that of its last row.
///   Targets: those of its last row.
/// `learning`: a model is to learn from them, so what overlapping windows do to a held-out part is noted.
void cut_windows(EncodedTable& table, const Table& cells, const Windows& windows, bool learning);

}  // namespace mote::tool
