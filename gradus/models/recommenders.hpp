// Networks that say how much a user will like an item: matrix factorisation, two towers, NeuMF.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gradus/graph/parameter.hpp"
#include "gradus/nn/dense.hpp"

namespace gradus::models {

// Each takes pairs (N, 2), a user and an item in each row, and gives (N, 1): a rating, or the logit of a click. Users count from 0 to
// users - 1, items likewise; any other number (also a fraction, or NaN) is a user or an item that nobody knows, which has a vector of its
// own, of zeros at first. scores(users) are those of users (B,) with all items: (B, items).

/// Options of MatrixFactorisation.
struct MatrixFactorisationOptions {
  int64_t users = 1, items = 1;
  int64_t width = 32;      ///< numbers that stand for a user, and for an item
  bool use_bias = true;    ///< how generous a user is, and how good an item, by themselves
  double mean = 0.0;       ///< added to all: of ratings their mean
  double deviation = 0.1;  ///< of the numbers at the start
  GRADUS_OPTIONS(users, items, width, use_bias, mean, deviation)
};
/// mean + user_bias + item_bias + user_vector . item_vector (Koren, Bell, Volinsky 2009). Nobody's user gets mean + item_bias, what is
/// liked in general. fit_als fits it in closed form.
///
///   models::MatrixFactorisation model({.users = 10, .items = 20, .width = 4});
///   model(array({{0, 5}, {9, 19}}));   // (2, 1)
class MatrixFactorisation {
 public:
  explicit MatrixFactorisation(MatrixFactorisationOptions options = {});

  Array forward(const Array& pairs) const;
  Array scores(const Array& users) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  MatrixFactorisationOptions options;
  Parameter user_vectors{}, item_vectors{};  ///< (users + 1, width), (items + 1, width): the last rows are nobody's
  Parameter user_bias{}, item_bias{};        ///< (users + 1, 1), (items + 1, 1)
  GRADUS_PARTS(options, user_vectors, item_vectors, user_bias, item_bias)

 private:
  struct Tables {
    Array users, items, user_bias, item_bias;
  };
  Tables tables() const;
};

/// Options of TwoTower.
struct TwoTowerOptions {
  int64_t users = 1, items = 1;
  int64_t width = 32;                   ///< numbers of a user and of an item before the towers
  std::vector<int64_t> hidden{64, 32};  ///< units of the layers of each tower; the last ones are what is multiplied
  double dropout = 0.0;
  GRADUS_OPTIONS(users, items, width, hidden, dropout)
};
/// tower(user) . tower(item) + bias of the item: dense layers with relu between them for each side (Covington et al. 2016). What a tower
/// gives of an item does not depend on the user, so that items can be kept and searched.
class TwoTower {
 public:
  explicit TwoTower(TwoTowerOptions options = {});

  Array forward(const Array& pairs) const;
  Array scores(const Array& users) const;
  /// What the towers give: (B, hidden.back()).
  Array user_vectors(const Array& users) const;
  Array item_vectors(const Array& items) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  TwoTowerOptions options;
  Parameter user_table{}, item_table{}, item_bias{};
  std::vector<nn::Dense> user_layers{}, item_layers{};
  nn::Dropout dropout;
  GRADUS_PARTS(options, user_table, item_table, item_bias, user_layers, item_layers, dropout)
};

/// Options of NeuMF.
struct NeuMFOptions {
  int64_t users = 1, items = 1;
  int64_t width = 16;                       ///< numbers of a user and of an item that are multiplied
  int64_t deep_width = 32;                  ///< and of those that go through the layers
  std::vector<int64_t> hidden{64, 32, 16};  ///< units of the layers
  double dropout = 0.0;
  GRADUS_OPTIONS(users, items, width, deep_width, hidden, dropout)
};
/// A sum of the products of two vectors and of what dense layers make of two others (He et al. 2017, "Neural Collaborative Filtering").
class NeuMF {
 public:
  explicit NeuMF(NeuMFOptions options = {});

  Array forward(const Array& pairs) const;
  Array scores(const Array& users) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  NeuMFOptions options;
  Parameter user_factors{}, item_factors{}, user_table{}, item_table{};
  std::vector<nn::Dense> layers{};
  nn::Dropout dropout;
  nn::Dense head;
  GRADUS_PARTS(options, user_factors, item_factors, user_table, item_table, layers, dropout, head)
};

}  // namespace gradus::models
