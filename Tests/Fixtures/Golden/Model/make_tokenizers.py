"""Byte-level BPE tokenizers of each kind, trained on small text, and what Hugging Face's `tokenizers` makes of a few hundred texts with them.

  python make_tokenizers.py        (tokenizers 0.23; writes tokenizers/ beside it)

tokenizers/KIND.json are tokenizer.json files. tokenizers/texts.json has the texts, long ones as [unit, times]. tokenizers/KIND.golden.json has a line a
text: the ids with the post-processor and special tokens parsed; the ids without either; the decoded text of the first; the same without special tokens.
For long texts: the number of ids and the sum of id * (place + 1) modulo 2**32.
"""
import json, os, random
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "tokenizers")
ROOT = os.path.abspath(os.path.join(HERE, "../../../.."))

TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

WORDS = """Hello world don't I'LL we've THEY'RE it's He'D 'Tis o'clock naïve café cafe\u0301 A\u030a Å ﬁne Straße ſtraſſe 'ſ x'ſy Ελληνικά русский текст עִבְרִית
العربية हिन्दी ไทยภาษา 日本語テキスト 中文字符 한국어 각\u1100\u1161\u11a8 Việt\u0302\u0323 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🙂 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 e\u0301\u0323 \u0344 ½ ²³ Ⅷ ٣٤٥ १२३ 12345 1234567.89 3.14e-10
0x1F 2024-01-31 foo_bar fooBar FOO_BAR __init__ #hashtag @user http://x.y/z?a=b&c=%20 a.b,c;d:e!f?g (x) [y] {z} <tag/> "quoted" «guillemets» — – … → ∑ € £ ¥ © ™
\u200b \ufeff \u00a0nbsp \u3000wide \u2003em \u2028line \u0085nel \u1680ogham \u202f \x00 \x01\x1f \x7f \u0300 \U000e0041 \U0010ffff \ufffd \ue000""".split(" ")
LOOKALIKES = ["<|im_start|>", "<|im_end|>", "<|im_start|>user\nhi<|im_end|>\n", "<|im_st", "<|im_start|", "|im_start|>", "<|endoftext|>", "<|endoftext|><|endoftext|>", "a<|im_end|>b",
    " <|im_end|> ", "<|IM_END|>", "<|begin_of_text|>x", "<tool_call>{}</tool_call>", "<tool_call", "x <mask> y", "x  <mask>  y", "<mask>", " <mask>", "<mask><mask>", "new word newword renew new",
    "anew new_ new1 newé", "<left>  x", "x  <left>  x", "\n<right>\n\nx", "Å<café>Å", "<cafe\u0301>", "A\u030a<café>"]


def texts():
    found = ["", " ", "  ", "   ", "\n", "\r\n", "\r", "\t", " \n ", "\n\n\n", "a", " a", "a ", "  a  ", "a  b", "a   b", "a\nb", "a\r\nb", "a \n b", "a\n\n  b", "\n a", " \r\n\r\n \tx", "x \u3000\n\u2028 y", "  \n", "x  \n  ",
        "def f(x):\n    if x:\n        return x  # comment\n\n\n", "a\u00a0\u00a0b", "1 22 333 4444 55555 666666", "a1b22c333d", "  123", "'s", "''s", "'re'", "'RE", "'lL'Ve", "'l", "'", "I'm'", "!!!???\n\n", " !?\r\n\r\nx", "...a", " ...a", "_a", "\ta", "\t\ta",
        "The capital of France is", "Once upon a time, in a village by the sea,", "In the beginning def foo(x): return 'Grüße 🙂'\n\n  42"]
    found += LOOKALIKES + WORDS
    source = random.Random(4)
    alphabet = WORDS + LOOKALIKES + [" ", "  ", "\n", "\r\n", "\t", "\u00a0", "'", "'s", "1", "12", ".", "-", "_", "/"]
    for _ in range(120):
        found.append("".join(source.choice(alphabet) + source.choice(["", "", " ", " ", "\n"]) for _ in range(source.randint(1, 9))))
    ranges = [(0, 0x7f), (0, 0x7f), (0x80, 0x2ff), (0x300, 0x36f), (0x370, 0x5ff), (0x600, 0xfff), (0x1000, 0x20ff), (0x2100, 0x2fff), (0x3000, 0xd7ff), (0xf900, 0xffff), (0x10000, 0x1ffff)]
    for _ in range(120):
        low, high = source.choice(ranges)
        found.append("".join(chr(source.randint(low, high)) if source.random() < 0.7 else chr(source.randint(0, 0x7e)) for _ in range(source.randint(1, 24))))
    long = [["a", 100000], ["the ", 5000], ["ab", 20000], [" ", 30000], ["\n", 5000], ["1", 20000], ["é", 20000], ["e\u0301", 4000], ["日本", 8000], ["!", 10000], [" \n", 4000], ["<|im_end|>", 500], ["supercalifragilistic", 3000]]
    return found, long


def corpus():
    names = ["README.md", "LICENSE", "docs/ARCHITECTURE.md", "Package.swift"]
    return [open(os.path.join(ROOT, name), encoding="utf-8").read() for name in names] + [" ".join(WORDS)] * 20


