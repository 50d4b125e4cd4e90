/// The Python half of `TokenizerPythonTests`: makes tokenizers with the real libraries, and judges what came out of them.
enum TokenizerScript {
  static let text = #"""
    import json, os, sys
    import jinja2, jinja2.sandbox
    from tokenizers import AddedToken, Tokenizer, models, trainers, pre_tokenizers, decoders, normalizers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    ONE = ["the cat sat on the mat", "a cat and a dog", "the dog ran", "naïve café", "lower lowest low"] * 5
    TWO = ["zebra quagga zebras 12 34", "le zèbre court vite", "def f(x): return x", "quick quagga", "the zebra"] * 5

    def train(kind, corpus, special):
        if kind == "bpe":
            t = Tokenizer(models.BPE()); t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False); t.decoder = decoders.ByteLevel()
            r = trainers.BpeTrainer(vocab_size=330, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        elif kind == "wordpiece":
            t = Tokenizer(models.WordPiece(unk_token="[UNK]")); t.normalizer = normalizers.NFC(); t.pre_tokenizer = pre_tokenizers.Whitespace()
            t.decoder = decoders.WordPiece()
            r = trainers.WordPieceTrainer(vocab_size=90, special_tokens=["[UNK]"])
        elif kind == "wordpiece-bpe":
            t = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##")); t.pre_tokenizer = pre_tokenizers.Whitespace()
            t.decoder = decoders.WordPiece()
            r = trainers.BpeTrainer(vocab_size=90, special_tokens=["[UNK]"], continuing_subword_prefix="##")
        else:
            t = Tokenizer(models.Unigram()); t.pre_tokenizer = pre_tokenizers.Metaspace(); t.decoder = decoders.Metaspace()
            r = trainers.UnigramTrainer(vocab_size=60, unk_token="<unk>", special_tokens=["<unk>"])
        t.train_from_iterator(corpus, r)
        t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in special])
        return t

    def make(root, *kinds):
        for kind in kinds:
            for name, corpus, special in (("one", ONE, ["<end>", "<one>"]), ("two", TWO, ["<end>", "<two>", "<|im_start|>"])):
                folder = f"{root}/{kind}-{name}"
                # Qwen2's tokenizer adds this one where it is missing.
                if kind == "bpe": special = special + ["<|endoftext|>"]
                f = PreTrainedTokenizerFast(tokenizer_object=train(kind, corpus, special), eos_token="<end>")
                f.save_pretrained(folder)
                c = json.load(open(folder + "/tokenizer_config.json"))
                # The class that real models of this kind name.
                if kind == "bpe": c["tokenizer_class"] = "Qwen2Tokenizer"
                json.dump(c, open(folder + "/tokenizer_config.json", "w"))
                json.dump({"model_type": "qwen2" if kind == "bpe" else "llama", "num_hidden_layers": 1, "vocab_size": 1}, open(folder + "/config.json", "w"))

    def words(t, text): return t.encode(text, add_special_tokens=False).ids

    def check(root, kind):
        out, expected = f"{root}/{kind}-out", json.load(open(f"{root}/{kind}-expected.json"))
        t = Tokenizer.from_file(out + "/tokenizer.json")
        assert t.get_vocab(with_added_tokens=True) == expected, set(t.get_vocab().items()) ^ set(expected.items())
        a = AutoTokenizer.from_pretrained(out)
        assert a.get_vocab() == expected, (type(a), list(set(a.get_vocab().items()) ^ set(expected.items()))[:10])
        one, two = (Tokenizer.from_file(f"{root}/{kind}-{n}/tokenizer.json") for n in ("one", "two"))
        for special in ("<end>", "<one>", "<two>", "<|im_start|>"):
            assert words(t, special) == [expected[special]], special
            assert t.id_to_token(expected[special]) == special
            assert a(special, add_special_tokens=False)["input_ids"] == [expected[special]], special
            assert a.decode([expected[special]], skip_special_tokens=True) == "", special
        for text in ("the cat", "lowest dog", "naïve café"):
            got, want = t.encode(text, add_special_tokens=False), one.encode(text, add_special_tokens=False)
            assert t.decode(got.ids) == text, (text, got.tokens)
            # Words that the base cuts whole stay whole.
            if len(want.tokens) == len(text.split()) and kind != "unigram": assert got.tokens == want.tokens, (got.tokens, want.tokens)
        for text in ("zebra quagga", "quick zebras", "zèbre"):
            got, want = t.encode(text, add_special_tokens=False), two.encode(text, add_special_tokens=False)
            assert t.decode(got.ids) == text, (text, got.tokens)
            assert "[UNK]" not in got.tokens and "<unk>" not in got.tokens, got.tokens
            assert len(got.ids) <= 3 * len(want.ids) + 2, (got.tokens, want.tokens)
        mixed = "the <two>zebra<end>"
        assert [i for i in words(t, mixed) if t.id_to_token(i).startswith("<")] == [expected["<two>"], expected["<end>"]]
        assert a.eos_token_id == expected["<end>"]
        a.save_pretrained(f"{root}/{kind}-again")
        assert AutoTokenizer.from_pretrained(f"{root}/{kind}-again").get_vocab() == expected

    def vocabulary(folder, expected_path):
        """Only the vocabulary: what the libraries read is what was planned."""
        expected = json.load(open(expected_path))
        t = Tokenizer.from_file(folder + "/tokenizer.json")
        assert t.get_vocab(with_added_tokens=True) == expected, list(set(t.get_vocab().items()) ^ set(expected.items()))[:10]
        a = AutoTokenizer.from_pretrained(folder)
        assert a.get_vocab() == expected, (type(a), list(set(a.get_vocab().items()) ^ set(expected.items()))[:10])
        for text, id in expected.items():
            assert t.id_to_token(id) == text
            if text.isalnum(): assert a.decode(a(text, add_special_tokens=False)["input_ids"]) == text, text

    TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}]
    PREAMBLE = "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    # name: the whole talk with an open turn for the assistant; the second to third message, closed
    TALKS = {
        "alpaca": ("Be brief.\n\n### Instruction:\nHi\n\n### Response:\nHello</s>\n\n### Instruction:\nBye\n\n### Response:\n",
                   PREAMBLE + "### Instruction:\nHi\n\n### Response:\nHello</s>\n\n"),
        "chatml": ("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
                   "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
                   "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"),
        "exaone": ("[|system|]Be brief.[|endofturn|]\n[|user|]Hi\n[|assistant|]Hello[|endofturn|]\n[|user|]Bye\n[|assistant|]",
                   "[|system|][|endofturn|]\n[|user|]Hi\n[|assistant|]Hello[|endofturn|]\n"),
        "llama3": ("<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
                   "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
                   "<|start_header_id|>assistant<|end_header_id|>\n\n",
                   "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"),
        "mistral": ("<s>[INST] Be brief.\n\nHi [/INST] Hello</s>[INST] Bye [/INST]", "<s>[INST] Hi [/INST] Hello</s>"),
    }

    def templates(root):
        for name, (open_turn, closed) in TALKS.items():
            text = open(f"{root}/{name}.jinja").read()
            # As transformers sets it up.
            for env in (jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True), jinja2.Environment()):
                render = lambda m, g: env.from_string(text).render(messages=m, add_generation_prompt=g, bos_token="<s>", eos_token="</s>")
                assert render(TALK, True) == open_turn, (name, render(TALK, True), open_turn)
                assert render(TALK[1:3], False) == closed, (name, render(TALK[1:3], False), closed)

    def chat(folder):
        a = AutoTokenizer.from_pretrained(folder)
        got = a.apply_chat_template(TALK, tokenize=False, add_generation_prompt=True)
        assert got == TALKS["chatml"][0], got

    def config(folder):
        from transformers import AutoConfig
        c = AutoConfig.from_pretrained(folder)
        assert (c.num_hidden_layers, len(c.layer_types), str(c.dtype).replace("torch.", "")) == (6, 6, "bfloat16"), c

    globals()[sys.argv[1]](*sys.argv[2:])
    print("good")
    """#
}
