/// What a tensor's name says about its place in the model. Names are all there is: there are no architecture tables.
enum TensorName {
  /// The words that stand before the number of a layer.
  private static let layerWords: Set<Substring> = [
    "layers", "layer", "h", "blocks", "block", "decoder_layers", "encoder_layers", "transformer_blocks",
  ]
  /// Tables with a row for each token.
  private static let tokenTables: Set<Substring> = [
    "embed_tokens", "wte", "tok_embeddings", "word_embeddings", "embed_in", "token_embd", "token_embedding", "tok_embedding", "shared",
    "embedding", "embeddings", "emb",
  ]
  private static let heads: Set<Substring> = ["lm_head", "embed_out"]
  /// Parts of names that come before the layers, besides everything with `embed` in it.
  private static let preWords: Set<Substring> = ["wpe", "rotary_emb", "pos_emb", "inv_freq"]

  /// A tensor of a numbered layer: `model.layers` `3` `mlp.up_proj.weight`.
  struct Layered: Hashable {
    let stack: String
    let layer: Int
    let tail: String
  }

  /// Splits at the component that numbers layers: the first number behind a word for layers, else the first number that
  /// has something behind it and before it.
  static func layered(_ name: String, _ isKnown: (Substring) -> Bool = { layerWords.contains($0) }) -> Layered? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 3 else { return nil }
    for index in 1..<(parts.count - 1) where isKnown(parts[index - 1]) {
      guard let number = number(parts[index]) else { continue }
      return Layered(stack: parts[..<index].joined(separator: "."), layer: number, tail: parts[(index + 1)...].joined(separator: "."))
    }
    return nil
  }

  private static func number(_ text: Substring) -> Int? {
    guard (1...6).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return text.utf8.count > 1 && text.utf8.first == 0x30 ? nil : Int(text)
  }

  /// Whether it is used before the layers: an embedding of tokens or positions. Everything else outside the layers, the
  /// final norm and the head among it, is used after them.
  static func isPre(_ name: String) -> Bool {
    !isHead(name) && name.split(separator: ".").contains { preWords.contains($0) || tokenTables.contains($0) || $0.contains("embed") }
  }

  /// Whether it makes logits of the last layer's output.
  static func isHead(_ name: String) -> Bool {
    name == "output.weight" || owner(name).map { heads.contains($0) } ?? false
  }

  /// Whether its first axis has one row for each token.
  static func isVocabulary(_ name: String, rank: Int) -> Bool {
    if isHead(name) { return rank == (name.hasSuffix(".bias") ? 1 : 2) }
    guard rank == 2, name.hasSuffix(".weight"), let owner = owner(name), layered(name) == nil else { return false }
    return tokenTables.contains(owner)
  }

  /// The module that the tensor belongs to: the last component but one.
  private static func owner(_ name: String) -> Substring? {
    let parts = name.split(separator: ".")
    return parts.count >= 2 ? parts[parts.count - 2] : nil
  }

  /// Compares as people number things: `layers.2` before `layers.10`.
  static func naturallyPrecedes(_ a: String, _ b: String) -> Bool {
    var x = Substring(a).utf8, y = Substring(b).utf8
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    while let p = x.first, let q = y.first {
      if isDigit(p), isDigit(q) {
        let m = x.prefix(while: isDigit), n = y.prefix(while: isDigit)
        (x, y) = (x.dropFirst(m.count), y.dropFirst(n.count))
        let u = m.drop { $0 == 0x30 }, v = n.drop { $0 == 0x30 }
        if u.count != v.count { return u.count < v.count }
        if let (l, r) = zip(u, v).first(where: { $0 != $1 }) { return l < r }
      } else {
        if p != q { return p < q }
        (x, y) = (x.dropFirst(), y.dropFirst())
      }
    }
    if x.isEmpty != y.isEmpty { return x.isEmpty }
    return a < b
  }
}
