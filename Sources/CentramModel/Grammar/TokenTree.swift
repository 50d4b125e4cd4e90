internal import CModelKernels

/// The bytes of a vocabulary as a tree, so that tokens that begin alike are looked at together.
public final class TokenTree: Sendable {
  /// Tokens of the vocabulary.
  public let count: Int
  private let text: [UInt8]
  private let starts: [UInt32]
  private let tokens: [UInt32]
  private let bytes: [UInt8]
  private let depths: [UInt16]
  private let ends: [UInt32]
  private let offsets: [UInt32]
  /// Bytes of the longest token.
  private let depth: Int

  /// - Parameter tokens: the bytes of each; one without bytes, or with more than 65,535, is never allowed. Special tokens should have none.
  public init(_ tokens: [[UInt8]]) {
    count = tokens.count
    var starts: [UInt32] = [0], text: [UInt8] = []
    starts.reserveCapacity(tokens.count + 1)
    for token in tokens {
      if token.count <= 65_535 { text.append(contentsOf: token) }
      starts.append(UInt32(text.count))
    }
    var sorted = (0..<UInt32(tokens.count)).filter { starts[Int($0)] < starts[Int($0) + 1] }
    precondition(mk_sort_tokens(text, starts, &sorted, sorted.count) != 0, "no memory for a vocabulary's tree")
    let room = text.count
    var depths = [UInt16](repeating: 0, count: room), ends = [UInt32](repeating: 0, count: room), offsets = [UInt32](repeating: 0, count: room + 1)
    var nodes = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
      nodes = mk_plant_tokens(text, starts, sorted, sorted.count, buffer.baseAddress, &depths, &ends, &offsets)
      filled = nodes
    }
    depths.removeLast(room - nodes)
    ends.removeLast(room - nodes)
    offsets.removeLast(room - nodes)
    depth = Int(depths.max() ?? 0)
    (self.text, self.starts, self.tokens, self.bytes, self.depths, self.ends, self.offsets) = (text, starts, sorted, bytes, depths, ends, offsets)
  }

  public func bytes(of token: Int32) -> ArraySlice<UInt8> {
    guard token >= 0, Int(token) < count else { return [] }
    return text[Int(starts[Int(token)])..<Int(starts[Int(token) + 1])]
  }

  /// The tokens all of whose bytes may follow in `state`.
  func mask(_ tables: GrammarTables, _ state: Int32) throws(GenerationError) -> TokenMask {
    if let known = tables.masks[state] { return known }
    var words = [UInt64](repeating: 0, count: (count + 63) / 64)
    var path = [Int32](repeating: 0, count: depth + 1)
    path[0] = state
    var node = 0
    while true {
      node = walk(tables.transitions, from: node, &path, &words)
      guard node < bytes.count else { break }
      _ = try tables.next(path[Int(depths[node]) - 1], bytes[node])
    }
    let mask = TokenMask(count: count, words: words)
    // A mask of 150,000 tokens has 19 kB.
    if tables.masks.count >= 256 { tables.masks.removeAll() }
    tables.masks[state] = mask
    return mask
  }

  private func walk(_ transitions: [Int32], from node: Int, _ path: inout [Int32], _ words: inout [UInt64]) -> Int {
    bytes.withUnsafeBufferPointer { bytes in
      depths.withUnsafeBufferPointer { depths in
        ends.withUnsafeBufferPointer { ends in
          offsets.withUnsafeBufferPointer { offsets in
            tokens.withUnsafeBufferPointer { tokens in
              var tree = mk_token_tree(
                bytes: bytes.baseAddress, depths: depths.baseAddress, ends: ends.baseAddress, offsets: offsets.baseAddress, tokens: tokens.baseAddress,
                nodes: bytes.count)
              return mk_walk_tokens(&tree, transitions, node, &path, &words)
            }
          }
        }
      }
    }
  }
}
