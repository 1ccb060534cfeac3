// All of Gradus that users write: include this one header.
#pragma once

#include "gradus/base/error.hpp"
#include "gradus/base/threads.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/graph/print.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/sort.hpp"
