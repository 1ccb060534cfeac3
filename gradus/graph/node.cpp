// Life of nodes: recording, counting, freeing without recursion.
#include "gradus/graph/node.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/history.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/path.hpp"
#include "gradus/graph/trace.hpp"

namespace gradus::core {

namespace {
std::atomic<uint64_t> next_serial{1};
std::atomic<uint64_t> next_walk{1};
}  // namespace

uint64_t new_walk() { return next_walk.fetch_add(1, std::memory_order_relaxed); }

Node* Node::make(const OpDef& op, Args args, std::span<const Array> inputs, std::span<const Aval> avals) {
  Node* node = new Node;
  node->op_ = &op;
  node->args_ = std::move(args);
  node->serial_ = next_serial.fetch_add(1, std::memory_order_relaxed);
  node->path_ = current_path();
  if (inputs.size() > std::size(node->few_inputs_)) node->many_inputs_ = std::make_unique<Edge[]>(inputs.size());
  Edge* edges = node->many_inputs_ ? node->many_inputs_.get() : node->few_inputs_;
  const uint32_t session = current_session();
  for (const Array& input : inputs) {
    Node* source = input.node();
    source->retain();
    edges[node->input_count_++] = {source, input.output_index()};
    if (session && source->session_ == session) node->session_ = session;
  }
  node->output_count_ = static_cast<uint32_t>(avals.size());
  node->first_.aval = avals[0];
  if (avals.size() > 1) {
    node->rest_ = std::make_unique<Output[]>(avals.size() - 1);
    for (size_t i = 1; i < avals.size(); ++i) node->rest_[i - 1].aval = avals[i];
  }
  if (&op == &identity_op || &op == &barrier_op) node->session_ = session;
  return node;
}

std::vector<Array> Node::input_arrays() const {
  std::vector<Array> arrays;
  arrays.reserve(input_count_);
  for (const Edge& edge : inputs()) arrays.emplace_back(edge.node, edge.index);
  return arrays;
}

std::vector<Array> Node::output_arrays() {
  std::vector<Array> arrays;
  arrays.reserve(output_count_);
  for (uint32_t index = 0; index < output_count_; ++index) arrays.emplace_back(this, index);
  return arrays;
}

bool Node::is_scalar() const { return op_ == &scalar_op; }
bool Node::is_placeholder() const { return op_ == &placeholder_op; }

int64_t Node::handles() const {
  int64_t count = first_.handles.load(std::memory_order_acquire);
  for (uint32_t index = 1; index < output_count_; ++index) count += rest_[index - 1].handles.load(std::memory_order_acquire);
  return count;
}

void Node::release(Node* node) {
  if (node->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::vector<Node*> dead;
  while (true) {
    forget_node(node);
    for (const Edge& edge : node->inputs()) {
      if (edge.node->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) dead.push_back(edge.node);
    }
    delete node;
    if (dead.empty()) return;
    node = dead.back();
    dead.pop_back();
  }
}

void Node::publish(uint32_t index, Value value) {
  Output& out = output(index);
  out.value = std::move(value);
  out.is_ready.store(true, std::memory_order_release);
}

void Node::detach() {
  const uint32_t count = input_count_;
  Edge few[3] = {few_inputs_[0], few_inputs_[1], few_inputs_[2]};
  const std::unique_ptr<Edge[]> many = std::move(many_inputs_);
  input_count_ = 0;
  for (uint32_t i = 0; i < count; ++i) release(many ? many[i].node : few[i].node);
}

}  // namespace gradus::core
