// The report of a training run: one HTML page that needs neither network nor script, light or dark as the reader's system asks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/train/chart.hpp"

namespace gradus::train {

/// A number to be read first.
struct Headline {
  std::string label{}, value{};
};

/// Rows of texts below a title.
struct ReportTable {
  std::string title{};
  std::vector<std::string> header{};  ///< may be empty
  std::vector<std::vector<std::string>> rows{};
};

/// counts[i * classes + j]: samples of class i that were predicted as class j.
struct Confusion {
  std::vector<std::string> class_names{};
  std::vector<int64_t> counts{};
};

/// Numbers as shades: values[i * columns + j] from 0 to 1, or from -1 to 1, in row i and column j. Names of rows and columns may be left
/// out.
struct HeatMap {
  std::string title{}, note{};
  int64_t rows = 0, columns = 0;
  std::vector<double> values{};
  std::vector<std::string> row_names{}, column_names{};
};

/// A number with a name, and perhaps the bounds of its interval.
struct Bar {
  std::string name{}, text{};  ///< text: the number as it is written; "": four digits of it
  double value = 0;
  double low = 0, high = 0;  ///< no interval where low is not below high
};
/// Bars one below the other from a common zero, for importance and the like.
struct BarChart {
  std::string title{}, note{};
  std::vector<Bar> bars{};
};

/// A column of a table: how its values are distributed, as a histogram or as the shares of its categories.
struct ReportColumn {
  std::string name{}, facts{};
  Histogram histogram{};  ///< left out without bins
  std::vector<Bar> bars{};
};

/// An image of a test sample with what the model says of it.
struct SampleImage {
  int64_t height = 0, width = 0, channels = 1;
  std::vector<uint8_t> pixels{};
  std::string truth{}, prediction{};
  double probability = 0;
  bool is_right = false;
};

/// A picture with what stands below it; and pictures side by side.
struct Picture {
  std::string caption{};
  int64_t height = 0, width = 0, channels = 1;
  std::vector<uint8_t> pixels{};
};
struct PictureRow {
  std::string title{}, note{};
  std::vector<Picture> pictures{};
};

/// What a report shows, part by part; parts that are empty are left out.
struct Report {
  std::string title{}, subtitle{};
  std::vector<Headline> headlines{};
  std::vector<ReportTable> scores{};  ///< tables right below the headlines
  std::vector<BarChart> bars{};
  std::vector<Chart> charts{};
  std::vector<ReportColumn> columns{};
  Confusion confusion{};               ///< left out if it has no classes
  ReportTable classes{};               ///< beside the confusion matrix; left out if it has no rows
  std::vector<SampleImage> samples{};  ///< left out if empty
  std::vector<PictureRow> pictures{};
  std::vector<HeatMap> heat_maps{};
  std::vector<ReportTable> tables{};
  std::string recipe{};  ///< text of the recipe; left out if empty
};

/// The page as text.
std::string to_html(const Report& report);

}  // namespace gradus::train
