// The ops of control.hpp, and checks that they share.
#pragma once

#include "gradus/transform/graph_op.hpp"

namespace gradus::core {

extern const OpDef scan_op, cond_op, while_loop_op;

/// Throws if a carry is an empty Array.
void check_given(std::string_view name, const std::vector<Array>& init);
/// Casts numbers among the carries to the dtype that the function returns for them; whether there were any.
bool is_changed_number(std::string_view name, std::vector<Array>& init, const std::vector<Array>& carries);
/// The carries, numbers among them cast; throws unless they came back with the dtypes and shapes that they had.
std::vector<Array> checked_carries(std::string_view name, const std::vector<Array>& init, std::vector<Array> carries);

}  // namespace gradus::core
