/// What a name in `tokenizer.ggml.pre` stands for: the names are llama.cpp's, the rules those of the tokenizers that were converted. So a model's
/// GGUF file and its Hugging Face folder give the same ids; where llama.cpp leaves out the NFC of Qwen's tokenizer, we do not.
struct GGUFPreTokenizer {
  var steps: [PreTokenizer.Step]
  var normalizer = Normalizer.none
  var ignoresMerges = false
  /// Where the file does not say whether a text begins with the begin token.
  var addsBegin = false

  private static let gpt2Names: Set = ["gpt-2", "phi-2", "gigachat", "a.x-4.0", "mellum", "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4"]
  private static let digitNames: Set = ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"]
  private static let llama3Names: Set = ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"]

  private static let qwen35 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let o200k = [
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#,
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#,
    #"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
  ].joined(separator: "|")

  /// - Parameter name: of `tokenizer.ggml.pre`; nil where the file, an old one, has none.
  init(_ name: String?, file: String) throws(ModelFileError) {
    switch name ?? "default" {
    case let name where Self.gpt2Names.contains(name): steps = [.words(.gpt2)]
    case let name where Self.digitNames.contains(name): steps = [.digits(alone: true), .words(.gpt2)]
    case let name where Self.llama3Names.contains(name):
      steps = [.words(.llama3(digits: 3))]
      (ignoresMerges, addsBegin) = (true, true)
    case "dbrx", "smaug-bpe": steps = [.words(.llama3(digits: 3))]
    case "qwen2", "deepseek-r1-qwen":
      steps = [.words(.llama3(digits: 1))]
      normalizer = .nfc
    case "qwen35":
      steps = [try Self.split(Self.qwen35, file)]
      normalizer = .nfc
    case "gpt-4o", "llama4": steps = [try Self.split(Self.o200k, file)]
    case "default":
      // What llama.cpp does where it does not know: punctuation, then GPT-2's words, then numbers, the first digits of which by threes.
      steps = [try Self.split(#"[\p{P}\$\+<=>\^~\|]+"#, file), .words(.gpt2), .digits(alone: false), try Self.split("[0-9][0-9][0-9]", file)]
    case let other:
      throw ModelFileError(
        .unsupported,
        "\(file): tokenizer.ggml.pre is \"\(other.prefix(60))\", whose way to cut words is not known; use the model's Hugging Face folder, whose tokenizer.json spells it out")
    }
  }

  private static func split(_ pattern: String, _ file: String) throws(ModelFileError) -> PreTokenizer.Step {
    do throws(SplitPatternFailure) {
      return .split(try SplitPattern(pattern), .isolated, inverted: false)
    } catch { throw ModelFileError(.unsupported, "\(file): \(pattern): \(error.message)") }
  }
}
