// MatrixFactorisation, TwoTower, NeuMF.
#include "gradus/models/recommenders.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/models/checks.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr FieldNote kUsers{"users", "how many users there are", range::positive},
    kItems{"items", "how many items there are", range::positive},
    kWidth{"width", "numbers that stand for a user, and for an item", range::positive},
    kHidden{"hidden", "units of the layers", range::positive, false, "a list of integers of at least 1"},
    kDropout{"dropout", "share of the hidden numbers that become zero in training", range::share};
constexpr double kDeviation = 0.1;

// A row for each id, drawn at random, and the last one, which is nobody's, of zeros.
const Array& table_of(const Parameter& table, int64_t count, int64_t width, double deviation) {
  return nn::detail::weight(table, {count + 1, width}, [&](const Shape& shape) {
    const Array known =
        deviation > 0 ? nn::init::random_normal(deviation)({count, width}) : zeros({count, width}, nn::ParameterDType::current());
    return concatenate({known, zeros({1, shape[1]}, nn::ParameterDType::current())}, 0);
  });
}

struct Ids {
  Array users, items;
};
Ids ids_of(std::string_view op, const Array& pairs, int64_t users, int64_t items) {
  if (pairs.rank() != 2 || pairs.shape(1) != 2)
    fail(op, "pairs are ", pairs.shape(), "; they must be (N, 2), a user and an item in each row");
  return {detail::known_ids(pairs[{slice(), 0}], 0, users - 1, users), detail::known_ids(pairs[{slice(), 1}], 0, items - 1, items)};
}
Array known_users(std::string_view op, const Array& users, int64_t count) {
  if (users.rank() != 1) fail(op, "users are ", users.shape(), " of rank ", users.rank(), "; they must be (B,)");
  return detail::known_ids(users, 0, count - 1, count);
}
// All but the last row, which is nobody's.
Array known_rows(const Array& table) { return table[slice(0, table.shape(0) - 1)]; }

void set_layers(std::vector<nn::Dense>& layers, const std::vector<int64_t>& units) {
  if (layers.size() != units.size()) {
    layers.clear();
    for (const int64_t count : units) layers.emplace_back(count);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    layers[i].units = units[i];
    layers[i].check();
  }
}

}  // namespace

// ---- matrix factorisation

std::span<const FieldNote> MatrixFactorisationOptions::field_notes() {
  static constexpr FieldNote notes[] = {kUsers,
                                        kItems,
                                        kWidth,
                                        {"use_bias", "whether users and items have a number by themselves"},
                                        {"mean", "added to all: of ratings their mean"},
                                        {"deviation", "of the numbers at the start", range::not_negative}};
  return notes;
}
MatrixFactorisation::MatrixFactorisation(MatrixFactorisationOptions options) : options(options) { check(); }
void MatrixFactorisation::check() {
  check_fields("MatrixFactorisation", fields_of(*this), this);
  for (const Parameter* bias : {&user_bias, &item_bias}) bias->set_used(options.use_bias);
}
std::string MatrixFactorisation::describe() const { return concat(options.users, " users, ", options.items, " items, ", options.width); }

MatrixFactorisation::Tables MatrixFactorisation::tables() const {
  Tables out{table_of(user_vectors, options.users, options.width, options.deviation),
             table_of(item_vectors, options.items, options.width, options.deviation), Array(), Array()};
  if (options.use_bias) {
    out.user_bias = table_of(user_bias, options.users, 1, 0);
    out.item_bias = table_of(item_bias, options.items, 1, 0);
  }
  return out;
}
Array MatrixFactorisation::forward(const Array& pairs) const {
  const Ids ids = ids_of("matrix_factorisation", pairs, options.users, options.items);
  const Tables t = tables();
  Array out = sum(embedding(t.users, ids.users) * embedding(t.items, ids.items), 1, keepdims) + options.mean;
  if (options.use_bias) out = out + embedding(t.user_bias, ids.users) + embedding(t.item_bias, ids.items);
  return out;
}
Array MatrixFactorisation::scores(const Array& users) const {
  const Array ids = known_users("scores", users, options.users);
  const Tables t = tables();
  Array out = matmul(embedding(t.users, ids), transpose(known_rows(t.items))) + options.mean;
  if (options.use_bias) out = out + embedding(t.user_bias, ids) + transpose(known_rows(t.item_bias));
  return out;
}

