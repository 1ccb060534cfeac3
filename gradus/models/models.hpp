// The catalogue: networks of the field by name.
#pragma once

#include "gradus/models/bert.hpp"
#include "gradus/models/gpt.hpp"
#include "gradus/models/graph_embedding.hpp"
#include "gradus/models/graph_rules.hpp"
#include "gradus/models/link_prediction.hpp"
#include "gradus/models/linear.hpp"
#include "gradus/models/linear_choice.hpp"
#include "gradus/models/monotone.hpp"
#include "gradus/models/pretrained.hpp"
#include "gradus/models/recommendation.hpp"
#include "gradus/models/recommenders.hpp"
#include "gradus/models/recurrent.hpp"
#include "gradus/models/table_networks.hpp"
#include "gradus/models/text_cnn.hpp"
#include "gradus/models/translation.hpp"
