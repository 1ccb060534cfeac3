// By base/json.hpp, with the words of model files.
#include "gradus/io/datum_json.hpp"

#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/base/json.hpp"

namespace gradus::io {

using namespace core;

std::string json_text(const Datum& datum) { return write_json(datum); }

Datum datum_of_json(const std::string& text, const std::string& path, std::string_view name) {
  return read_json(text, [&](std::string_view problem, int64_t) {
    const bool is_other = problem == "is not valid JSON";
    fail_io(path, "its ", name, " ", problem, is_other ? "; the file is damaged or not a Gradus model" : "");
  });
}

bool number_of(const Datum& datum, double& number) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (datum.is_number()) number = datum.number();
  else if (datum == Datum("nan")) number = std::numeric_limits<double>::quiet_NaN();
  else if (datum == Datum("inf")) number = infinity;
  else if (datum == Datum("-inf")) number = -infinity;
  else return false;
  return true;
}

}  // namespace gradus::io
