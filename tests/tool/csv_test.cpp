// SPDX-License-Identifier: Apache-2.0
// CSV files: headers, quotes, line ends, separators, and errors that name line and column. Host only.
#include "tool/data/csv.hpp"
#include "temporary.hpp"

namespace mote::tool {
namespace {

using namespace test;

std::vector<float> values_of(const std::string& text) { return parse_csv(text, "t.csv").values; }
std::string complaint(const std::string& text) {
  return error_of([&] { parse_csv(text, "t.csv"); });
}

TEST(Csv, ReadsWithAndWithoutHeader) {
  const Table with = parse_csv("a,b,label\n1,2,0\n3,4,1\n", "t.csv");
  EXPECT_EQ(with.names, (std::vector<std::string>{"a", "b", "label"}));
  EXPECT_EQ(with.rows(), 2U);
  EXPECT_EQ(with.lines, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(with.values, (std::vector<float>{1, 2, 0, 3, 4, 1}));
  const Table without = parse_csv("1,2\n3,4", "t.csv");
  EXPECT_TRUE(without.names.empty());
  EXPECT_EQ(without.values, (std::vector<float>{1, 2, 3, 4}));
}

TEST(Csv, ReadsWhatSpreadsheetsWrite) {
  const std::vector<float> expected{1, 2, 3, 4};
  EXPECT_EQ(values_of("1,2\r\n3,4\r\n"), expected);
  EXPECT_EQ(values_of("\xEF\xBB\xBF"
                      "1;2\n3;4\n"),
            expected);
  EXPECT_EQ(values_of("1\t2\n3\t4\n"), expected);
  EXPECT_EQ(values_of("\n1,2\n\n  \n3,4\n\n"), expected);
  EXPECT_EQ(values_of("\"1\",\"2\"\n\"3\" , 4 \n"), expected);
  EXPECT_EQ(values_of("+1,2e0\n3.0,.4e1\n"), expected);
  const Table quoted = parse_csv("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\n1,2,3\n", "t.csv");
  EXPECT_EQ(quoted.names, (std::vector<std::string>{"a,b", "say \"hi\"", "two\nlines"}));
  EXPECT_EQ(quoted.lines, std::vector<std::uint32_t>{3});
  EXPECT_EQ(values_of("1e-60,-1e-60\n"), (std::vector<float>{0.0F, -0.0F}));
}

TEST(Csv, NamesLineAndColumn) {
  expect_in(complaint("a,b\n1,2\n3,x4\n"), {"t.csv:3:2", "\"x4\"", "\"b\"", "not a number"});
  expect_in(complaint("1,2\n3,\n"), {"t.csv:2:2", "empty"});
  expect_in(complaint("1,2\n3,nan\n"), {"t.csv:2:2", "not a finite"});
  expect_in(complaint("1,2\n3,1e60\n"), {"t.csv:2:2", "not a finite"});
  expect_in(complaint("1,2\n3,4,5\n"), {"t.csv:2:3", "3 cells", "has 2"});
  expect_in(complaint("1,2\n\n\n3\n"), {"t.csv:4:2", "1 cells"});
  expect_in(complaint("1,2\n3,\"4\n5,6\n"), {"t.csv:2:2", "not closed"});
  expect_in(complaint("1,2\n0x10,1\n"), {"t.csv:2:1", "0x10"});
  expect_in(complaint("1,2\n--1,1\n"), {"t.csv:2:1"});
  expect_in(complaint(""), {"no rows"});
  expect_in(complaint("a,b\n"), {"header and no rows"});
  expect_in(complaint(std::string("1,2\n3,\x01\x02") + std::string(99, 'z')), {"t.csv:2:2", "??zzz", "…"});
}

TEST(Csv, FindsColumns) {
  const Table table = parse_csv("width,height,2\n1,2,3\n", "t.csv");
  EXPECT_EQ(table.column_index("height"), 1U);
  EXPECT_EQ(table.column_index("last"), 2U);
  EXPECT_EQ(table.column_index("2"), 2U);  // a name goes before a number
  EXPECT_EQ(table.column_index("1"), 0U);
  expect_in(error_of([&] { static_cast<void>(table.column_index("heigth")); }),
            {"did you mean \"height\"", "width, height, 2"});
  expect_in(error_of([&] { static_cast<void>(table.column_index("4")); }), {"no column 4", "1 to 3"});
  const Table bare = parse_csv("1,2\n", "t.csv");
  expect_in(error_of([&] { static_cast<void>(bare.column_index("label")); }), {"no header"});
}

TEST(Csv, SurvivesGarbage) {
  std::uint32_t state = 7;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::uint32_t n = (state = state * 1664525U + 1013904223U) >> 27; n > 0; --n) {
      state = state * 1664525U + 1013904223U;
      text += "0123456789,,,,\n\n\r\"\".-+e;\t\0\xFF a"[(state >> 10) % 31];
    }
    try {
      const Table table = parse_csv(text, "t.csv");
      EXPECT_EQ(table.values.size(), table.rows() * table.columns);
      EXPECT_GT(table.rows(), 0U);
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("t.csv"), std::string::npos) << error.message();
    }
  }
}

TEST(Csv, BoundsItsColumns) {
  const std::size_t most = std::size_t{1} << 22;
  expect_in(error_of([&] { parse_csv("1,2\n" + std::string(most, ','), "t.csv"); }),
            {"t.csv:2", "more than 4194304 cells", "numpy.save"});
  std::string row = "1";
  for (std::size_t i = 1; i < most; ++i) row += ",1";
  EXPECT_EQ(parse_csv(row, "t.csv").columns, most);
}

}  // namespace
}  // namespace mote::tool
