"""Ids of the texts of make_tokenizers.py by tokenizers in GGUF files.

  python make_gguf_tokens.py SMOLLM2.gguf        (gguf 0.19, llama-cpp-python 0.3.36, tokenizers 0.23; writes tokenizers/gguf/)

PRE.gguf is the vocabulary of tokenizers/gpt2.json under each name that `tokenizer.ggml.pre` can have, and PRE.golden.json what llama.cpp makes of the texts with it, special tokens parsed
and not. smollm2.golden.json has the same for SmolLM2's own vocabulary, which is not copied here, and what Hugging Face's library makes of it; texts with a
NUL, which end there for llama.cpp, are null.
"""
import json, os, sys
import gguf, llama_cpp
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "tokenizers")
OUT = os.path.join(FOLDER, "gguf")
PRES = ["gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "default", "qwen35"]
TEXTS = json.load(open(os.path.join(FOLDER, "texts.json")))["short"]


def write(path, pre):
    document = json.load(open(os.path.join(FOLDER, "gpt2.json")))
    special = {token["id"] for token in document["added_tokens"]}
    vocabulary = {id: text for text, id in document["model"]["vocab"].items()} | {token["id"]: token["content"] for token in document["added_tokens"]}
    tokens = [vocabulary[id] for id in range(len(vocabulary))] + ["<user defined>"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([4 if id == len(tokens) - 1 else 3 if id in special else 1 for id in range(len(tokens))])
    writer.add_token_merges(document["model"]["merges"])
    writer.add_bos_token_id(min(special))
    writer.add_eos_token_id(max(special))
    writer.add_vocab_size(len(tokens))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def llama(path):
    model = llama_cpp.Llama(path, vocab_only=True, verbose=False)
    def ids(text, special): return None if "\0" in text else model.tokenize(text.encode(), add_bos=False, special=special)
    return [[ids(text, True), ids(text, False)] for text in TEXTS]


def library(path):
    fields = gguf.GGUFReader(path).fields
    tokens, types, merges = (fields["tokenizer.ggml." + name].contents() for name in ("tokens", "token_type", "merges"))
    tokenizer = Tokenizer(models.BPE(vocab={text: id for id, text in enumerate(tokens)}, merges=[tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text, type in zip(tokens, types) if type == 3])
    return [tokenizer.encode(text).ids for text in TEXTS]


def save(name, rows):
    with open(os.path.join(OUT, name + ".golden.json"), "w") as file: file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")


def main(smollm2):
    os.makedirs(OUT, exist_ok=True)
    for pre in PRES:
        path = os.path.join(OUT, pre + ".gguf")
        write(path, pre)
        save(pre, llama(path))
    save("smollm2", [[a, b, c] for (a, b), c in zip(llama(smollm2), library(smollm2))])


main(sys.argv[1])
