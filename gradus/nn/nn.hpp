// All of nn: modules, layers, initialisers, losses.
#pragma once

#include "gradus/nn/activation.hpp"
#include "gradus/nn/conv.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/nn/factory.hpp"
#include "gradus/nn/initializer.hpp"
#include "gradus/nn/layer.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/nn/module.hpp"
#include "gradus/nn/norm.hpp"
#include "gradus/nn/pool.hpp"
#include "gradus/nn/recurrent.hpp"
#include "gradus/nn/rnn.hpp"
#include "gradus/nn/summary.hpp"
#include "gradus/nn/training.hpp"
