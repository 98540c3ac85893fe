// SPDX-License-Identifier: Apache-2.0
// CSV files: headers, quotes, line ends, separators, and errors that name line and column. Host only.
#include "tool/data/csv.hpp"

#include <cmath>

#include "temporary.hpp"

namespace mote::tool {
namespace {

using namespace test;

std::vector<double> values_of(const std::string& text) { return parse_csv(text, "t.csv").values; }
std::string complaint(const std::string& text) {
  return error_of([&] { parse_csv(text, "t.csv"); });
}

TEST(Csv, ReadsWithAndWithoutHeader) {
  const Table with = parse_csv("a,b,label\n1,2,0\n3,4,1\n", "t.csv");
  EXPECT_EQ(with.names, (std::vector<std::string>{"a", "b", "label"}));
  EXPECT_EQ(with.rows(), 2U);
  EXPECT_EQ(with.lines, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(with.values, (std::vector<double>{1, 2, 0, 3, 4, 1}));
  const Table without = parse_csv("1,2\n3,4", "t.csv");
  EXPECT_TRUE(without.names.empty());
  EXPECT_EQ(without.values, (std::vector<double>{1, 2, 3, 4}));
}

TEST(Csv, ReadsWhatSpreadsheetsWrite) {
  const std::vector<double> expected{1, 2, 3, 4};
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
  EXPECT_EQ(values_of("1e-60,-1e-60\n"), (std::vector<double>{1e-60, -1e-60}));
  std::string all_quoted = "\"a\",\"kind\"\n";  // rows are kept while the rules look at them, and their cells with them
  for (int i = 0; i < 60; ++i) all_quoted += "\"" + std::to_string(i) + ".5\",\"k" + std::to_string(i % 3) + "\"\n";
  const Table many = parse_csv(all_quoted, "t.csv");
  EXPECT_EQ(many.names, (std::vector<std::string>{"a", "kind"}));
  EXPECT_EQ(many.number(59, 0), 59.5);
  EXPECT_EQ(many.text(59, 1), "k2");
}

TEST(Csv, PassesOverCommentsAboveTheTable) {
  const Table noted = parse_csv("# sensor 7\n# second, with commas, in it\na,b\n1,2\n3,x\n", "t.csv");
  EXPECT_EQ(noted.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(noted.lines, (std::vector<std::uint32_t>{4, 5}));
  expect_in(noted.notes.at(0), {"2 lines above the table begin with #"});
  const Table numpy = parse_csv("# a b y\n1.5 2 0\n2.5 3 1\n", "t.csv");  // as numpy.savetxt writes a header
  EXPECT_EQ(numpy.names, (std::vector<std::string>{"a", "b", "y"}));
  EXPECT_EQ(numpy.lines, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_TRUE(numpy.notes.empty());
  EXPECT_EQ(parse_csv("#id,a\r\n1,2\r\n", "t.csv").names, (std::vector<std::string>{"id", "a"}));
  EXPECT_EQ(parse_csv("#1,2\n3,4\n", "t.csv").rows(), 1U);  // a sample that somebody took out
  EXPECT_EQ(parse_csv("a,b\n1,#\n#,2\n", "t.csv").text(1, 0), "#");
  expect_in(complaint("Measurements of May\na,b,c\n1,2,3\n"), {"t.csv:2:2", "lines above the table"});
  expect_in(complaint("# nothing\n"), {"no rows"});
}

TEST(Csv, NamesLineAndColumn) {
  expect_in(complaint("1,2\n3,4,5\n"), {"t.csv:2:3", "3 cells", "has 2", "comma"});
  expect_in(complaint("1,2\n\n\n3\n"), {"t.csv:4:2", "1 cells"});
  expect_in(complaint("1,2\n3,\"4\n5,6\n"), {"t.csv:2:2", "not closed"});
  expect_in(complaint("1,2\r3,4\r5\r"), {"t.csv:3:2", "1 cells"});
  expect_in(complaint("a;b\n1;2\n3;4;5\n6;7\n"), {"t.csv:3:3", "semicolon"});
  expect_in(complaint(""), {"no rows"});
  expect_in(complaint("a,b\n"), {"header and no rows", "--header no"});
}

/// The table written back with bars: words as they are, numbers in their shortest form, "" for missing.
std::string cells_of(const std::string& text, HeaderRule header = HeaderRule::automatic) {
  const Table table = parse_csv(text, "t.csv", header);
  std::string out;
  for (std::size_t i = 0; i < table.names.size(); ++i) out += (i > 0 ? "|" : "") + table.names[i];
  if (!table.names.empty()) out += ":";
  for (std::size_t row = 0; row < table.rows(); ++row, out += "/")
    for (std::size_t i = 0; i < table.columns; ++i) out += (i > 0 ? "|" : "") + table.text(row, i);
  return out;
}

TEST(Csv, FindsTheSeparator) {
  const std::string expected = "a|b|c:1|2.5|x/3|4.5|y/";
  for (const char* const separator : {",", ";", "\t", "|", " ", "   ", " , ", " | "}) {
    std::string text = "a,b,c\n1,2.5,x\n3,4.5,y\n", with;
    for (const char c : text) with += c == ',' ? separator : std::string(1, c);
    EXPECT_EQ(cells_of(with), expected) << with;
    if (std::string(separator).find(',') == std::string::npos) {
      for (char& c : with) c = c == '.' ? ',' : c;  // and decimal commas
      EXPECT_EQ(cells_of(with), expected) << with;
    }
  }
  EXPECT_EQ(cells_of("sep=;\na;b\n1;2\n"), "a|b:1|2/");
  EXPECT_EQ(cells_of("\"sep=,\"\r\na,b\r\n1,2\r\n"), "a|b:1|2/");
  EXPECT_EQ(cells_of("sep=#\na#b\n1#2\n"), "a|b:1|2/");
  EXPECT_EQ(parse_csv("sep=;\na;b\n1;2\n", "t.csv").lines[0], 3U);
  EXPECT_EQ(cells_of("a,b\n1;2,3\n4;5,6\n"), "a|b:1;2|3/4;5|6/");  // semicolons within words, but no even cut
  EXPECT_EQ(cells_of("name,n\nAnn Lee,3\nBo Ek,4\n"), "name|n:Ann Lee|3/Bo Ek|4/");
  EXPECT_EQ(cells_of("x\nred wine\nred ale\nred wine\n"), "x:red wine/red ale/red wine/");  // blanks in words
  EXPECT_EQ(cells_of("\"a;b\";c\n\"1\";\"x;y\"\n\"2\";\"z\"\"\"\n"), "a;b|c:1|x;y/2|z\"/");
}

TEST(Csv, ReadsNumbersAsPeopleWriteThem) {
  EXPECT_EQ(values_of("1,5;2\n-0,25;1e3\n"), (std::vector<double>{1.5, 2, -0.25, 1000}));
  EXPECT_EQ(values_of("1.234,5;1.000\n12;3,25\n"), (std::vector<double>{1234.5, 1000, 12, 3.25}));
  EXPECT_EQ(values_of("1,234.5;7\n12;3.25\n"), (std::vector<double>{1234.5, 7, 12, 3.25}));
  EXPECT_EQ(values_of("\"1,234\",2.5\n\"12,345,678\",1\n"), (std::vector<double>{1234, 2.5, 12345678, 1}));
  EXPECT_EQ(values_of("\"1,5\",\"0,25\"\n\"2,5\",7\n"), (std::vector<double>{1.5, 0.25, 2.5, 7}));
  EXPECT_EQ(values_of("1.234;5\n2.345;6\n"), (std::vector<double>{1.234, 5, 2.345, 6}));
  EXPECT_EQ(values_of("1,234;5\n2,345;6\n"), (std::vector<double>{1.234, 5, 2.345, 6}));
  EXPECT_EQ(values_of("True,1\nfalse,0\nTRUE,1\n"), (std::vector<double>{1, 1, 0, 0, 1, 1}));
  for (const char* const word : {"0x10", "--1", "1-2", "1.2.3", "1e", "1,2;", "12%", "-", "1 2"}) {
    const Table table = parse_csv("a|b\n1|2\n" + std::string(word) + "|3\n", "t.csv");
    EXPECT_EQ(table.code(1, 0), 1U) << word;
    EXPECT_EQ(table.text(1, 0), word);
  }
  EXPECT_TRUE(std::isinf(values_of("1e400,2\n")[0]));
  // Both ways in one file: 1,5 is a word then, and never 15.
  EXPECT_EQ(parse_csv("a;b\n1,5;2\n1,25;1.5\n", "t.csv").text(0, 0), "1,5");
}

TEST(Csv, KnowsWhatIsMissing) {
  const Table table = parse_csv("a,b\n1,x\n,\nNA,N/A\nnan,NULL\n?,#N/A\n <NA> ,\"\"\n-NaN,Null\n", "t.csv");
  for (std::size_t row = 1; row < table.rows(); ++row)
    for (std::size_t column = 0; column < 2; ++column)
      EXPECT_EQ(table.code(row, column), Table::kMissing) << row << " " << column;
  EXPECT_EQ(table.rows(), 7U);
}

TEST(Csv, ReadsEveryEncodingAndLineEnd) {
  const TemporaryFolder folder;
  const std::string text = "größe,art\n1,Übung\n2,\xE2\x82\xAC\n", expected = "größe|art:1|Übung/2|€/";
  const auto as_read = [&](const std::string& bytes) {
    write(folder / "t.csv", bytes);
    const Table table = read_csv(folder / "t.csv");
    return table.names[0] + "|" + table.names[1] + ":" + table.text(0, 0) + "|" + table.text(0, 1) + "/" +
           table.text(1, 0) + "|" + table.text(1, 1) + "/";
  };
  EXPECT_EQ(as_read(text), expected);
  EXPECT_EQ(as_read("\xEF\xBB\xBF" + text), expected);
  EXPECT_EQ(as_read("gr\xF6\xDF"
                    "e,art\n1,\xDC"
                    "bung\n2,\x80\n"),
            expected);  // Windows-1252
  std::string little, big;
  for (const char16_t unit : std::u16string(u"größe,art\n1,Übung\n2,€\n")) {
    little += static_cast<char>(unit & 0xFF), little += static_cast<char>(unit >> 8);
    big += static_cast<char>(unit >> 8), big += static_cast<char>(unit & 0xFF);
  }
  EXPECT_EQ(as_read("\xFF\xFE" + little), expected);
  EXPECT_EQ(as_read("\xFE\xFF" + big), expected);
  EXPECT_EQ(as_read(little), expected);
  for (const char* const end : {"\r", "\r\n"}) {
    std::string other;
    for (const char c : text) other += c == '\n' ? end : std::string(1, c);
    EXPECT_EQ(as_read(other), expected);
  }
  write(folder / "cut.csv", "\xFF\xFE" + little.substr(0, little.size() - 1));
  expect_in(error_of([&] { read_csv(folder / "cut.csv"); }), {"cut.csv", "UTF-16", "middle of a character"});
  write(folder / "half.csv", std::string("\xFF\xFE\x00\xD8\x41\x00", 6));
  expect_in(error_of([&] { read_csv(folder / "half.csv"); }), {"half.csv", "byte 2", "half a character"});
  write(folder / "zero.csv", std::string("a,b\n1,2\0\n", 10));
  expect_in(error_of([&] { read_csv(folder / "zero.csv"); }), {"zero.csv", "byte 7", "not text"});
}

TEST(Csv, TellsAHeaderFromASample) {
  EXPECT_EQ(cells_of("a,b\n1,2\n"), "a|b:1|2/");
  EXPECT_EQ(cells_of("5.1,setosa\n4.9,setosa\n"), "5.1|setosa/4.9|setosa/");
  EXPECT_EQ(cells_of("5.1,setosa\n"), "5.1|setosa/");
  EXPECT_EQ(cells_of("x,kind\n5.1,setosa\n4.9,setosa\n"), "x|kind:5.1|setosa/4.9|setosa/");
  EXPECT_EQ(cells_of("colour,kind\nred,apple\nred,plum\n"), "colour|kind:red|apple/red|plum/");
  EXPECT_EQ(cells_of("red,apple\nred,plum\n"), "red|apple/red|plum/");
  EXPECT_EQ(cells_of("flag,y\nTrue,1\nFalse,0\n"), "flag|y:True|1/False|0/");
  EXPECT_EQ(cells_of(",a,b\n0,1,2\n1,3,4\n"), "column 1|a|b:0|1|2/1|3|4/");
  EXPECT_EQ(cells_of("a,b\nr1,1,2\nr2,3,4\n"), "column 1|a|b:r1|1|2/r2|3|4/");  // as R writes names of rows
  EXPECT_EQ(cells_of("a,a\n1,2\n"), "a|a (2):1|2/");
  EXPECT_EQ(cells_of("1,2\n3,4\n", HeaderRule::yes), "1|2:3|4/");
  EXPECT_EQ(cells_of("a,b\n3,4\n", HeaderRule::no), "a|b/3|4/");
  const auto notes = [](const std::string& text) {
    std::string out;
    for (const std::string& note : parse_csv(text, "t.csv").notes) out += note + "\n";
    return out;
  };
  EXPECT_EQ(notes("a,b\n1,2\n") + notes("1.5,2.5\n3,4\n") + notes("1,x\n2,y\n"), "");
  expect_in(notes("0,1,2\n5,6,7\n"), {"counts on from 0", "--header yes"});
  expect_in(notes("5.1,abc,0\n4.9,1,0\n"), {"taken for the header", "\"abc\"", "--header no"});
  expect_in(notes("red,apple\nblue,plum\n"), {"all cells are words", "--header no"});
  // A separator at the end of each row makes a column without a name, and moves no names.
  EXPECT_EQ(cells_of("a,b\n1,2,\n3,4,\n"), "a|b|column 3:1|2|/3|4|/");
  EXPECT_EQ(cells_of("a,b,\n1,2,\n3,4,\n"), "a|b|column 3:1|2|/3|4|/");
  expect_in(notes("a,a\n1,2\n"), {"two columns are called \"a\""});
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
  expect_in(error_of([&] { static_cast<void>(bare.column_index("label")); }), {"no header", "--header yes"});
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
