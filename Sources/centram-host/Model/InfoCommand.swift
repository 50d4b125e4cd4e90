internal import ArgumentParser
internal import CentramModel
internal import CentramNode
internal import Foundation

/// What a model is, as JSON.
private struct ModelInformation: Encodable {
  struct Format: Encodable { let format: String, tensors: Int, bytes: Int }
  let path: String, kind: String, family: String
  let layers: Int, hidden: Int, intermediate: Int, heads: Int, keyValueHeads: Int, headSize: Int, vocabulary: Int, contextLength: Int
  let tiesEmbeddings: Bool, parameters: Int, bytes: Int
  /// Of keys and values, for one position of one session.
  let cacheBytesPerToken: Int
  let formats: [Format]
  let endTokens: [Int32]
  let hasChatTemplate: Bool

  init(_ files: ModelFiles) throws {
    let c = files.configuration
    (path, kind, family) = (files.path, files.kind.rawValue, c.family.name)
    (layers, hidden, intermediate, heads, keyValueHeads, headSize) = (c.layers, c.hidden, c.intermediate, c.heads, c.keyValueHeads, c.headSize)
    (vocabulary, contextLength, tiesEmbeddings, endTokens) = (c.vocabulary, c.contextLength, c.tiesEmbeddings, c.endTokens)
    (hasChatTemplate, cacheBytesPerToken) = (files.chatTemplate != nil, 2 * c.layers * c.keyValueHeads * c.headSize * 4)
    let summary = files.formatSummary
    formats = summary.parts.map { Format(format: $0.format, tensors: $0.tensors, bytes: $0.bytes) }
    (parameters, bytes) = (summary.parameters, summary.bytes)
  }
}

extension ModelCommand {
  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "info", abstract: "Tells what a model is made of, and what it needs.")
    @Argument(help: "A model's name or path.", completion: .file()) var model: String
    @OptionGroup var options: StoreOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let information = try ModelInformation(try ModelFiles(path: try options.store().location(model)))
        if json { return try Terminal.printJSON(information) }
        print("\(information.path)\n")
        let rows: [(String, String)] = [
          ("family", "\(information.family), from \(information.kind)"), ("parameters", Self.grouped(information.parameters)),
          ("weights", information.formats.map { "\($0.format) \(Terminal.bytes($0.bytes)) in \(Terminal.count($0.tensors, "tensor"))" }.joined(separator: ", ")),
          ("layers", "\(information.layers) of width \(information.hidden), feed-forward \(information.intermediate)"),
          ("attention", "\(information.heads) heads of \(information.headSize), \(information.keyValueHeads) for keys and values"),
          ("vocabulary", "\(information.vocabulary)\(information.tiesEmbeddings ? ", the head is the embedding" : "")"),
          ("context", "\(information.contextLength) tokens, \(Terminal.bytes(information.cacheBytesPerToken)) of memory a token"),
          ("ends with", information.endTokens.map(String.init).joined(separator: ", ")), ("chat template", information.hasChatTemplate ? "yes" : "no"),
        ]
        for (name, value) in rows where !value.isEmpty { print("\(name.padding(toLength: 14, withPad: " ", startingAt: 0)) \(value)") }
      }
    }

    /// 842,496.
    private static func grouped(_ count: Int) -> String {
      let digits = Array(String(count))
      return String(digits.indices.flatMap { ($0 > 0 && (digits.count - $0) % 3 == 0 ? [","] : []) + [digits[$0]] })
    }
  }
}
