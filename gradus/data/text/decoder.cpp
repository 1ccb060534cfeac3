// One function a kind.
#include "gradus/data/text/decoder.hpp"

#include "gradus/data/text/byte_level.hpp"
#include "gradus/data/text/spec_internal.hpp"

namespace gradus::data {

namespace {

struct Kind {
  std::string_view name;
  Decoder (*read)(const Spec& spec);
};

// Of replacements in a row each may make the tokens longer.
void check_bytes(size_t bytes, size_t most) {
  if (bytes > most)
    core::fail("decode", "the tokenizer's decoder makes too many bytes of the tokens: more than 16 MiB and 64 times their size");
}

void replace_all(std::string& text, std::string_view from, std::string_view to, size_t most = SIZE_MAX) {
  size_t at = 0, found = text.find(from);
  if (found == std::string::npos) return;
  std::string out;
  for (; found != std::string::npos; found = text.find(from, at)) {
    check_bytes(out.size() + (found - at) + to.size(), most);
    out.append(text, at, found - at).append(to);
    at = found + from.size();
  }
  text = std::move(out.append(text, at));
}

void fuse(std::vector<std::string>& tokens, size_t) {
  std::string all;
  for (const std::string& token : tokens) all += token;
  tokens = {std::move(all)};
}

// A token with a character that stands for no byte, an added one, is its own text.
void append_bytes(const std::string& token, std::string& out) {
  const size_t before = out.size();
  for (size_t at = 0; at < token.size();) {
    const int byte = byte_of_character(next_code_point(token, at));
    if (byte < 0) {
      out.resize(before);
      out += token;
      return;
    }
    out += static_cast<char>(byte);
  }
}

void decode_bytes(std::vector<std::string>& tokens, size_t) {
  std::string bytes;
  for (const std::string& token : tokens) append_bytes(token, bytes);
  tokens = {replace_invalid_utf8(bytes)};
}

// English as it is written: no space before what belongs to the word before.
void clean_up(std::string& text) {
  constexpr std::pair<std::string_view, std::string_view> kForms[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                                                      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                                                      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kForms) replace_all(text, from, to);
}

Decoder read_word_piece(const Spec& spec) {
  return [prefix = spec["prefix"].text_or("##"), cleans = spec["cleanup"].flag_or(true)](std::vector<std::string>& tokens, size_t) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) tokens[i] = tokens[i].starts_with(prefix) ? tokens[i].substr(prefix.size()) : " " + tokens[i];
      if (cleans) clean_up(tokens[i]);
    }
  };
}

Decoder read_metaspace(const Spec& spec) {
  std::string mark;
  append_code_point(mark, spec["replacement"].exists() ? spec["replacement"].character() : U'\u2581');
  const bool drops_first = spec["prepend_scheme"].text_or(spec["add_prefix_space"].flag_or(true) ? "always" : "never") != "never";
  return [=](std::vector<std::string>& tokens, size_t) {
    for (size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], mark, i == 0 && drops_first ? "" : " ");
  };
}

Decoder read_byte_pair(const Spec& spec) {
  return [suffix = spec["suffix"].text_or("</w>")](std::vector<std::string>& tokens, size_t) {
    if (suffix.empty()) return;
    for (size_t i = 0; i < tokens.size(); ++i) replace_all(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
  };
}

// The byte of <0xAB>; -1 for other tokens.
int byte_of_token(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  for (const char c : {token[3], token[4]}) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// Bytes that follow one another and are no UTF-8 become U+FFFD each.
void fall_back_to_bytes(std::vector<std::string>& tokens, size_t) {
  std::vector<std::string> out;
  std::string bytes;
  const auto close = [&] {
    if (bytes.empty()) return;
    if (invalid_utf8(bytes) < 0) out.push_back(bytes);
    else out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const int byte = byte_of_token(token); byte >= 0) {
      bytes += static_cast<char>(byte);
    } else {
      close();
      out.push_back(std::move(token));
    }
  }
  close();
  tokens = std::move(out);
}

Decoder read_strip(const Spec& spec) {
  std::string mark;
  append_code_point(mark, spec["content"].character());
  const int64_t most = int64_t{1} << 30, at_start = spec["start"].integer(0, most), at_stop = spec["stop"].integer(0, most);
  return [=](std::vector<std::string>& tokens, size_t) {
    for (std::string& token : tokens) {
      std::string_view text = token;
      for (int64_t i = 0; i < at_start && text.starts_with(mark); ++i) text.remove_prefix(mark.size());
      for (int64_t i = 0; i < at_stop && text.ends_with(mark); ++i) text.remove_suffix(mark.size());
      token = std::string(text);
    }
  };
}

Decoder read_replace(const Spec& spec) {
  const Spec pattern = spec["pattern"];
  if (pattern["Regex"].exists())
    pattern.fail("the regular expression \"", pattern["Regex"].text(), "\" is not known; only {\"String\": ...} is replaced");
  const std::string from = pattern["String"].text(), to = spec["content"].text();
  if (from.empty()) pattern["String"].fail("the text is empty; there must be something to replace");
  return [=](std::vector<std::string>& tokens, size_t most) {
    size_t bytes = 0;
    for (std::string& token : tokens) {
      replace_all(token, from, to, most - bytes);
      bytes += token.size();
      check_bytes(bytes, most);
    }
  };
}

Decoder read_sequence(const Spec& spec) {
  std::vector<Decoder> steps;
  for (const Spec& each : spec["decoders"].elements()) steps.push_back(read_decoder(each));
  return [steps](std::vector<std::string>& tokens, size_t most) {
    for (const Decoder& step : steps) step(tokens, most);
  };
}

constexpr Kind kKinds[] = {
    {"ByteLevel", [](const Spec&) { return Decoder(decode_bytes); }},
    {"WordPiece", read_word_piece},
    {"Metaspace", read_metaspace},
    {"BPEDecoder", read_byte_pair},
    {"ByteFallback", [](const Spec&) { return Decoder(fall_back_to_bytes); }},
    {"Fuse", [](const Spec&) { return Decoder(fuse); }},
    {"Strip", read_strip},
    {"Replace", read_replace},
    {"Sequence", read_sequence},
};

}  // namespace

Decoder read_decoder(const Spec& spec) { return kind_of(spec, kKinds, "decoder").read(spec); }

}  // namespace gradus::data