// ---- two towers

std::span<const FieldNote> TwoTowerOptions::field_notes() {
  static constexpr FieldNote notes[] = {kUsers, kItems, kWidth, kHidden, kDropout};
  return notes;
}
TwoTower::TwoTower(TwoTowerOptions options) : options(std::move(options)), dropout(0) { check(); }
void TwoTower::check() {
  check_fields("TwoTower", fields_of(*this), this);
  if (options.hidden.empty()) fail("TwoTower", "hidden is empty; each tower must have a layer at least");
  set_layers(user_layers, options.hidden);
  set_layers(item_layers, options.hidden);
  dropout.rate = options.dropout;
}
std::string TwoTower::describe() const { return concat(options.users, " users, ", options.items, " items, ", options.hidden.back()); }

namespace {
Array climb(Array h, const std::vector<nn::Dense>& layers, const nn::Dropout& dropout) {
  for (size_t i = 0; i < layers.size(); ++i) {
    h = layers[i](h);
    if (i + 1 < layers.size()) h = dropout(relu(h));
  }
  return h;
}
}  // namespace

Array TwoTower::user_vectors(const Array& users) const {
  const Array& table = table_of(user_table, options.users, options.width, kDeviation);
  return climb(embedding(table, known_users("user_vectors", users, options.users)), user_layers, dropout);
}
Array TwoTower::item_vectors(const Array& items) const {
  const Array& table = table_of(item_table, options.items, options.width, kDeviation);
  return climb(embedding(table, known_users("item_vectors", items, options.items)), item_layers, dropout);
}
Array TwoTower::forward(const Array& pairs) const {
  const Ids ids = ids_of("two_tower", pairs, options.users, options.items);
  const Array products = user_vectors(ids.users) * item_vectors(ids.items);
  return sum(products, 1, keepdims) + embedding(table_of(item_bias, options.items, 1, 0), ids.items);
}
Array TwoTower::scores(const Array& users) const {
  const Array all = item_vectors(arange(options.items));
  return matmul(user_vectors(users), transpose(all)) + transpose(known_rows(table_of(item_bias, options.items, 1, 0)));
}

// ---- NeuMF

std::span<const FieldNote> NeuMFOptions::field_notes() {
  static constexpr FieldNote notes[] = {kUsers,
                                        kItems,
                                        {"width", "numbers of a user and of an item that are multiplied", range::positive},
                                        {"deep_width", "and of those that go through the layers", range::positive},
                                        kHidden,
                                        kDropout};
  return notes;
}
NeuMF::NeuMF(NeuMFOptions options) : options(std::move(options)), dropout(0), head(1) { check(); }
void NeuMF::check() {
  check_fields("NeuMF", fields_of(*this), this);
  set_layers(layers, options.hidden);
  dropout.rate = options.dropout;
}
std::string NeuMF::describe() const { return concat(options.users, " users, ", options.items, " items, ", options.width); }

Array NeuMF::forward(const Array& pairs) const {
  const Ids ids = ids_of("neu_mf", pairs, options.users, options.items);
  const auto row = [](const Parameter& table, int64_t count, int64_t width, const Array& at) {
    return embedding(table_of(table, count, width, kDeviation), at);
  };
  const Array product =
      row(user_factors, options.users, options.width, ids.users) * row(item_factors, options.items, options.width, ids.items);
  Array h = concatenate(
      {row(user_table, options.users, options.deep_width, ids.users), row(item_table, options.items, options.deep_width, ids.items)}, 1);
  for (const nn::Dense& layer : layers) h = dropout(relu(layer(h)));
  return head(concatenate({product, h}, 1));
}
Array NeuMF::scores(const Array& users) const {
  const Array ids = known_users("scores", users, options.users);
  const int64_t count = ids.shape(0);
  const Array pairs = stack({repeat(ids, options.items), tile(arange(options.items), count)}, 1);
  return reshape((*this)(pairs), {count, options.items});
}

}  // namespace gradus::models
