// All explanations.
#pragma once

#include "gradus/explain/attention.hpp"
#include "gradus/explain/counterfactual.hpp"
#include "gradus/explain/dependence.hpp"
#include "gradus/explain/features.hpp"
#include "gradus/explain/gradients.hpp"
#include "gradus/explain/integrated_gradients.hpp"
#include "gradus/explain/layers.hpp"
#include "gradus/explain/maximise.hpp"
#include "gradus/explain/nearest.hpp"
#include "gradus/explain/occlusion.hpp"
#include "gradus/explain/permutation_importance.hpp"
#include "gradus/explain/picture.hpp"
#include "gradus/explain/relevance.hpp"
#include "gradus/explain/shapley.hpp"
#include "gradus/explain/table_counterfactual.hpp"
#include "gradus/explain/target.hpp"
