// SPDX-License-Identifier: Apache-2.0
// Data sets: recognising files, scaling, and every check between samples, labels and a model. Host only.
#include "tool/data/data_set.hpp"

#include <map>

#include "temporary.hpp"
#include "tool/data/npy.hpp"

namespace mote::tool {
namespace {

using namespace test;

template <class T>
void save(const std::string& path, Element element, const std::vector<std::uint64_t>& dims,
          const std::vector<T>& values) {
  write_npy(path, element, dims, std::as_bytes(std::span(values)));
}
std::vector<float> sample(const DataSet& data, std::size_t index) {
  std::vector<float> out(data.features());
  data.copy_sample(index, out);
  return out;
}

TEST(DataSet, ScalesBytesAndNothingElse) {
  const TemporaryFolder folder;
  save<std::uint8_t>(folder / "u.npy", Element::u8, {2, 2}, {0, 51, 255, 102});
  save<float>(folder / "f.npy", Element::f32, {2, 2}, {0, 51, 255, 102});
  const DataSet bytes = DataSet::samples_from(folder / "u.npy", {});
  EXPECT_EQ(sample(bytes, 0), (std::vector<float>{0.0F, 51.0F * (1.0F / 255.0F)}));
  EXPECT_NEAR(sample(bytes, 1)[0], 1.0F, 1e-6);
  EXPECT_EQ(sample(DataSet::samples_from(folder / "f.npy", {}), 1), (std::vector<float>{255, 102}));
  EXPECT_EQ(sample(DataSet::samples_from(folder / "f.npy", {.scale = 0.5F}), 1), (std::vector<float>{127.5F, 51}));
  EXPECT_EQ(sample(DataSet::samples_from(folder / "u.npy", {.scale = 1.0F}), 1), (std::vector<float>{255, 102}));
}

TEST(DataSet, IntegersAreLabelsAndFloatsAreTargets) {
  const TemporaryFolder folder;
  save<float>(folder / "x.npy", Element::f32, {3, 1}, {1, 2, 3});
  save<std::int64_t>(folder / "labels.npy", Element::s64, {3}, {2, 0, 1});
  save<float>(folder / "targets.npy", Element::f32, {3, 2}, {1, 2, 3, 4, 5, 6});
  write(folder / "labels.csv", "2\n0\n1\n");
  for (const char* name : {"labels.npy", "labels.csv"}) {
    DataSet data = DataSet::samples_from(folder / "x.npy", {});
    data.add_targets_from(folder / name);
    ASSERT_TRUE(data.has_labels()) << name;
    EXPECT_EQ(data.label(0), 2);
  }
  DataSet data = DataSet::samples_from(folder / "x.npy", {});
  data.add_targets_from(folder / "targets.npy");
  EXPECT_FALSE(data.has_labels());
  ASSERT_EQ(data.target_width(), 2U);
  std::vector<float> target(data.target_width());
  data.copy_target(2, target);
  EXPECT_EQ(target[1], 6.0F);
  save<std::int64_t>(folder / "prices.npy", Element::s64, {3}, {250000, 180000, 310000});
  DataSet prices = DataSet::samples_from(folder / "x.npy", {});
  prices.add_targets_from(folder / "prices.npy");
  ASSERT_TRUE(prices.has_targets());
  prices.copy_target(2, std::span(target).first(1));
  EXPECT_EQ(target[0], 310000.0F);
  DataSet digits = DataSet::samples_from(folder / "x.npy", {});
  digits.add_targets_from(folder / "prices.npy", {.outputs = 10});  // out of range, which a model's error says
  EXPECT_TRUE(digits.has_labels());
}

TEST(DataSet, TellsTablesFromOtherFiles) {
  const TemporaryFolder folder;
  const std::string rows = ",age,y\n22.1,33,a\n25.2,44,b\n";
  for (const char* const name : {"BMI", "MZ", "PAR1", "FEA1", "Rar!", "PKW", "[kg]", "MOTEL", "{x}"}) {
    write(folder / "t.csv", name + rows);
    EXPECT_TRUE(holds_table(folder / "t.csv")) << name;
    EXPECT_EQ(DataSet::table_from(folder / "t.csv").feature_names()[0], name);
  }
  for (const auto& [bytes, what] :
       std::map<std::string, const char*>{{std::string("BM\x36\x10\0\0\0\0\0\0", 10), "BMP"},
                                          {std::string("PAR1\x15\x04\x15", 7), "Parquet"},
                                          {"[1, 2]", "JSON"},
                                          {"{ \"a\": 1}", "JSON"},
                                          {"BZh91AY&SYabc", "bzip2"}}) {
    write(folder / "t.csv", bytes);
    expect_in(error_of([&] { static_cast<void>(holds_table(folder / "t.csv")); }), {what});
    expect_in(error_of([&] { DataSet::table_from(folder / "t.csv"); }), {what});
  }
  std::string wide;  // with and without a mark, wherever samples are read
  for (const char c : std::string("age,y\n22,1\n25,0\n")) wide += '\0', wide += c;
  std::string little(wide.begin() + 1, wide.end());
  little += '\0';
  for (const std::string& bytes : {wide, little, "\xFE\xFF" + wide, "\xFF\xFE" + little}) {
    write(folder / "t.csv", bytes);
    EXPECT_EQ(sample(DataSet::samples_from(folder / "t.csv"), 1), (std::vector<float>{25, 0}));
  }
}

TEST(DataSet, TakesLabelColumns) {
  const TemporaryFolder folder;
  write(folder / "t.csv", "a,label,b\n1,2,3\n4,0,6\n");
  const DataSet by_name = DataSet::table_from(folder / "t.csv", {.outputs = 3});
  EXPECT_EQ(sample(by_name, 1), (std::vector<float>{4, 6}));
  EXPECT_EQ(by_name.label(0), 2);
  const DataSet last = DataSet::table_from(folder / "t.csv", {.label = "last", .outputs = 7});
  EXPECT_EQ(last.label(1), 6);
  const DataSet targets = DataSet::table_from(folder / "t.csv", {.targets = {"b", "a"}});
  EXPECT_EQ(targets.target_width(), 2U);
  std::vector<float> target(targets.target_width());
  targets.copy_target(0, target);
  EXPECT_EQ(target[0], 3.0F);
  EXPECT_EQ(sample(targets, 1), std::vector<float>{0});
  write(folder / "half.csv", "a,label\n1,0\n2,0.5\n");
  expect_in(error_of([&] { DataSet::table_from(folder / "half.csv"); }), {"half.csv:3:2", "0.5", "not a class number"});
}

TEST(DataSet, ChecksAgainstTheModel) {
  const TemporaryFolder folder;
  save<float>(folder / "x.npy", Element::f32, {2, 3, 4}, std::vector<float>(24, 1.0F));
  const DataSet data = DataSet::samples_from(folder / "x.npy", {});
  data.require_shape({3, 4, 1});
  data.require_shape({1, 3, 4});
  data.require_shape({1, 1, 12});
  expect_in(error_of([&] { data.require_shape({4, 3, 1}); }), {"x.npy", "4x3x1", "3x4"});
  expect_in(error_of([&] { data.require_shape({1, 1, 13}); }), {"13", "3x4"});

  DataSet labelled = DataSet::samples_from(folder / "x.npy", {});
  save<std::int32_t>(folder / "y.npy", Element::s32, {2}, {0, 7});
  labelled.add_targets_from(folder / "y.npy");
  labelled.require_labels(8, false);
  expect_in(error_of([&] { labelled.require_labels(7, false); }), {"y.npy", "label 7 of sample 1", "0 to 6"});
  expect_in(error_of([&] { labelled.require_labels(1, true); }), {"0 and 1"});
  save<std::int32_t>(folder / "s.npy", Element::s32, {2}, {-1, 1});
  DataSet with_sign = DataSet::samples_from(folder / "x.npy", {});
  with_sign.add_targets_from(folder / "s.npy");
  with_sign.require_labels(1, true);
  EXPECT_TRUE(with_sign.signed_labels());
  expect_in(error_of([&] { with_sign.require_labels(3, false); }), {"label -1"});
}

TEST(DataSet, RefusesWhatCannotBeSamples) {
  const TemporaryFolder folder;
  save<float>(folder / "nan.npy", Element::f32, {2, 2}, {1, 2, std::numeric_limits<float>::quiet_NaN(), 4});
  expect_in(error_of([&] { DataSet::samples_from(folder / "nan.npy", {}); }),
            {"nan.npy", "byte 136", "sample 1", "not a finite"});
  save<float>(folder / "none.npy", Element::f32, {0, 2}, {});
  expect_in(error_of([&] { DataSet::samples_from(folder / "none.npy", {}); }), {"0x2", "no samples"});
  save<float>(folder / "x.npy", Element::f32, {3, 1}, {1, 2, 3});
  save<std::int32_t>(folder / "y.npy", Element::s32, {2}, {0, 1});
  DataSet data = DataSet::samples_from(folder / "x.npy", {});
  expect_in(error_of([&] { data.add_targets_from(folder / "y.npy"); }),
            {"y.npy", "2 labels for the 3 samples", "x.npy"});
  write(folder / "a.npz", std::string("PK\x03\x04", 4));
  expect_in(error_of([&] { DataSet::samples_from(folder / "a.npz", {}); }), {".npz"});
  write(folder / "b.bin", std::string("\x01\x02\x03\x04", 4));
  expect_in(error_of([&] { DataSet::samples_from(folder / "b.bin", {}); }), {"neither IDX nor .npy"});
  write(folder / "empty", "");
  expect_in(error_of([&] { DataSet::samples_from(folder / "empty", {}); }), {"empty"});
}

TEST(DataSet, SaysWhereToGetImages) {
  const TemporaryFolder folder;
  expect_in(error_of([&] { find_mnist(folder / "nowhere", true, true); }),
            {"no such folder", "dataset-fashion-mnist", "train-images-idx3-ubyte"});
  write(folder / "train-images-idx3-ubyte", "x");
  expect_in(error_of([&] { find_mnist(folder.path(), true, false); }), {"no train-labels-idx1-ubyte"});
  write(folder / "train-labels.idx1-ubyte.gz", "x");
  const MnistFiles files = find_mnist(folder.path(), true, false);
  EXPECT_EQ(files.train_labels, folder / "train-labels.idx1-ubyte.gz");
  EXPECT_TRUE(files.test_samples.empty());
}

}  // namespace
}  // namespace mote::tool
