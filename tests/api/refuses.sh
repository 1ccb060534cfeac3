#!/bin/bash
# refuses.sh COMPILER FILE SOURCE_DIR FOLDER of headers.sh: the file must not compile, and the compiler must print the words after `// expects: ` in its first
# line (several alternatives between bars: `// expects: deleted|no match`). Without the lines marked `// refused` it must compile (rest.sh): so the
# snippet is refused for what it shows and for nothing else. With a line `// at most: 12 lines` the compiler must print one error, in no more
# lines than that: the words and little around them.
compiler=$1 file=$2 source=$3
flags=(-std=c++20 -Wall -Wextra -fsyntax-only -include "$4/all.hpp" -I "$source")
words=$(head -1 "$file" | sed -n 's|^// expects: ||p')
[ -n "$words" ] || { echo "$file: the first line must be '// expects: words'"; exit 1; }
grep -q '// refused$' "$file" || { echo "$file: no line is marked '// refused'"; exit 1; }
if printed=$("$compiler" "${flags[@]}" $(sed -n 's|^// flags: ||p' "$file") "$file" 2>&1); then echo "$file: compiles"; exit 1; fi
if ! grep -Eq -- "$words" <<< "$printed"; then
  echo "$file: '$words' is not in what the compiler printed:"; echo "$printed"; exit 1
fi
most=$(sed -n 's|^// at most: \([0-9]*\) lines$|\1|p' "$file")
[ -n "$most" ] || exit 0
lines=$(wc -l <<< "$printed") errors=$(grep -c 'error: ' <<< "$printed")
if [ "$lines" -gt "$most" ] || [ "$errors" -ne 1 ]; then
  echo "$file: $errors errors in $lines lines; expected one in at most $most lines:"; echo "$printed"; exit 1
fi
