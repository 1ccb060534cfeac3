#!/usr/bin/env bash
# extract.sh OUT FILE...: the examples of headers (lines `///   code`, after three spaces) and of pages (```cpp blocks) as functions of one program.
# A line that ends as no statement does holds expressions, three spaces apart; a comment behind one that begins with a bracket, a digit or a quote is
# what it gives; one that begins with a point is options of fit. Blocks with a main of their own, and those of "```cpp compile", are only compiled.
set -euo pipefail
out=$1
shift
awk '
  function flush_block(   i, name, line, count, parts, part, code, comment, whole, depth, is_program) {
    if (lines == 0) return
    is_program = 0
    for (i = 1; i <= lines; i++) if (block[i] ~ /int main\(/) is_program = 1
    number++
    name = "example_" number
    if (is_program) {
      print "#define main " name
      for (i = 1; i <= lines; i++) print block[i]
      print "#undef main"
    } else {
      print "static void " name "() {"
      print "  const Here here(\"" place "\");"
      for (i = 1; i <= lines; i++) {
        line = block[i]
        sub(/ +$/, "", line)
        gsub(/ \.\.\.$/, " {}", line)
        comment = ""
        code = line
        if (match(code, / *\/\/ .*$/)) { comment = substr(code, RSTART); code = substr(code, 1, RSTART - 1); sub(/^ *\/\/ */, "", comment) }
        depth += gsub(/[({]/, "&", code) - gsub(/[)}]/, "&", code)
        whole = whole (whole == "" ? "" : "\n  ") code
        if (depth > 0) continue
        code = whole
        whole = ""
        if (code ~ /;$/ || code ~ /^ *(\{|for |if |while )/ || code == "") {
          print "  " code
          continue
        }
        sub(/^ +/, "", code)
        count = code ~ /\n/ ? 1 : split(code, parts, /   +/)
        if (code ~ /\n/) parts[1] = code
        for (part = 1; part <= count; part++) {
          if (parts[part] ~ /^\./) print "  use(train::FitOptions{" parts[part] "});"
          else if (part == count && comment ~ /^[\[(0-9"]/) { gsub(/\\/, "\\\\", comment); gsub(/"/, "\\\"", comment); print "  gives((" parts[part] "), \"" comment "\");" }
          else print "  use(" parts[part] ");"
        }
      }
      print "}"
      if (!is_compiled_only) runs[++run_count] = name
    }
    lines = 0
    is_compiled_only = 0
  }
  FNR == 1 { flush_block(); is_in = 0; file = FILENAME; sub(/.*\/(gradus|docs)\//, "", file); is_page = FILENAME ~ /\.md$/ }
  { place = file ":" FNR }
  is_page && /^```cpp/ { is_in = 1; is_compiled_only = / compile$/; next }
  is_page && /^```/ { if (is_in) flush_block(); is_in = 0; next }
  is_page { if (is_in) block[++lines] = $0; next }
  /^ *\/\/\/   [^ ]/ || (lines > 0 && /^ *\/\/\/    /) { line = $0; sub(/^ *\/\/\/   /, "", line); block[++lines] = line; next }
  { flush_block() }
  END {
    flush_block()
    print "int main() {"
    for (i = 1; i <= run_count; i++) print "  " runs[i] "();"
    print "  return finish(" run_count ");"
    print "}"
  }' "$@" > "$out.body"
{ echo '#include "prelude.hpp"'; cat "$out.body"; } > "$out.new"
rm "$out.body"
if cmp -s "$out.new" "$out"; then rm "$out.new"; else mv "$out.new" "$out"; fi