def train(pre, normalizer=None, size=480, alphabet=True, unk=None, **model):
    t = Tokenizer(models.BPE(unk_token=unk, **model))
    if normalizer: t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.ByteLevel()
    initial = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=size, initial_alphabet=initial, special_tokens=[unk] if unk else [], show_progress=False))
    return t


def split(pattern, behavior="isolated", invert=False): return pre_tokenizers.Split(Regex(pattern), behavior, invert)
def level(prefix=False, regex=False): return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
def chain(*parts): return pre_tokenizers.Sequence(list(parts))
def chat(t):
    t.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return t


def begin(t, token, more=[]):
    t.add_special_tokens([token] + more)
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(single=f"{token} $A", pair=f"{token} $A {token} $B", special_tokens=[(token, t.token_to_id(token))])])
    return t


def kinds():
    yield "gpt2", chat(train(level(regex=True)))
    yield "gpt2-prefix-space", chat(train(level(prefix=True, regex=True)))
    qwen = chat(train(chain(split(CASED + TAIL), level()), normalizers.NFC()))
    qwen.add_tokens([AddedToken("<tool_call>", normalized=False, special=False), AddedToken("</tool_call>", normalized=False, special=False)])
    yield "qwen2", qwen
    yield "llama3", begin(train(chain(split(CASED + "{1,3}" + TAIL), level()), ignore_merges=True), "<|begin_of_text|>", ["<|im_start|>", "<|im_end|>"])
    yield "smollm", chat(train(chain(pre_tokenizers.Digits(individual_digits=True), level(regex=True))))
    yield "digits-together", chat(train(chain(pre_tokenizers.Digits(individual_digits=False), level(prefix=True, regex=False))))
    yield "cl100k", chat(train(chain(split(CL100K), level())))
    yield "o200k", chat(train(chain(split(O200K), level())))
    yield "qwen35", chat(train(chain(split(QWEN35), level()), normalizers.Sequence([normalizers.NFC()])))
    yield "deepseek", chat(train(chain(split(r"\p{N}{1,3}"), split("[一-龥\u0800-一가-퟿]+"), split(DEEPSEEK), level())))
    yield "behaviors", chat(train(chain(split(r"\s+", "merged_with_next"), split(r"[.,;:!?]+", "merged_with_previous"), split("-", "removed"), pre_tokenizers.Split("_", "contiguous"), split(r"[A-Z][a-z]*|\p{Lo}+?", "isolated", True), level())))
    yield "removed-inverted", train(chain(split(r"\p{L}+|\p{N}", "removed", True), level(prefix=True)))
    yield "part-alphabet", chat(train(chain(split(CASED + TAIL), level()), alphabet=False, size=300))
    yield "part-alphabet-unk", chat(train(chain(split(CASED + TAIL), level()), alphabet=False, size=300, unk="<unk>"))
    yield "part-alphabet-fused-unk", chat(train(chain(split(CASED + TAIL), level()), alphabet=False, size=300, unk="<unk>", fuse_unk=True))
    flags = chat(train(chain(split(CASED + TAIL), level()), normalizers.NFC()))
    flags.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True), AddedToken("<both>", lstrip=True, rstrip=True, special=True), AddedToken("</s>", special=True)])
    flags.add_tokens([AddedToken("<left>", lstrip=True), AddedToken("<right>", rstrip=True, normalized=False), AddedToken("new", single_word=True), AddedToken("<café>", normalized=True), AddedToken("é", normalized=False), AddedToken("<im", normalized=False), AddedToken("the", normalized=True)])
    flags.post_processor = processors.TemplateProcessing(single="<|im_start|> $A </s>", special_tokens=[("<|im_start|>", flags.token_to_id("<|im_start|>")), ("</s>", flags.token_to_id("</s>"))])
    yield "flags", flags


def golden(t, text):
    t.encode_special_tokens = False
    ids = t.encode(text).ids
    t.encode_special_tokens = True
    plain = t.encode(text, add_special_tokens=False).ids
    t.encode_special_tokens = False
    return [ids, plain, t.decode(ids, skip_special_tokens=False), t.decode(ids, skip_special_tokens=True)]


def digest(ids): return [len(ids), sum(id * (place + 1) for place, id in enumerate(ids)) % 2**32]


def main():
    os.makedirs(OUT, exist_ok=True)
    short, long = texts()
    with open(os.path.join(OUT, "texts.json"), "w") as file:
        json.dump({"short": short, "long": long}, file, ensure_ascii=True, indent=0)
    for name, t in kinds():
        document = json.loads(t.to_str())
        if name == "gpt2":  # As older versions wrote it.
            document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
            t = Tokenizer.from_str(json.dumps(document))
        with open(os.path.join(OUT, name + ".json"), "w") as file: json.dump(document, file, ensure_ascii=name != "qwen2", separators=(",", ":"))
        with open(os.path.join(OUT, name + ".golden.json"), "w") as file:
            rows = [json.dumps(golden(t, text), separators=(",", ":")) for text in short]
            sums = [json.dumps([digest(ids) for ids in golden(t, unit * times)[:2]], separators=(",", ":")) for unit, times in long]
            file.write('{"short":[\n' + ",\n".join(rows) + '\n],\n"long":[\n' + ",\n".join(sums) + "\n]}\n")
        print(name, t.get_vocab_size())


main()
