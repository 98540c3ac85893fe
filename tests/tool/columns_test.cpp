// SPDX-License-Identifier: Apache-2.0
// From columns to samples, labels and targets: rules, descriptions, and what is said where the rules end. Host only.
#include "tool/data/columns.hpp"

#include <cmath>

#include "temporary.hpp"

namespace mote::tool {
namespace {

using namespace test;

EncodedTable encoded(const std::string& text, const Reading& reading = {}, LabelUse use = LabelUse::required) {
  return encode(parse_csv(text, "t.csv", reading.header), reading, use);
}
std::string complaint(const std::string& text, const Reading& reading = {}) {
  return error_of([&] { encoded(text, reading); });
}
std::string notes_of(const EncodedTable& table) {
  std::string out;
  for (const std::string& note : table.notes) out += note + "\n";
  return out;
}
/// Reads by the description of another table, gone through its JSON.
EncodedTable read_by(const EncodedTable& trained, const std::string& text, LabelUse use = LabelUse::required,
                     std::optional<Missing> missing = {}) {
  Reading reading;
  reading.known = read_description(trained.description.json());
  reading.missing = missing;
  return encoded(text, reading, use);
}

using Floats = std::vector<float>;
using Labels = std::vector<std::int32_t>;

TEST(Columns, TurnWordsIntoClassesAndCategories) {
  const EncodedTable table =
      encoded("size,colour,on,kind\n1.5,red,True,plum\n2,blue,False,apple\n3,red,true,plum\n", {.outputs = 2});
  EXPECT_EQ(table.features, 4U);
  EXPECT_EQ(table.samples, (Floats{1.5F, 0, 1, 1, 2, 1, 0, 0, 3, 0, 1, 1}));
  EXPECT_EQ(table.labels, (Labels{1, 0, 1}));
  EXPECT_EQ(table.description.classes, (std::vector<std::string>{"apple", "plum"}));
  EXPECT_EQ(table.description.input_names(), (std::vector<std::string>{"size", "colour=blue", "colour=red", "on"}));
  expect_in(table.summary, {"3 rows", "4 inputs", "colour as 2", "label \"kind\"", "apple, plum"});
  EXPECT_EQ(encoded("x,y\n1,True\n2,False\n", {.outputs = 1}).labels, (Labels{1, 0}));
}

TEST(Columns, NumberClassesThatAreNoClassNumbers) {
  EXPECT_EQ(encoded("x,y\n5,0\n6,2\n7,1\n", {.outputs = 3}).labels, (Labels{0, 2, 1}));
  EXPECT_TRUE(encoded("x,y\n5,0\n6,2\n7,1\n", {.outputs = 3}).description.classes.empty());
  const EncodedTable wine = encoded("x,y\n5,1\n6,3\n7,2\n", {.outputs = 3});
  EXPECT_EQ(wine.labels, (Labels{0, 2, 1}));
  EXPECT_EQ(wine.description.classes, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(encoded("x,y\n5,-1\n6,1\n", {.outputs = 1}).labels, (Labels{0, 1}));
  EXPECT_EQ(encoded("x,y\n5,-1\n6,1\n", {.outputs = 2}).labels, (Labels{0, 1}));
  EXPECT_EQ(encoded("x,y\n5,9\n6,10\n7,9\n", {.outputs = 1}).labels, (Labels{0, 1, 0}));  // 9 before 10
  expect_in(complaint("x,y\n5,a\n6,b\n7,c\n", {.outputs = 2}),
            {"t.csv", "3 classes (a, b, c)", "2 outputs", "dense 3"});
  expect_in(complaint("x,y\n5,a\n6,b\n", {.outputs = 3}), {"2 classes", "3 outputs", "dense 2"});
  expect_in(complaint("x,y\n5,a\n6,a\n", {.outputs = 2}), {"all labels in column 2 (\"y\") are \"a\""});
  expect_in(complaint("x,label\n5,0\n6,0.5\n", {.label = "label", .outputs = 2}),
            {"t.csv:3:2", "0.5", "not a class number", "--targets label"});
}

TEST(Columns, TellClassesFromAmountsWhereNoModelSays) {
  EXPECT_TRUE(encoded("x,y\n5,0\n6,1\n7,2\n").description.classes.empty());
  const EncodedTable wine = encoded("x,y\n5,1\n6,3\n7,2\n");  // no class 0 that has no samples
  EXPECT_EQ(wine.labels, (Labels{0, 2, 1}));
  EXPECT_EQ(wine.description.classes, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(encoded("x,y\n5,0\n6,7\n").description.classes, (std::vector<std::string>{"0", "7"}));
  EXPECT_EQ(encoded("x,y\n5,-1\n6,1\n").description.classes, (std::vector<std::string>{"-1", "1"}));
  std::string digits = "x,y\n", ages = "x,y\n";
  for (int i = 0; i < 400; ++i)
    digits += "1," + std::to_string(i % 99) + "\n", ages += "1," + std::to_string(i % 101) + "\n";
  EXPECT_EQ(encoded(digits).labels[98], 98);
  EXPECT_EQ(encoded(ages).targets.size(), 400U);
  EXPECT_EQ(encoded("x,price\n1,250000\n2,310000\n3,199000\n").targets, (Floats{250000, 310000, 199000}));
  EXPECT_EQ(encoded("x,change\n1,-5\n2,3\n3,1\n").targets, (Floats{-5, 3, 1}));
  const auto own = [](const std::string& text) { return encode_labels(parse_csv(text, "y.csv"), {}); };
  EXPECT_EQ(own("250000\n180000\n").targets, (Floats{250000, 180000}));
  EXPECT_EQ(own("1\n0\n").labels, (Labels{1, 0}));
}

TEST(Columns, TellTargetsFromLabels) {
  const EncodedTable prices = encoded("area,price\n50,100000\n70,155000\n90,210000\n", {.outputs = 1});
  EXPECT_EQ(prices.targets, (Floats{100000, 155000, 210000}));
  EXPECT_EQ(prices.description.targets[0].name, "price");
  EXPECT_EQ(encoded("x,y\n1,0.5\n2,0\n", {.outputs = 3}).targets.size(), 2U);
  EXPECT_EQ(encoded("x,y\n1,1\n2,0\n", {.outputs = 1}).labels.size(), 2U);
  EXPECT_EQ(encoded("x,y\n1,1\n2,0\n", {.outputs = 1, .values = true}).targets.size(), 2U);
  const EncodedTable two = encoded("y,x,z\n1,2,3\n4,5,6\n", {.targets = {"z", "y"}});
  EXPECT_EQ(two.targets, (Floats{3, 1, 6, 4}));
  EXPECT_EQ(two.samples, (Floats{2, 5}));
  expect_in(complaint("x,y\n1,2\n2,high\n3,5\n", {.targets = {"y"}}), {"t.csv:3:2", "\"high\"", "not a number"});
}

TEST(Columns, LeaveOutWhatIsNamed) {
  const EncodedTable table = encoded("id,a,b,y\n7,1,x,0\n8,2,z,1\n", {.ignore = {"id", "3"}});
  EXPECT_EQ(table.samples, (Floats{1, 2}));
  EXPECT_EQ(encoded("id,a,b,y\n7,1,x,0\n8,2,z,1\n", {.inputs = {"b", "id"}}).samples, (Floats{7, 1, 0, 8, 0, 1}));
  expect_in(complaint("a,y\n1,0\n2,1\n", {.ignore = {"y"}}), {"--ignore", "\"y\"", "label or a target"});
  expect_in(complaint("a,y\n1,0\n2,1\n", {.ignore = {"aa"}}), {"no column \"aa\"", "did you mean \"a\""});
  expect_in(complaint("a,y\n1,0\n2,1\n", {.ignore = {"a"}}), {"no column is left"});
}

TEST(Columns, SayEverythingThatIsWrongAtOnce) {
  expect_in(complaint("a,b,label\n1,2,0\n3,x4,1\n4,5,0\n"),
            {"t.csv:3:2", "\"x4\"", "2 (\"b\")", "not a number", "--categories b", "--ignore b"});
  for (const char* const date :
       {"2020-01-05", "5.1.2020", "1/5/20", "2020-01-05 10:30", "2020-01-05T10:30:00", "10:30"})
    expect_in(complaint("day,y\n" + std::string(date) + ",0\n" + date + ",1\n"),
              {"t.csv:2:1", "\"day\"", "dates or times", date, "--ignore day"});
  std::string text = "name,ticket,day,x,y\n";
  for (int i = 0; i < 60; ++i)
    text += "n" + std::to_string(i) + "," + (i % 3 == 0 ? "A" : "") + std::to_string(i) + ",2020-01-05," +
            std::to_string(i % 7) + "," + std::to_string(i % 2) + "\n";
  expect_in(complaint(text), {"60 different words in 60 rows", "\"A0\"", "dates", "--ignore name,ticket,day"});
  const EncodedTable named = encoded(text, {.ignore = {"day", "name"}, .categories = {"ticket"}});
  EXPECT_EQ(named.features, 61U);
  expect_in(complaint("a,y\n1,0\n1e60,1\n"), {"t.csv:3:1", "1e+60", "not a finite"});
  expect_in(complaint("a,y\n1,0\ninf,1\n"), {"t.csv:3:1", "not a finite"});
}

TEST(Columns, FollowOnePolicyForMissingValues) {
  const std::string text = "a,c,y\n1,u,0\n,v,1\n5,?,0\n6,u,1\nNA,v,\n";
  const EncodedTable mean = encoded(text);
  EXPECT_EQ(mean.rows, 4U);  // the last has no label
  EXPECT_EQ(mean.samples, (Floats{1, 1, 0, 4, 0, 1, 5, 0, 0, 6, 1, 0}));
  expect_in(notes_of(mean), {"2 missing values", "1 in column 1 (\"a\") by its mean 4", "no category",
                             "1 of 5 rows have no label", "--missing"});
  const EncodedTable drop = encoded(text, {.missing = Missing::drop});
  EXPECT_EQ(drop.samples, (Floats{1, 1, 0, 6, 1, 0}));
  EXPECT_EQ(drop.labels, (Labels{0, 1}));
  EXPECT_EQ(drop.lines, (std::vector<std::uint32_t>{2, 5}));
  expect_in(notes_of(drop), {"2 of 5 rows have missing values", "1 of 5 rows have no label"});
  expect_in(complaint(text, {.missing = Missing::error}), {"t.csv:3:1", "\"a\"", "missing", "--missing mean"});
  EXPECT_EQ(encoded("a,y\n1,0\nnone,1\n-,0\n3,1\n").samples, (Floats{1, 2, 2, 3}));
  EXPECT_EQ(encoded("a,y\nnone,0\nsome,1\n").features, 2U);  // among words, none is one
  // Later: by the mean of training, and a gap in a column that had none.
  EXPECT_EQ(read_by(mean, "a,c,y\n,u,0\n,,1\n").samples, (Floats{4, 1, 0, 4, 0, 0}));
  EXPECT_EQ(read_by(drop, "a,c,y\n,u,0\n2,u,1\n").samples, (Floats{2, 1, 0}));
  EXPECT_EQ(read_by(drop, "a,c,y\n,u,0\n", LabelUse::required, Missing::mean).samples, (Floats{4, 1, 0}));
}

TEST(Columns, AreFoundByNameInLaterTables) {
  const EncodedTable trained = encoded("a,b,c,kind\n1,2,u,x\n3,4,v,y\n", {.outputs = 2});
  const EncodedTable later = read_by(trained, "kind,c,extra,b,a\ny,v,9,20,10\nx,u,9,40,30\n");
  EXPECT_EQ(later.samples, (Floats{10, 20, 0, 1, 30, 40, 1, 0}));
  EXPECT_EQ(later.labels, (Labels{1, 0}));
  expect_in(notes_of(later), {"\"extra\"", "not looked at"});
  EXPECT_EQ(read_by(trained, "b,a,c\n20,10,v\n", LabelUse::optional).samples, (Floats{10, 20, 0, 1}));
  EXPECT_TRUE(read_by(trained, "b,a,c\n20,10,v\n", LabelUse::optional).labels.empty());
  EXPECT_EQ(read_by(trained, "1,2,u,x\n").labels, (Labels{0}));                              // all columns, no header
  EXPECT_EQ(read_by(trained, "1,2,u\n", LabelUse::optional).samples, (Floats{1, 2, 1, 0}));  // the inputs, no header
  expect_in(error_of([&] { read_by(trained, "a,bb,kind\n1,2,x\n"); }),
            {"t.csv:1", "lacks columns \"b\", \"c\"", "header has a, bb, kind"});
  expect_in(error_of([&] { read_by(trained, "1,2\n"); }), {"t.csv", "2 columns", "3 inputs out of 4"});
  expect_in(error_of([&] { read_by(trained, "a,b,c\n1,2,u\n"); }), {"no column \"kind\"", "--label", "mote run"});
  expect_in(error_of([&] { read_by(trained, "a,b,c,kind\n1,2,u,z\n"); }),
            {"t.csv:2:4", "\"z\"", "none of the model's classes", "x, y"});
  expect_in(error_of([&] { read_by(trained, "a,b,c,kind\n1,two,u,x\n"); }), {"t.csv:2:2", "\"two\"", "not a number"});
  const EncodedTable unknown = read_by(trained, "a,b,c,kind\n1,2,w,x\n1,2,u,x\n");
  EXPECT_EQ(unknown.samples, (Floats{1, 2, 0, 0, 1, 2, 1, 0}));
  Reading by = {.ignore = {"id"}};
  by.known = read_description(trained.description.json());
  EXPECT_EQ(notes_of(encoded("id,a,b,c,kind\n7,1,2,u,x\n", by)).find("id"), std::string::npos);
  expect_in(notes_of(unknown), {"1 cell of column 3 (\"c\")", "\"w\"", "all inputs of the column are 0"});
}

TEST(Columns, SayWhatLooksWrong) {
  expect_in(notes_of(encoded("a,b,y\n1,7,0\n2,7,1\n3,7,0\n")), {"column 2 (\"b\") is the same in every row"});
  expect_in(notes_of(encoded("a,b,y\n1,,0\n2,,1\n3,,0\n")), {"column 2 (\"b\") is empty and left out"});
  std::string text = "id,a,y\n";
  for (int i = 0; i < 12; ++i)
    text += std::to_string(100 + i) + "," + std::to_string(i * i % 5) + "," + std::to_string(i % 2) + "\n";
  expect_in(notes_of(encoded(text)), {"\"id\"", "counts the rows", "--ignore id"});
  EXPECT_EQ(notes_of(encoded("a,y\n1,0\n2,1\n3,0\n")), "");
  std::string counts = "a,n\n", units = "a,b,y\n";
  for (int i = 0; i < 40; ++i) {
    counts += std::to_string(i * i % 7) + "," + std::to_string(i % 12) + "\n";
    units += "$" + std::to_string(i) + ".50," + std::to_string(i * i) + " %," + std::to_string(i % 2) + "\n";
  }
  expect_in(notes_of(encoded(counts)), {"column 2 (\"n\")", "12 classes", "--targets n"});
  EXPECT_EQ(notes_of(encoded(counts, {.outputs = 12})), "");
  expect_in(complaint(units), {"t.csv:2:1", "numbers with signs around them (\"$0.50\")", "\"0 %\"", "--ignore a,b"});
}

TEST(Columns, FindTheLabelByItsName) {
  EXPECT_EQ(encoded("Label,a,b\n1,2,3\n0,5,6\n").samples, (Floats{2, 3, 5, 6}));
  EXPECT_EQ(encoded("class,a,target\nx,2,3\ny,5,6\n").description.classes, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(encoded("target,a\n2.5,2\n3.5,5\n").targets, (Floats{2.5F, 3.5F}));
  EXPECT_EQ(encoded("a,y,\n2,u,\n5,v,\n").description.classes, (std::vector<std::string>{"u", "v"}));
}

TEST(Columns, TakeLabelsAndTargetsOfTheirOwn) {
  const auto own = [](const std::string& text, const Reading& reading) {
    return encode_labels(parse_csv(text, "y.csv", reading.header), reading);
  };
  EXPECT_EQ(own("y\n250000\n180000\n300000\n", {.outputs = 1}).targets, (Floats{250000, 180000, 300000}));
  EXPECT_EQ(own("y\n0\n1\n1\n", {.outputs = 1}).labels, (Labels{0, 1, 1}));
  EXPECT_EQ(own("y\n0\n1\n1\n", {.outputs = 1, .values = true}).targets, (Floats{0, 1, 1}));
  EXPECT_EQ(own("2\n0\n1\n", {.outputs = 3}).labels, (Labels{2, 0, 1}));
  EXPECT_EQ(own("kind\nb\na\nb\n", {.outputs = 2}).labels, (Labels{1, 0, 1}));
  EXPECT_EQ(own("u,v\n1,2\n3,4\n", {.outputs = 2}).targets, (Floats{1, 2, 3, 4}));
  expect_in(error_of([&] { own("kind\nb\n?\na\n", {.outputs = 2}); }), {"y.csv:3:1", "missing"});
}

TEST(Description, SurvivesWhatItIsNot) {
  for (const char* const text : {"", "text", "[]", "{\"inputs\": 3}", "{\"scale\": \"x\"}", "{\"label\": []}"})
    EXPECT_FALSE(read_description(text).has_value()) << text;
  EXPECT_TRUE(read_description("{\"other\": 1}").has_value());
  Description d;
  d.scale = 0.25F, d.scale_of = ScaleOf::bytes, d.missing = Missing::drop, d.loss = "squared_error";
  d.reconstructs = true;
  const std::optional<Description> back = read_description(d.json());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->json(), d.json());
  EXPECT_EQ(back->scale_of, ScaleOf::bytes);
}

}  // namespace
}  // namespace mote::tool
