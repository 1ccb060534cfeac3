#!/usr/bin/env python3
"""Writes tokenizer_cases.json: small tokenizers of the `tokenizers` library, and what they make of texts.

    pip install tokenizers && python3 tests/data/tokenizer_cases.py
"""
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = ["the cat sat on the mat and the dog sat on the log", "naïve café, déjà vu: it's 1,000 or 42!", "深度学习 的 数学基础", "the theory of the thing"] * 3
SPECIAL = ["<pad>", "<unk>", "<s>", "</s>"]
LLAMA = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXTS = [
    "", " ", "the cat's 12345 mats", "  The\t\tCAFÉ\n\nnaïve  ", "cafe\u0301 深度学习x", "<s>the <mask>  dog</s>", "anaïve naïve NAÏVE 3.14",
    "\u0000a\u200bb\ufeffc", "👩‍👩‍👧 ﬁ Å ǅ İ", "it'S\r\n we'LL...!!!  x ", "x" * 40, "한국어 ไทย \u0301\u0316",
]  # fmt: skip


def trained(model, trainer, normalizer=None, pre_tokenizer=None, decoder=None, added=()):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    if decoder:
        tokenizer.decoder = decoder
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens(list(added))
    return tokenizer


def options(size, **more):
    return dict(vocab_size=size, special_tokens=SPECIAL, show_progress=False, **more)


def tokenizers():
    byte_alphabet = pre_tokenizers.ByteLevel.alphabet()
    added = [AddedToken("naïve", single_word=True), AddedToken("<mask>", lstrip=True, rstrip=True, special=True), AddedToken("CAFÉ", normalized=True)]
    bert = trained(
        models.WordPiece(unk_token="<unk>", max_input_chars_per_word=20), trainers.WordPieceTrainer(**options(90)),
        normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(),
    )  # fmt: skip
    bert.post_processor = processors.BertProcessing(("</s>", 3), ("<s>", 2))
    gpt2 = trained(
        models.BPE(), trainers.BpeTrainer(**options(290, initial_alphabet=byte_alphabet)), normalizers.NFC(),
        pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel(),
    )  # fmt: skip
    gpt2.post_processor = processors.ByteLevel(trim_offsets=True)
    llama = trained(
        models.BPE(ignore_merges=True), trainers.BpeTrainer(**options(290, initial_alphabet=byte_alphabet)), None,
        pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
        decoders.ByteLevel(),
    )  # fmt: skip
    words = trained(
        models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(**options(60)), normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]),
        pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]), None, added,
    )  # fmt: skip
    words.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> $B:1 </s>:1", [("<s>", 2), ("</s>", 3)])
    fallback = trained(
        models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True),
        trainers.BpeTrainer(**{**options(300, limit_alphabet=30), "special_tokens": SPECIAL + [f"<0x{i:02X}>" for i in range(256)]}),
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
        decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
    )  # fmt: skip
    metaspace = trained(
        models.BPE(unk_token="<unk>", fuse_unk=True), trainers.BpeTrainer(**options(90)), normalizers.NFKC(), pre_tokenizers.Metaspace(prepend_scheme="first"),
        decoders.Metaspace(prepend_scheme="first"), added,
    )  # fmt: skip
    suffix = trained(
        models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), trainers.BpeTrainer(**options(90, end_of_word_suffix="</w>")),
        normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Strip()]),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous")]), decoders.BPEDecoder("</w>"),
    )  # fmt: skip
    unigram = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁", -2.0), ("▁the", -1.5), ("t", -3.0), ("h", -3.1), ("e", -3.2), ("▁c", -4.0), ("at", -3.5), ("a", -4.0), ("▁cat", -4.9), ("x", -5.0), ("xx", -9.0)], 0, False))
    unigram.normalizer, unigram.pre_tokenizer, unigram.decoder = normalizers.NFKC(), pre_tokenizers.Metaspace(), decoders.Metaspace()
    return dict(bert=bert, gpt2=gpt2, llama=llama, words=words, fallback=fallback, metaspace=metaspace, suffix=suffix, unigram=unigram)


def byte_spans(text, offsets):
    starts = [0]
    for character in text:
        starts.append(starts[-1] + len(character.encode()))
    return [[starts[begin], starts[end]] for begin, end in offsets]


def main():
    out = []
    for name, tokenizer in tokenizers().items():
        cases = []
        for text in TEXTS:
            encoding = tokenizer.encode(text)
            cases.append({"text": text, "ids": encoding.ids, "offsets": byte_spans(text, encoding.offsets), "decoded": tokenizer.decode(encoding.ids)})
        pair = tokenizer.encode("the cat", "sat on")
        out.append({"name": name, "tokenizer": json.loads(tokenizer.to_str()), "cases": cases, "pair": {"ids": pair.ids, "types": pair.type_ids}})
    path = pathlib.Path(__file__).parent / "tokenizer_cases.json"
    path.write_text("[" + ",\n".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in out) + "]\n")


if __name__ == "__main__":
    main()
