#!/usr/bin/env python3
"""Writes gradus/data/text/unicode_tables.cpp: what the tokenizers library takes characters for.

Files of tokenizers were made with that library, so its classes are the ones that count; it takes them from Unicode 8 (BERT's), 9
(normal forms), 16 (regular expressions) and 17 (lower case). Each code point is asked of the library itself.

    pip install tokenizers && python3 scripts/unicode_tables.py
"""
import pathlib
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(number):
    out = ""
    while True:
        number, rest = divmod(number, 36)
        out = DIGITS[rest] + out
        if number == 0:
            return out


def pieces(splitter, before, after):
    """Code points by the number of pieces that the text before + character + after is split into."""
    return {c: len(splitter.pre_tokenize_str(before + chr(c) + after)) for c in CODE_POINTS}


def classes():
    """Name -> set of code points, in the order of the bits of CharacterClass."""
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    letters, numbers = pieces(gpt2, "a", "a"), pieces(gpt2, "1", "1")
    words = pieces(pre_tokenizers.Whitespace(), "a", "b")
    punctuation = pieces(pre_tokenizers.Punctuation(), "a", "b")
    digits = pieces(pre_tokenizers.Digits(individual_digits=True), "a", "b")

    def removed(**options):
        bert = normalizers.BertNormalizer(**{**dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False), **options})
        return {c for c in CODE_POINTS if bert.normalize_str("a" + chr(c) + "b") == "ab"}

    strip = normalizers.StripAccents()
    return {
        "letter": {c for c in CODE_POINTS if letters[c] == 1},
        "number": {c for c in CODE_POINTS if numbers[c] == 1},
        "word": {c for c in CODE_POINTS if words[c] == 1},
        "punctuation": {c for c in CODE_POINTS if punctuation[c] == 3},
        "control": removed(clean_text=True),
        "nonspacing": removed(strip_accents=True),
        "combining": {c for c in CODE_POINTS if strip.normalize_str("a" + chr(c) + "b") == "ab"},
        "digit": {c for c in CODE_POINTS if digits[c] == 3},
    }


def ranges(members):
    """Lengths of the stretches outside and inside, in turn."""
    out, at = [], 0
    members = sorted(members)
    i = 0
    while i < len(members):
        end = i
        while end + 1 < len(members) and members[end + 1] == members[end] + 1:
            end += 1
        out += [members[i] - at, members[end] - members[i] + 1]
        at = members[end] + 1
        i = end + 1
    return out


def records(mapping):
    """Runs of code points start, start + step, ... whose images have first characters that go with them: difference of the start to
    that of the record before, count, step, length of the images, the first image."""
    out, left, before = [], dict(mapping), 0
    for start in sorted(mapping):
        if start not in left:
            continue
        best = (1, 1)
        for step in (1, 2):
            count = 1
            while left.get(start + count * step) == [mapping[start][0] + count * step] + mapping[start][1:]:
                count += 1
            if count > best[0]:
                best = (count, step)
        count, step = best
        for i in range(count):
            del left[start + i * step]
        out += [start - before, count, step, len(mapping[start])] + mapping[start]
        before = start
    return out


def image(normalizer, c):
    return [ord(x) for x in normalizer.normalize_str(chr(c))]


def maps():
    nfc, nfd, nfkd, lower = normalizers.NFC(), normalizers.NFD(), normalizers.NFKD(), normalizers.Lowercase()
    plain = [c for c in CODE_POINTS if not 0xAC00 <= c <= 0xD7A3]  # Hangul is computed
    canonical = {c: image(nfd, c) for c in plain if image(nfd, c) != [c]}
    compatible = {c: image(nfkd, c) for c in plain if image(nfkd, c) != image(nfd, c)}
    lowered = {c: image(lower, c) for c in CODE_POINTS if image(lower, c) != [c]}
    # What NFC takes apart stays so, but for single characters, which no pair can become again.
    excluded = {c for c, parts in canonical.items() if len(parts) > 1 and image(nfc, c) != [c]}
    return canonical, compatible, lowered, excluded


def combining_classes():
    """The class of each mark, where the library moves it as its class asks."""
    nfd = normalizers.NFD()
    runs, before = [], 0
    known = {c: unicodedata.combining(chr(c)) for c in CODE_POINTS if unicodedata.combining(chr(c))}
    is_moved = lambda c: known[c] == 1 or nfd.normalize_str("a" + chr(c) + "\u0334") == "a\u0334" + nfd.normalize_str(chr(c))
    known = {c: k for c, k in known.items() if is_moved(c)}
    for start in sorted(known):
        if known.get(start - 1) == known[start]:
            continue
        count = 1
        while known.get(start + count) == known[start]:
            count += 1
        runs += [start - before, count, known[start]]
        before = start
    return runs


def constant(name, numbers):
    text = " ".join(base36(n) for n in numbers)
    lines, width = [], 132
    while text:
        lines.append(text[:width])
        text = text[width:]
    body = "\n".join(f'    "{line}"' for line in lines)
    return f"const char* const {name} =\n{body};\n"


def main():
    canonical, compatible, lowered, excluded = maps()
    parts = [
        "// What characters are: written by scripts/unicode_tables.py, by tokenizers " + tokenizers.__version__ + ".\n"
        "// clang-format off\n"
        '#include "gradus/data/text/unicode_tables.hpp"\n\nnamespace gradus::data::unicode_tables {\n'
    ]
    parts.append("const char* const kClasses[8] = {\n")
    for name, members in classes().items():
        value = constant("", ranges(members)).split("=\n", 1)[1].rstrip(";\n")
        parts[-1] += f"    // {name}\n{value},\n"
    parts[-1] += "};\n"
    parts.append(constant("kCanonical", records(canonical)))
    parts.append(constant("kCompatible", records(compatible)))
    parts.append(constant("kLower", records(lowered)))
    parts.append(constant("kExcluded", ranges(excluded)))
    parts.append(constant("kCombining", combining_classes()))
    parts.append("}  // namespace gradus::data::unicode_tables")
    path = pathlib.Path(__file__).parent.parent / "gradus/data/text/unicode_tables.cpp"
    path.write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
