#!/usr/bin/env bash
# links.sh LIST: the floors as the linker sees them. What a folder of gradus/ calls is defined in itself or below: a header whose functions are
# defined on a higher floor would hide an include that goes up. The exceptions: the evaluator, which graph/ declares and plan/ defines, the loop
# over steps, which ops/ declares and transform/ defines, and the list of the catalogue, which nn/ declares and models/ defines. LIST: the object
# files of the library, one a line.
set -euo pipefail
list=$1
floors="cli explain models train metrics preprocess io data optim nn math transform plan ops graph cpu backend array base"  # from the top
seam='^gradus::((core::)?(evaluate|run_subgraph|value_of|row_major_data|copy_elements|forget_history)|rule::loop_over_steps|nn::catalogue_kinds)\('

while IFS= read -r object; do
  folder=${object##*/gradus/}
  folder=${folder%%/*}
  nm --demangle "$object" | sed -nE "s/^[0-9a-f ]{16} ([TDBRU]) (gradus::.*)/\1\t$folder\t\2/p"
done < "$list" |
  awk -F '\t' -v floors="$floors" -v seam="$seam" '
    BEGIN { count = split(floors, names, " "); for (i = 1; i <= count; i++) floor_of[names[i]] = i }
    !($2 in floor_of) { print $2 " stands on no floor"; bad++ }
    $1 == "U" { used[$2 "\t" $3] = 1; next }
    { home[$3] = $2 }
    END {
      for (use in used) {
        split(use, part, "\t")
        if (!(part[2] in home)) continue
        seen++
        if (floor_of[home[part[2]]] < floor_of[part[1]] && part[2] !~ seam) { print part[1] "/ calls " part[2] ", which " home[part[2]] "/ defines"; bad++ }
      }
      print seen + 0 " calls between folders or files, " bad + 0 " of them go up"
      exit !(seen > 500 && bad == 0)
    }'
